"""Time behind: V(t) = t − t_c of the oldest event that is not yet applied, 0 if there is none.

It is the age of the read model in Cho and Garcia-Molina's sense ("Synchronizing a database to improve
freshness", 2000). The oldest unapplied event at t is the first, in the order of commits, whose running
maximum of applied instants exceeds t. So V is a sawtooth of at most one ramp an event, and everything
about it is exact.

>>> from reports.evidence.following import following
>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> behind = time_behind(trace, Window(0.0, 6.0))
>>> round(behind.mean, 6), behind.maximum, round(behind.share_behind, 6)
(0.378333, 2.0, 0.533333)
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.following import Following
from reports.evidence.window import Window


@dataclass(frozen=True, eq=False)
class Ramps:
    """The ramps of V in the order of time, apart from each other: V(t) = t − oldest over [start, end).

    An end is infinite if the event was never applied.
    """

    start_s: Seconds
    end_s: Seconds
    oldest_s: Seconds


def ramps(events: Following) -> Ramps:
    """All ramps of V, not cut off at the horizon."""
    found = events.memory.get("ramps")
    if found is None:
        found = events.memory["ramps"] = _ramps(events)
    assert isinstance(found, Ramps)
    return found


def _ramps(events: Following) -> Ramps:
    until_s = np.maximum.accumulate(events.applied_s)
    since_s = np.maximum(np.concatenate([[-np.inf], until_s])[: len(until_s)], events.committed_s)
    real = until_s > since_s
    return Ramps(since_s[real], until_s[real], events.committed_s[real])


@dataclass(frozen=True, eq=False)
class TimeBehind:
    """V over a window of `length_s` seconds: on each ramp it rises from `low_s` to `high_s`, 1 s a second."""

    low_s: Seconds
    high_s: Seconds
    length_s: float

    @property
    def mean(self) -> float | None:
        """The time average of V in seconds; None if the window is empty."""
        if self.length_s == 0.0:
            return None
        return float(((self.high_s - self.low_s) * (self.high_s + self.low_s)).sum() / (2.0 * self.length_s))

    @property
    def maximum(self) -> float:
        """The supremum of V in seconds."""
        return float(self.high_s.max(initial=0.0))

    @property
    def share_behind(self) -> float | None:
        """The share of the time in which something is unapplied; None if the window is empty."""
        return float((self.high_s - self.low_s).sum() / self.length_s) if self.length_s else None

    def quantile(self, q: Fraction | float) -> float | None:
        """The least v such that V ≤ v for a share q of the time, in seconds; None if the window is empty."""
        if self.length_s == 0.0:
            return None
        target_s = float(q * Fraction(self.length_s))
        at_zero_s = self.length_s - float((self.high_s - self.low_s).sum())
        if len(self.low_s) == 0 or target_s <= at_zero_s:
            return 0.0
        corners = np.concatenate([self.low_s, self.high_s])
        order = np.argsort(corners, kind="stable")
        corners = corners[order]
        slope = np.cumsum(np.where(order < len(self.low_s), 1, -1))  # how many ramps pass through a value
        below_s = at_zero_s + np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(corners))])
        upper = int(np.searchsorted(below_s, target_s, side="left"))
        if upper == len(corners):  # q = 1, but for rounding
            return self.maximum
        return float(corners[upper - 1] + (target_s - below_s[upper - 1]) / slope[upper - 1])


def time_behind(events: Following, window: Window) -> TimeBehind:
    """V over the window, which ends at the horizon at the latest."""
    all_ramps = ramps(events)
    start_s = np.maximum(all_ramps.start_s, window.start_s)
    end_s = np.minimum(all_ramps.end_s, window.end_s)
    inside = end_s > start_s
    oldest_s = all_ramps.oldest_s[inside]
    return TimeBehind(start_s[inside] - oldest_s, end_s[inside] - oldest_s, window.length_s)
