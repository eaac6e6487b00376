"""Recovery: from the end of a fault until the time behind is back to what it was before, and holds.

It is the settling time of control engineering, with a dwell. Back means V(t) ≤ max(2 × the time-weighted
p99 of V in `warm`, 10 ms). It holds if in the `HOLD_S` that follow V exceeds that for no more than 1 % of the
time, as it may in `warm` by the definition of a p99; the dwell ends sooner if the next fault begins or the
horizon ends. The recovery ends at the first instant from which it holds. Without one it is censored: it would
have taken at least as long as was seen. docs/adr/0003 says why.

>>> from reports.evidence.following import following
>>> rebound = following([1.0, 9.0, 60.0], [6.0, 9.5, 60.5], end_s=90.0)  # the last is no part of the fault
>>> recoveries(rebound, np.array([0.0]), np.array([5.0]), back_s=0.01)
[Recovery(recovery_s=4.5, at_least_s=4.5, censored=None)]
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.following import Following
from reports.evidence.window import Window
from reports.measures.time_behind import ramps, time_behind

HOLD_S = 10.0
"""How long V must be back: what comes after that is another story than this fault's."""

EXCEEDED_SHARE = 0.01
"""The share of the dwell in which V may exceed the level all the same: what is left above a p99."""

RUN_ENDED = "the run ended first"
NEXT_BEGAN = "the next fault began first"
OTHER_ACTIVE = "another fault was still active"

FLOOR_S = 0.010
"""The level is never below this; without a warm phase it is this."""

RESOLUTION_S = 1e-9
"""A time behind that exceeds the level by less than a nanosecond does so by rounding."""


class Recovery(NamedTuple):
    """The seconds it took, or None and in `censored` the reason; `at_least_s` is known in both cases."""

    recovery_s: float | None
    at_least_s: float
    censored: str | None


def level_s(events: Following, warm: Window) -> float:
    """The time behind at or below which V is back, in seconds."""
    p99_s = time_behind(events, warm).quantile(Fraction(99, 100))
    return FLOOR_S if p99_s is None else max(2.0 * p99_s, FLOOR_S)


def recoveries(events: Following, starts_s: Seconds, ends_s: Seconds, back_s: float) -> list[Recovery]:
    """The recovery of each fault occurrence [start, end) to V ≤ `back_s`, in their order.

    Occurrences that overlap: while another is active at the end of one, that one has only this instant to
    be back in.
    """
    since_s, until_s = _above(events, back_s)
    until_s = np.minimum(until_s, events.end_s + HOLD_S)  # what never ends lasts beyond every dwell
    bounds_s = np.column_stack([since_s, until_s]).ravel()
    total_s = np.repeat(np.cumsum(until_s - since_s), 2)
    total_s[::2] -= until_s - since_s

    def above_s(instants: Seconds) -> Seconds:
        """For how long V has exceeded the level up to each instant."""
        if not len(bounds_s):
            return np.zeros(len(instants))
        return np.interp(instants, bounds_s, total_s)

    order = np.argsort(starts_s)
    begins_s, last_end_s = starts_s[order], np.maximum.accumulate(ends_s[order])

    def recovery(end_s: float) -> Recovery:
        limit_s, reason = events.end_s, RUN_ENDED
        before = int(np.searchsorted(begins_s, end_s))
        if before < len(begins_s) and begins_s[before] < limit_s:
            limit_s, reason = float(begins_s[before]), NEXT_BEGAN
        if before and last_end_s[before - 1] > end_s:
            limit_s, reason = end_s, OTHER_ACTIVE
        first = int(np.searchsorted(until_s, end_s, side="right"))
        back_at_s = until_s[first : np.searchsorted(until_s, limit_s, side="right")]
        if first == len(until_s) or since_s[first] >= end_s:  # V is not above the level as the fault ends
            back_at_s = np.append(end_s, back_at_s)
        dwell_end_s = np.minimum(back_at_s + HOLD_S, limit_s)
        exceeded_s = above_s(dwell_end_s) - above_s(back_at_s)
        holds = exceeded_s <= EXCEEDED_SHARE * (dwell_end_s - back_at_s) + RESOLUTION_S
        if not holds.any():
            return Recovery(None, limit_s - end_s, reason)
        recovery_s = float(back_at_s[np.argmax(holds)]) - end_s
        return Recovery(recovery_s, recovery_s, None)

    return [recovery(float(end_s)) for end_s in ends_s]


def _above(events: Following, back_s: float) -> tuple[Seconds, Seconds]:
    """The starts and ends of the stretches in which V exceeds `back_s`, in order and apart."""
    behind = ramps(events)
    above = behind.end_s - behind.oldest_s > back_s + RESOLUTION_S
    until_s = behind.end_s[above]
    since_s = np.maximum(behind.start_s, behind.oldest_s + back_s)[above]
    apart = since_s[1:] > until_s[:-1]
    return since_s[np.append(True, apart)[: len(since_s)]], until_s[np.append(apart, True)[: len(until_s)]]
