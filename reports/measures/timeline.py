"""What the read models were like over time: a run cut into windows of equal length, one row each.

Windows are so few that a figure of a long run stays small, and keep what matters: of a level its largest
value in the window, of a distribution its percentiles. An instant belongs to the window that it lies in.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, integers, seconds
from reports.evidence.following import Following, of_consumer
from reports.evidence.frames import Run
from reports.evidence.ledger import acknowledged
from reports.measures import backlog
from reports.measures.occurrences import occurrences, recovered, untouched
from reports.measures.reads import ANSWERED, versions_behind
from reports.measures.sessions import read_your_writes
from reports.measures.time_behind import ramps

WINDOWS = 160
"""Into how many windows a run is cut."""


class Cut(NamedTuple):
    """The bounds of the windows (s), one more than there are windows."""

    bounds_s: Seconds

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return len(self.bounds_s) - 1

    @property
    def middles_s(self) -> Seconds:
        """The middle of each window."""
        middles: Seconds = (self.bounds_s[1:] + self.bounds_s[:-1]) / 2.0
        return middles

    def of(self, at_s: Seconds) -> Integers:
        """The window that each instant lies in; those outside of all are in the nearest."""
        number = np.searchsorted(self.bounds_s, at_s, side="right") - 1
        return np.clip(number, 0, self.windows - 1)


def cut(run: Run, windows: int = WINDOWS) -> Cut:
    """The whole run, `warm` to `settle`, in windows."""
    whole = run.phases.window("always")
    return Cut(np.linspace(whole.start_s, whole.end_s, windows + 1))


def lag_over_time(run: Run, consumer: str, windows: int = WINDOWS) -> pd.DataFrame:
    """Lag by the instant of commit: `t_s` (middle), `events`, `p50_s`, `p99_s`, `max_s`, `censored`.

    An event that was not applied by the end counts with the time until then. Windows without events are left
    out.
    """
    parts, events = cut(run, windows), of_consumer(run, consumer)
    lag_s = np.minimum(events.applied_s, events.end_s) - events.committed_s
    over_time = percentiles_over_time(parts, events.committed_s, lag_s, "events")
    at_s = events.committed_s[np.isinf(events.applied_s)]
    never = np.bincount(parts.of(at_s), minlength=parts.windows)
    there = np.bincount(parts.of(events.committed_s), minlength=parts.windows) > 0
    return over_time.assign(censored=never[there])


def percentiles_over_time(parts: Cut, at_s: Seconds, values_s: Seconds, counted: str) -> pd.DataFrame:
    """Of values by their instants: `t_s` (middle), how many (column `counted`), `p50_s`, `p99_s`, `max_s`.

    Windows without any are left out.
    """
    window = parts.of(at_s)
    order = np.lexsort((values_s, window))
    ascending = values_s[order]
    count = np.bincount(window, minlength=parts.windows)
    there = count > 0
    first, n = (np.cumsum(count) - count)[there], count[there]
    return pd.DataFrame(
        {
            "t_s": parts.middles_s[there],
            counted: n,
            "p50_s": ascending[first + np.ceil(0.50 * n).astype(np.int64) - 1],
            "p99_s": ascending[first + np.ceil(0.99 * n).astype(np.int64) - 1],
            "max_s": ascending[first + n - 1],
        }
    )


def time_behind_over_time(run: Run, consumer: str, windows: int = WINDOWS) -> pd.DataFrame:
    """The largest time behind in each window: `t_s` (middle), `max_s`."""
    parts, behind = cut(run, windows), ramps(of_consumer(run, consumer))
    highest = np.zeros(parts.windows)
    horizon_s = parts.bounds_s[-1]
    ends_s = np.minimum(behind.end_s, horizon_s)
    inside = (ends_s >= parts.bounds_s[0]) & (behind.start_s < horizon_s)
    np.maximum.at(highest, parts.of(ends_s[inside]), (ends_s - behind.oldest_s)[inside])
    if len(behind.start_s):  # a ramp that goes on beyond a window is highest at the window's end
        at_s = parts.bounds_s[1:]
        number = np.searchsorted(behind.start_s, at_s, side="left") - 1
        running = (number >= 0) & (behind.end_s[number] >= at_s)
        highest = np.maximum(highest, np.where(running, at_s - behind.oldest_s[number], 0.0))
    return pd.DataFrame({"t_s": parts.middles_s, "max_s": highest})


def backlog_over_time(run: Run, consumer: str, windows: int = WINDOWS) -> pd.DataFrame:
    """The largest backlog in each window: `t_s` (middle), `max_events`."""
    parts, events = cut(run, windows), of_consumer(run, consumer)
    changes_s = np.concatenate([parts.bounds_s[:-1], events.committed_s])
    waiting = backlog.at(events, np.sort(changes_s))
    highest = np.zeros(parts.windows, dtype=np.int64)
    np.maximum.at(highest, parts.of(np.sort(changes_s)), waiting)
    return pd.DataFrame({"t_s": parts.middles_s, "max_events": highest})


def reads_over_time(run: Run, kind: str, windows: int = WINDOWS) -> pd.DataFrame:
    """The judged reads of a kind: `t_s` (middle), `reads`, `stale`; windows without any are left out."""
    parts = cut(run, windows)
    behind = versions_behind(run, kind)
    judged = behind >= 0
    return _shares(parts, seconds(run, "reads", "read_s")[judged], behind[judged] > 0, "reads", "stale")


def read_your_writes_over_time(run: Run, windows: int = WINDOWS) -> pd.DataFrame:
    """Reads of their own key by customers who had ordered: `t_s` (middle), `opportunities`, `violations`."""
    parts = cut(run, windows)
    session, read_s = integers(run, "reads", "session"), seconds(run, "reads", "read_s")
    judged = flags(run, "reads", "kind", "history", "own") & flags(run, "reads", "outcome", *ANSWERED)
    judged &= (integers(run, "reads", "seen") >= 0) & (session == integers(run, "reads", "key"))
    rows = np.flatnonzero(judged)
    orders = acknowledged(run, run.phases.window("always"))
    could, did = read_your_writes(
        session=session[rows],
        arrived_s=seconds(run, "reads", "arrived_s")[rows],
        seen=integers(run, "reads", "seen")[rows],
        writer=integers(run, "commands", "customer_id")[orders],
        acknowledged_s=seconds(run, "commands", "answered_s")[orders],
    )
    return _shares(parts, read_s[rows][could], did[could], "opportunities", "violations")


def calm(run: Run, consumer: str, events: Following) -> Flags:
    """Which of the consumer's events were not under way while a fault lasted or was being recovered from."""
    pairs = zip(occurrences(run), recovered(run, consumer), strict=True)
    times = [(one.start_s, one.end_s + recovery.at_least_s) for one, recovery in pairs]
    return untouched(events.committed_s, events.applied_s, times)


def _shares(parts: Cut, at_s: Seconds, hit: Flags, everything: str, those: str) -> pd.DataFrame:
    count = np.bincount(parts.of(at_s), minlength=parts.windows)
    hits = np.bincount(parts.of(at_s[hit]), minlength=parts.windows)
    there = count > 0
    return pd.DataFrame({"t_s": parts.middles_s[there], everything: count[there], those: hits[there]})
