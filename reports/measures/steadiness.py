"""Steadiness: whether the warm phase had settled before the run began.

A system whose load exceeds its capacity grows a backlog without end, and what a fault costs cannot be told
from what the overload costs. So warm is judged by growth, between its middle and its end: it was not
steady if the smallest backlog in its last quarter exceeds the largest in its second quarter.

A backlog that only fluctuates, however large or bursty, visits in any quarter the levels that it visits in
another, as long as a quarter lasts longer than its fluctuations; ranges that are apart mean a drift, and
the test needs no constant chosen for a load or a unit. The first quarter is left out, because the system
starts empty and must fill. It cannot see a drift that is smaller than the fluctuations. With fewer than
ten events in warm, a rise by one or two is no drift, and nothing is judged; nor is it without a warm phase.
"""

from reports.evidence.following import Following
from reports.evidence.window import Window
from reports.measures import backlog

FEWEST_EVENTS = 10


def growth_events(events: Following, warm: Window) -> int | None:
    """By how many events the backlog drifted up in warm; 0 if it was steady, None if that is not judged."""
    if warm.length_s == 0.0 or warm.holds(events.committed_s).sum() < FEWEST_EVENTS:
        return None
    quarter_s = warm.length_s / 4.0
    second = Window(warm.start_s + quarter_s, warm.start_s + 2.0 * quarter_s)
    last = Window(warm.end_s - quarter_s, warm.end_s)
    _, largest_before = backlog.extremes(events, second)
    smallest_after, _ = backlog.extremes(events, last)
    return max(0, smallest_after - largest_before)
