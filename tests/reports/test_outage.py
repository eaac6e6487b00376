"""The deterministic outage: orders every 10 ms, a service of 5 ms, the summary paused over [1 s, 2 s)."""

import numpy as np
import pytest

from reports.evidence.following import following
from reports.evidence.window import Window
from reports.measures import backlog
from reports.measures.lag import lags
from reports.measures.recovery import recoveries
from reports.measures.time_behind import time_behind

RUN = Window(0.0, 5.0)


def outage():
    committed = np.arange(500) / 100.0
    applied, free = [], 0.0
    for t in committed:
        start = max(t, free)
        if 1.0 <= start < 2.0:
            start = 2.0
        free = start + 0.005
        applied.append(free)
    return following(committed, applied, end_s=6.0)


def exactly(value):
    return pytest.approx(value, rel=0.0, abs=1e-9)


def test_the_largest_lag_is_that_of_the_event_committed_as_the_pause_begins():
    events = outage()
    assert lags(events, RUN).maximum == exactly(1.005)
    assert lags(events, Window(0.995, 1.005)).maximum == exactly(1.005)
    assert lags(events, Window(1.995, 2.005)).maximum == exactly(0.505)


def test_two_hundred_events_exceed_their_service_time_by_100_5_seconds_in_all():
    excess = lags(outage(), RUN).at_least_s - 0.005
    assert (excess > 1e-9).sum() == 200
    assert excess.sum() == exactly(100.5)


def test_the_backlog_is_cleared_at_three_seconds():
    events = outage()
    assert backlog.emptied_s(events, 2.0) == exactly(3.0)
    assert events.applied_s[299] == exactly(3.0)


def test_the_area_under_the_backlog_is_the_sum_of_the_lags():
    # 500 events of 5 ms and 100.5 s of excess.
    assert backlog.mean(outage(), Window(0.0, 6.0)) * 6.0 == exactly(500 * 0.005 + 100.5)


def test_the_time_behind_is_back_at_10_ms_when_the_event_of_2_97_is_applied():
    # At 2.99 the event of 2.98 is 10 ms behind; until it is applied, 5 ms later, V exceeds that once more,
    # for far less than 1 % of the dwell.
    events = outage()
    (found,) = recoveries(events, np.array([1.0]), np.array([2.0]), 0.010)
    assert found.recovery_s == exactly(0.99)
    assert time_behind(events, RUN).maximum == exactly(1.005)
