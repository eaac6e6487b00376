"""t-visibility: the share of events that can be read t seconds after their commit (PBS, definition 3).

An event that was never applied is visible at no t.

>>> from reports.evidence.following import following
>>> from reports.measures.lag import lags
>>> from reports.evidence.window import Window
>>> visible_within(lags(following([0, 1, 2], [0.5, 1.2, 9.0], end_s=4.0), Window(0.0, 4.0)), [0.3, 1.0])
array([0.33333333, 0.66666667])
"""

import numpy as np
import numpy.typing as npt

from reports.evidence.arrays import Seconds
from reports.measures.lag import Lags

VISIBLE_AFTER = ("0.1", "0.5", "1", "2", "5", "10", "30", "60")
"""Seconds after the commit, as they are written in a summary."""

RESOLUTION_S = 1e-9
"""A lag that exceeds t by less than a nanosecond counts as t: the difference is rounding, not delay."""


def visible_within(measured: Lags, after_s: npt.ArrayLike) -> Seconds:
    """For each t the share of events whose lag is at most t; NaN without events."""
    t = np.asarray(after_s, dtype=np.float64)
    if measured.count == 0:
        return np.full(t.shape, np.nan)
    return np.searchsorted(measured.at_most_s, t + RESOLUTION_S, side="right") / measured.count


def visible_within_at_most(measured: Lags, after_s: npt.ArrayLike) -> Seconds:
    """The same if every censored event had been applied right after the horizon: the bound from above."""
    t = np.asarray(after_s, dtype=np.float64)
    if measured.count == 0:
        return np.full(t.shape, np.nan)
    return np.searchsorted(measured.at_least_s, t + RESOLUTION_S, side="right") / measured.count


def shares_visible(measured: Lags) -> dict[str, float | None]:
    """The share of events that are visible after each time of `VISIBLE_AFTER`; None without events."""
    shares = visible_within(measured, [float(after) for after in VISIBLE_AFTER]).tolist()
    return {
        after: None if np.isnan(part) else part for after, part in zip(VISIBLE_AFTER, shares, strict=True)
    }
