"""Backlog: N(t), the number of events committed and not yet applied.

Time averages weigh time, and ∫N dt = Σ (min(t_a, end) − t_c): the backlog and the lags are one quantity seen
from two sides (Little). Where commits and applies fall on one instant, only N after all of them counts: a
visit that takes no time is no backlog.

>>> from reports.evidence.following import following
>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> round(mean(trace, Window(0.0, 6.0)), 6), maximum(trace, Window(0.0, 6.0))
(0.533333, 1)
"""

import numpy as np

from reports.evidence.arrays import Integers, Seconds
from reports.evidence.following import Following
from reports.evidence.window import Window
from reports.measures.time_behind import ramps


def at(events: Following, at_s: Seconds) -> Integers:
    """N just after everything that happens at each of the instants."""
    committed = np.searchsorted(events.committed_s, at_s, side="right")
    applied = np.searchsorted(np.sort(events.applied_s), at_s, side="right")
    return (committed - applied).astype(np.int64)


def mean(events: Following, window: Window) -> float | None:
    """The time average of N over the window; None if the window is empty."""
    if window.length_s == 0.0:
        return None
    start_s = np.maximum(events.committed_s, window.start_s)
    end_s = np.minimum(events.applied_s, window.end_s)
    return float(np.maximum(end_s - start_s, 0.0).sum() / window.length_s)


def maximum(events: Following, window: Window) -> int:
    """The largest N in the window; 0 if the window is empty."""
    return extremes(events, window)[1]


def extremes(events: Following, window: Window) -> tuple[int, int]:
    """The smallest and the largest N in the window; both 0 if the window is empty."""
    if window.length_s == 0.0:
        return 0, 0
    changes_s = np.concatenate([[window.start_s], events.committed_s, events.applied_s])
    visited = at(events, np.sort(changes_s[window.holds(changes_s)]))
    return int(visited.min()), int(visited.max())


def emptied_s(events: Following, after_s: float) -> float | None:
    """The first instant from `after_s` on at which every event committed before it is applied.

    An event committed at that very instant comes after it. None if that is not reached by the horizon.
    """
    behind = ramps(events)
    first = int(np.searchsorted(behind.end_s, after_s, side="right"))
    oldest_s, end_s = behind.oldest_s[first:], behind.end_s[first:]
    if len(end_s) == 0 or oldest_s[0] >= after_s:
        return after_s
    clear = np.flatnonzero(oldest_s[1:] >= end_s[:-1])
    empty_s = float(end_s[clear[0]] if len(clear) else end_s[-1])
    return empty_s if empty_s <= events.end_s else None
