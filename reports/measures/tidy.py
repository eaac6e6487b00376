"""Each measure of a run as a tidy frame: one row an observation, units in the names of the columns.

Instants are on the run's clock, where 0 is the start of `run`; for an event that was never applied
`applied_s` is NaN and `lag_s` infinite. Each function takes a run and looks at all of it unless it is given a
window, such as `run.phases.window("run")`. Using a table that the run lacks raises `RunError`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports.evidence.columns import seconds
from reports.evidence.following import Following, of_consumer
from reports.evidence.frames import Run
from reports.evidence.window import Window
from reports.measures import transience
from reports.measures.lag import lags
from reports.measures.reads import VERSIONS, versions_behind
from reports.measures.time_behind import ramps
from reports.measures.visibility import visible_within

AFTER_S = tuple(float(after) for after in np.geomspace(0.001, 100.0, 51))
"""Where the visibility curve is given, unless told otherwise: ten points a decade, 1 ms to 100 s."""


def lag(run: Run, window: Window | None = None) -> pd.DataFrame:
    """One row for each event and consumer that follows it, committed in the window.

    Columns: `consumer`, `source` (the log), `position`, `type`, `committed_s`, `applied_s`, `lag_s` and
    `at_least_s`, which is the lag too, but for an event never applied the time until the run's end.
    """
    known = run.tables["events"]

    def of(events: Following) -> pd.DataFrame:
        inside = _window(run, window).holds(events.committed_s)
        committed_s, applied_s = events.committed_s[inside], events.applied_s[inside]
        rows = known.iloc[events.event[inside]][["source", "position", "type"]].reset_index(drop=True)
        return rows.assign(
            committed_s=committed_s,
            applied_s=np.where(np.isinf(applied_s), np.nan, applied_s),
            lag_s=applied_s - committed_s,
            at_least_s=np.minimum(applied_s, events.end_s) - committed_s,
        )

    return _by_consumer(run, of)


def backlog(run: Run) -> pd.DataFrame:
    """How many events were committed and not yet applied: a step at each change.

    Columns: `consumer`, `at_s`, `backlog_events`, which holds from then until the next row.
    """

    def of(events: Following) -> pd.DataFrame:
        applied_s = events.applied_s[np.isfinite(events.applied_s)]
        instants_s = np.concatenate([events.committed_s, applied_s])
        change = np.repeat([1, -1], [len(events.committed_s), len(applied_s)])
        order = np.argsort(instants_s, kind="stable")
        at_s, waiting = instants_s[order], np.cumsum(change[order])
        last = np.append(at_s[1:] != at_s[:-1], True)[: len(at_s)]  # of one instant what counts is the end
        return pd.DataFrame({"at_s": at_s[last], "backlog_events": waiting[last]})

    return _by_consumer(run, of)


def time_behind(run: Run) -> pd.DataFrame:
    """The ramps of V(t), the age of the oldest event not yet applied; between them it is 0.

    Columns: `consumer`, `start_s`, `end_s` (the run's end at most), `low_s` and `high_s`, between which V
    rises by 1 s a second.
    """

    def of(events: Following) -> pd.DataFrame:
        found = ramps(events)
        end_s = np.minimum(found.end_s, events.end_s)
        return pd.DataFrame(
            {
                "start_s": found.start_s,
                "end_s": end_s,
                "low_s": found.start_s - found.oldest_s,
                "high_s": end_s - found.oldest_s,
            }
        )

    return _by_consumer(run, of)


def visibility(run: Run, after_s: Sequence[float] = AFTER_S, window: Window | None = None) -> pd.DataFrame:
    """The share of events that could be read so long after their commit.

    Columns: `consumer`, `after_s`, `visible_share` (NaN: no event was committed in the window).
    """

    def of(events: Following) -> pd.DataFrame:
        share = visible_within(lags(events, _window(run, window)), after_s)
        return pd.DataFrame({"after_s": np.asarray(after_s, dtype=np.float64), "visible_share": share})

    return _by_consumer(run, of)


def reads(run: Run, window: Window | None = None) -> pd.DataFrame:
    """One row for each read that arrived in the window: the table `reads` and what it missed.

    Added columns: `versions_behind` (events of its key that it did not show; −1: not judged) and `stale`.
    """
    behind = np.max([versions_behind(run, kind) for kind in VERSIONS], axis=0)
    inside = _window(run, window).holds(seconds(run, "reads", "arrived_s"))
    judged = run.tables["reads"].assign(versions_behind=behind, stale=behind > 0)
    return judged[inside].reset_index(drop=True)


def gaps(run: Run, instants: int = transience.INSTANTS) -> pd.DataFrame:
    """How many rows of the customers' view were missing, doubled, wrong … at instants evenly over the run.

    Columns: `at_s`, `kind`, `count`. What is open in the last instant is permanent, the rest was transient.
    """
    return transience.gaps_over_time(run, instants).rename(columns={"t_s": "at_s"})


def commands(run: Run, window: Window | None = None) -> pd.DataFrame:
    """One row for each command that arrived in the window: the table `commands` and its `latency_s`.

    The latency is NaN where no answer came.
    """
    inside = _window(run, window).holds(seconds(run, "commands", "arrived_s"))
    latency_s = seconds(run, "commands", "answered_s") - seconds(run, "commands", "arrived_s")
    return run.tables["commands"].assign(latency_s=latency_s)[inside].reset_index(drop=True)


def handlings(run: Run) -> pd.DataFrame:
    """One row for each handling of an event: the table `applied` and its `service_s`, from taken to applied.

    That is the time in the consumer's hands, retries included, without the wait in its inbox.
    """
    service_s = seconds(run, "applied", "applied_s") - seconds(run, "applied", "taken_s")
    return run.tables["applied"].assign(service_s=service_s)


def _window(run: Run, window: Window | None) -> Window:
    return run.phases.window("always") if window is None else window


def _by_consumer(run: Run, of: Callable[[Following], pd.DataFrame]) -> pd.DataFrame:
    """The frames of all consumers below each other, with their names in the first column."""
    frames = {consumer: of(of_consumer(run, consumer)) for consumer in run.consumers}
    if not frames:
        run.tables["events"]  # a probe has none, and says so
        raise ValueError("a run without consumers has no measures of theirs")
    whole: Any = pd.concat(frames.values(), ignore_index=True)
    names = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames.values()])
    whole.insert(0, "consumer", pd.Categorical.from_codes(names, pd.Index(list(frames))))
    return pd.DataFrame(whole)
