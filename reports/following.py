"""What became of each event at one consumer: when it was committed, and when it could be read.

All measures of delay are computed from this pair of arrays alone. The hand-checkable trace:

>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> float((trace.applied_s - trace.committed_s).mean())
0.8
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.arrays import Integers, Seconds
from reports.frames import Run


@dataclass(frozen=True, eq=False)
class Following:
    """The events that a consumer follows, in the order of their commits.

    `applied_s` is infinite for an event that was not applied by the horizon `end_s`, and never lies before
    the commit. `event` is the row of each event in the table or the arrays that it was made from.
    """

    committed_s: Seconds
    applied_s: Seconds
    end_s: float
    event: Integers


def following(committed_s: npt.ArrayLike, applied_s: npt.ArrayLike, *, end_s: float) -> Following:
    """The events committed and first applied at these instants (NaN or infinite: never), up to `end_s`.

    An event applied after the horizon counts as not applied. On a wall clock an event may seem to be applied
    a moment before its commit was noted; it counts as applied at its commit.
    """
    committed = np.asarray(committed_s, dtype=np.float64)
    applied = np.maximum(np.asarray(applied_s, dtype=np.float64), committed)
    applied = np.where(applied <= end_s, applied, np.inf)
    order = np.argsort(committed, kind="stable")
    return Following(committed[order], applied[order], end_s, order.astype(np.int64))


def of_consumer(run: Run, consumer: str) -> Following:
    """Every event of the logs that the consumer follows; its first `applied` row says when it was applied."""
    cached = run.memory.get(("following", consumer))
    if cached is None:
        applied_s = first_applied_s(run, consumer, run.consumers[consumer])
        rows = np.flatnonzero(run.events["source"].isin(run.consumers[consumer]).to_numpy())
        made = following(run.events["committed_s"].to_numpy()[rows], applied_s[rows], end_s=run.phases.end_s)
        cached = Following(made.committed_s, made.applied_s, made.end_s, rows[made.event])
        run.memory[("following", consumer)] = cached
    assert isinstance(cached, Following)
    return cached


def first_applied_s(run: Run, consumer: str, sources: Sequence[str]) -> Seconds:
    """For each row of `events` the instant when the consumer first applied it; NaN: never, or another log."""
    result = np.full(len(run.events), np.nan)
    applied = run.applied
    mine = ((applied["consumer"] == consumer) & (applied["outcome"] == "applied")).to_numpy()
    for source in sources:
        handled = np.flatnonzero(mine & (applied["source"] == source).to_numpy())
        at_s = applied["applied_s"].to_numpy()[handled]
        rows = event_rows(run, source, applied["position"].to_numpy()[handled])
        late_first = np.argsort(-at_s, kind="stable")
        late_first = late_first[rows[late_first] >= 0]
        result[rows[late_first]] = at_s[
            late_first
        ]  # of several assignments to one row the last, earliest, stays
    return result


def event_rows(run: Run, source: str, positions: Integers) -> Integers:
    """The row in `events` of each position of a log; −1 where the log has no such position."""
    rows = np.flatnonzero((run.events["source"] == source).to_numpy())
    held = run.events["position"].to_numpy()[rows]
    ascending = np.argsort(held, kind="stable")
    rows, held = rows[ascending], held[ascending]
    if len(held) == 0:
        return np.full(len(positions), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(held, positions), len(held) - 1)
    return np.where(held[found] == positions, rows[found], -1).astype(np.int64)
