"""Every number of the hand-checkable trace, to 1e-9."""

import numpy as np
import pytest

from reports.evidence.following import following
from reports.evidence.window import Window
from reports.measures import age, backlog
from reports.measures.lag import lags
from reports.measures.sessions import guarantee, monotonic_reads, read_your_writes
from reports.measures.time_behind import time_behind
from reports.measures.visibility import visible_within

WHOLE = Window(0.0, 6.0)
TRACE = following([0.0, 1.0, 2.0, 5.0], [0.5, 1.2, 4.0, 5.5], end_s=6.0)


def exactly(value: float) -> object:
    return pytest.approx(value, rel=0.0, abs=1e-9)


def test_the_mean_lag_is_0_8_and_the_largest_2():
    measured = lags(TRACE, WHOLE)
    assert (measured.count, measured.censored) == (4, 0)
    assert measured.mean == exactly(0.8)
    assert measured.maximum == exactly(2.0)
    assert [measured.percentile(p) for p in ("p25", "p50", "p75", "p99")] == [
        exactly(0.2),
        exactly(0.5),
        exactly(0.5),
        exactly(2.0),
    ]


def test_the_average_backlog_and_the_share_of_time_behind_are_3_2_in_6():
    assert backlog.mean(TRACE, WHOLE) == exactly(3.2 / 6.0)
    assert backlog.maximum(TRACE, WHOLE) == 1
    assert time_behind(TRACE, WHOLE).share_behind == exactly(3.2 / 6.0)


def test_the_average_time_behind_is_the_area_of_four_triangles():
    triangles = (0.5**2 + 0.2**2 + 2.0**2 + 0.5**2) / 2.0
    assert time_behind(TRACE, WHOLE).mean == exactly(triangles / 6.0)
    assert triangles / 6.0 == exactly(0.378333333333)
    assert time_behind(TRACE, WHOLE).maximum == exactly(2.0)


def test_the_quantiles_of_the_time_behind_follow_its_distribution():
    # V is 0 for 2.8 s; four ramps pass 0–0.2, three 0.2–0.5, one 0.5–2.
    behind = time_behind(TRACE, WHOLE)
    assert behind.quantile(2.8 / 6.0) == exactly(0.0)
    assert behind.quantile((2.8 + 0.4) / 6.0) == exactly(0.1)
    assert behind.quantile((2.8 + 0.8 + 0.45) / 6.0) == exactly(0.35)
    assert behind.quantile((2.8 + 0.8 + 0.9 + 0.5) / 6.0) == exactly(1.0)
    assert behind.quantile(1) == exactly(2.0)


def test_the_average_age_of_information_counts_from_the_first_apply():
    assert age.mean(TRACE, WHOLE) == exactly(9.575 / 5.5)
    assert exactly(1.740909090909) == 9.575 / 5.5
    assert age.mean(TRACE, Window(0.0, 0.5)) is None


def test_the_mean_peak_age_is_that_of_applies_two_to_four():
    assert age.mean_peak(TRACE, WHOLE) == exactly((1.2 + 3.0 + 3.5) / 3.0)
    assert age.mean_peak(TRACE, Window(0.0, 1.0)) is None


def test_a_quarter_of_the_events_is_visible_after_0_2_s_and_all_after_2_s():
    assert visible_within(lags(TRACE, WHOLE), [0.1, 0.2, 0.5, 1.9, 2.0]).tolist() == [
        0.0,
        0.25,
        0.75,
        0.75,
        1.0,
    ]


def test_both_reads_after_own_writes_violate_read_your_writes():
    opportunity, violation = read_your_writes(
        session=np.array([7, 7]),
        arrived_s=np.array([0.3, 3.0]),
        seen=np.array([0, 1]),
        writer=np.array([7, 7]),
        acknowledged_s=np.array([0.0, 2.0]),
    )
    assert guarantee(opportunity, violation) == (2, 2)


def test_event_3_has_lag_2_and_the_probes_enclose_it():
    commit_s, applied_s = 2.0, 4.0
    probes_s = np.arange(2.05, 5.0, 0.3)
    fresh = probes_s >= applied_s
    last_stale_s, first_fresh_s = probes_s[~fresh].max() - commit_s, probes_s[fresh].min() - commit_s
    measured = lags(TRACE, Window(2.0, 3.0)).maximum
    assert measured == exactly(2.0)
    assert last_stale_s <= measured <= first_fresh_s


def test_a_session_between_two_replicas_sees_two_monotonic_read_violations():
    n = 6
    opportunity, violation = monotonic_reads(
        view_key=np.zeros(n, dtype=np.int64),
        session=np.ones(n, dtype=np.int64),
        read_s=np.array([1.3, 1.4, 2.6, 4.5, 4.6, 5.0]),
        seen=np.array([2, 1, 2, 3, 2, 3]),
    )
    assert guarantee(opportunity, violation) == (5, 2)
    assert np.flatnonzero(violation).tolist() == [1, 4]
