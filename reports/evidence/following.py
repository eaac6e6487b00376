"""What became of each event at one consumer: when it was committed, and when it could be read.

All measures of delay are computed from this pair of arrays alone. The hand-checkable trace:

>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> float((trace.applied_s - trace.committed_s).mean())
0.8
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from reports.evidence.arrays import Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, seconds
from reports.evidence.frames import Run


@dataclass(frozen=True, eq=False)
class Following:
    """The events that a consumer follows, in the order of their commits.

    `applied_s` is infinite for an event that was not applied by the horizon `end_s`, and never lies before
    the commit. `event` is the row of each event in the table or the arrays that it was made from. `memory`
    keeps what was computed once from them.
    """

    committed_s: Seconds
    applied_s: Seconds
    end_s: float
    event: Integers
    memory: dict[object, object] = field(default_factory=dict, repr=False)


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
        applied_s = first_applied_s(run, consumer)
        rows = np.flatnonzero(flags(run, "events", "source", *run.consumers[consumer]))
        committed_s = seconds(run, "events", "committed_s")
        made = following(committed_s[rows], applied_s[rows], end_s=run.phases.end_s)
        cached = Following(made.committed_s, made.applied_s, made.end_s, rows[made.event])
        run.memory[("following", consumer)] = cached
    assert isinstance(cached, Following)
    return cached


def first_applied_s(run: Run, consumer: str) -> Seconds:
    """For each row of `events` the instant when the consumer first applied it; NaN: never, or another log."""
    key = ("first applied", consumer)
    found: Any = run.memory.get(key)
    if found is None:
        found = np.full(len(integers(run, "events", "position")), np.inf)
        took = flags(run, "applied", "outcome", "applied")
        for source in run.consumers[consumer]:
            handled = handlings(run, consumer, source)
            handled = handled[took[handled]]
            events = event_rows(run, source, integers(run, "applied", "position")[handled])
            there = events >= 0
            np.minimum.at(found, events[there], seconds(run, "applied", "applied_s")[handled[there]])
        found = run.memory[key] = np.where(np.isinf(found), np.nan, found)
    result: Seconds = found
    return result


def event_rows(run: Run, source: str, positions: Integers) -> Integers:
    """The row in `events` of each position of a log; −1 where the log has no such position."""
    rows, held = _log(run, source)
    if len(held) == 0:
        return np.full(len(positions), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(held, positions), len(held) - 1)
    return np.where(held[found] == positions, rows[found], -1)


def committed_s(run: Run, source: str, positions: Integers) -> Seconds:
    """When each position of a log was committed; NaN where the log has no such position."""
    rows = event_rows(run, source, positions)
    instants = np.append(seconds(run, "events", "committed_s"), np.nan)
    return instants[rows]  # −1 is the last


def _log(run: Run, source: str) -> tuple[Integers, Integers]:
    """The rows of a log in `events` and their positions, ascending."""
    key = ("log", source)
    found: Any = run.memory.get(key)
    if found is None:
        rows = np.flatnonzero(flags(run, "events", "source", source))
        held = integers(run, "events", "position")[rows]
        ascending = np.argsort(held, kind="stable")
        found = run.memory[key] = (rows[ascending], held[ascending])
    result: tuple[Integers, Integers] = found
    return result
