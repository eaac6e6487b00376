"""Lag: how long after its commit an event could be read, `t_a − t_c`, one value an event.

An event that is not applied by the horizon has a lag of at least `end − t_c`: it is censored and counts at
that value, in every percentile and in the mean, never as absent. So with censored events each number is a
lower bound; `upper` gives the bound from above.

>>> from reports.evidence.following import following
>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> measured = lags(trace, Window(0.0, 6.0))
>>> measured.percentile("p50"), measured.maximum
(0.5, 2.0)
"""

from dataclasses import dataclass

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.following import Following
from reports.evidence.window import Window
from reports.measures.percentile import mean, nearest_rank, share


@dataclass(frozen=True, eq=False)
class Lags:
    """Lags in seconds, ascending: censored events at their bound in `at_least_s`, infinite in `at_most_s`."""

    at_least_s: Seconds
    at_most_s: Seconds
    censored: int

    @property
    def count(self) -> int:
        """How many events there are, the censored ones among them."""
        return len(self.at_least_s)

    @property
    def mean(self) -> float | None:
        """The mean lag in seconds; None without events."""
        return mean(self.at_least_s)

    @property
    def maximum(self) -> float | None:
        """The largest lag in seconds; None without events."""
        return float(self.at_least_s[-1]) if self.count else None

    def percentile(self, name: str) -> float | None:
        """The nearest-rank percentile (`p50`, `p99`, `p999`, …) in seconds; None without events."""
        return nearest_rank(self.at_least_s, share(name))

    def upper(self, statistic: str) -> float | None:
        """The most that `mean`, `max` or a percentile can be, were the censored events never applied."""
        if statistic == "mean":
            return mean(self.at_most_s)
        if statistic == "max":
            return float(self.at_most_s[-1]) if self.count else None
        return nearest_rank(self.at_most_s, share(statistic))


def lags(events: Following, window: Window) -> Lags:
    """The lags of the events committed in the window."""
    found = events.memory.get(("lags", window))
    if found is None:
        found = events.memory["lags", window] = _lags(events, window)
    assert isinstance(found, Lags)
    return found


def _lags(events: Following, window: Window) -> Lags:
    inside = window.holds(events.committed_s)
    committed_s, applied_s = events.committed_s[inside], events.applied_s[inside]
    return Lags(
        at_least_s=np.sort(np.minimum(applied_s, events.end_s) - committed_s),
        at_most_s=np.sort(applied_s - committed_s),
        censored=int(np.isinf(applied_s).sum()),
    )
