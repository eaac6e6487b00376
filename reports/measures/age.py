"""Age of information: t − t_c of the newest event that is applied (Kaul, Yates and Gruteser, 2012).

It grows even when nothing is unapplied, unlike the time behind. Its peaks stand just before an apply that
brings something as new or newer: `t_a[i] − t_c[i−1]` for events applied in their order.

>>> from reports.evidence.following import following
>>> trace = following([0, 1, 2, 5], [0.5, 1.2, 4.0, 5.5], end_s=6.0)
>>> round(mean(trace, Window(0.0, 6.0)), 6), round(mean_peak(trace, Window(0.0, 6.0)), 6)
(1.740909, 2.566667)
"""

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.following import Following
from reports.evidence.window import Window


def _by_apply(events: Following) -> tuple[Seconds, Seconds]:
    """The instants of apply, ascending, and the commits; those of one instant in the order of commits."""
    applied = np.isfinite(events.applied_s)
    applied_s, committed_s = events.applied_s[applied], events.committed_s[applied]
    order = np.argsort(applied_s, kind="stable")
    return applied_s[order], committed_s[order]


def _stretches(events: Following, window: Window) -> tuple[Seconds, Seconds]:
    """The age at the start and at the end of each stretch of the window over which it only grows."""
    applied_s, committed_s = _by_apply(events)
    newest_s = np.maximum.accumulate(committed_s)
    start_s = np.maximum(applied_s, window.start_s)
    end_s = np.minimum(np.append(applied_s, np.inf)[1:], window.end_s)
    real = end_s > start_s
    return (start_s - newest_s)[real], (end_s - newest_s)[real]


def mean(events: Following, window: Window) -> float | None:
    """The time average of the age from the first apply, or the window's start if that is later, to its end.

    In seconds; None if nothing is applied before the window ends.
    """
    low_s, high_s = _stretches(events, window)
    lasts_s = high_s - low_s
    return float((lasts_s * (low_s + high_s)).sum() / (2.0 * lasts_s.sum())) if len(lasts_s) else None


def maximum(events: Following, window: Window) -> float | None:
    """The supremum of the age over the same time, in seconds; None if nothing is applied before its end."""
    _, high_s = _stretches(events, window)
    return float(high_s.max()) if len(high_s) else None


def mean_peak(events: Following, window: Window) -> float | None:
    """The mean peak in seconds, each counted to the commit of the event that ends it; None without any."""
    applied_s, committed_s = _by_apply(events)
    newest_s = np.maximum.accumulate(committed_s)
    ends_one = (committed_s[1:] >= newest_s[:-1]) & window.holds(committed_s[1:])
    peaks_s = (applied_s[1:] - newest_s[:-1])[ends_one]
    return float(peaks_s.mean()) if len(peaks_s) else None
