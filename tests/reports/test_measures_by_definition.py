"""The vectorised measures against slow, plain readings of their definitions, over all traces."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.evidence.following import Following, following
from reports.evidence.window import Window
from reports.measures import age, backlog
from reports.measures.lag import lags
from reports.measures.percentile import nearest_rank, share
from reports.measures.reads import committed_versions
from reports.measures.recovery import HOLD_S, NEXT_BEGAN, OTHER_ACTIVE, RUN_ENDED, recoveries
from reports.measures.sessions import monotonic_reads
from reports.measures.time_behind import time_behind
from reports.measures.visibility import visible_within

END_S = 16.0
# Sixteenths are exact in binary, so that ties are ties and sums have no rounding.
instants = st.integers(0, 16 * 16 - 1).map(lambda n: n / 16.0)
delays = st.one_of(
    st.integers(0, 64).map(lambda n: n / 16.0), st.just(math.inf), st.integers(0, 400).map(float)
)
events = st.lists(st.tuples(instants, delays), max_size=14)
windows = st.tuples(instants, instants).filter(lambda w: w[0] != w[1]).map(lambda w: Window(min(w), max(w)))


def trace(pairs: list[tuple[float, float]]) -> Following:
    return following([c for c, _ in pairs], [c + d for c, d in pairs], end_s=END_S)


def pairs_of(events: Following) -> list[tuple[float, float]]:
    return list(zip(events.committed_s.tolist(), events.applied_s.tolist(), strict=True))


def unapplied(events: Following, t: float) -> list[float]:
    """The commits of the events that are committed and not applied at t."""
    return [c for c, a in pairs_of(events) if c <= t < a]


def midpoints(events: Following, window: Window) -> list[tuple[float, float]]:
    """The middle and the length of each stretch of the window in which nothing happens."""
    marks = {window.start_s, window.end_s}
    marks |= {t for pair in pairs_of(events) for t in pair if window.start_s < t < window.end_s}
    ordered = sorted(marks)
    return [((s + e) / 2.0, e - s) for s, e in pairwise(ordered)]


@given(events, windows)
def test_the_backlog_is_the_number_of_unapplied_events_weighted_by_time(pairs, window):
    made = trace(pairs)
    stretches = midpoints(made, window)
    expected = sum(len(unapplied(made, t)) * length for t, length in stretches) / window.length_s
    assert backlog.mean(made, window) == pytest.approx(expected, abs=1e-9)
    numbers = [len(unapplied(made, t)) for t, _ in stretches]
    assert backlog.extremes(made, window) == (min(numbers), max(numbers))
    at_s = np.array([t for t, _ in stretches])
    assert backlog.at(made, at_s).tolist() == numbers


@given(events)
def test_the_area_under_the_backlog_is_the_sum_of_the_lags(pairs):
    made = trace(pairs)
    whole = Window(0.0, END_S)
    area = sum(min(a, END_S) - c for c, a in pairs_of(made))
    assert backlog.mean(made, whole) * END_S == pytest.approx(area, abs=1e-9)
    assert lags(made, whole).at_least_s.sum() == pytest.approx(area, abs=1e-9)


@given(events, windows)
def test_the_time_behind_is_the_age_of_the_oldest_unapplied_event(pairs, window):
    made = trace(pairs)
    area = share = highest = 0.0
    for t, length in midpoints(made, window):
        waiting = unapplied(made, t)
        if waiting:
            area += (t - min(waiting)) * length
            share += length
            highest = max(highest, t + length / 2.0 - min(waiting))
    behind = time_behind(made, window)
    assert behind.mean == pytest.approx(area / window.length_s, abs=1e-9)
    assert behind.share_behind == pytest.approx(share / window.length_s, abs=1e-9)
    assert behind.maximum == pytest.approx(highest, abs=1e-9)


@given(events, windows, st.fractions(0, 1, max_denominator=200))
def test_a_quantile_of_the_time_behind_is_reached_for_that_share_of_the_time(pairs, window, q):
    made = trace(pairs)
    behind = time_behind(made, window)
    value = behind.quantile(q)

    def time_at_most(v: float) -> float:
        covered = 0.0
        for t, length in midpoints(made, window):
            waiting = unapplied(made, t)
            low = t - length / 2.0 - min(waiting) if waiting else -math.inf
            covered += length if not waiting else min(max(v - low, 0.0), length)
        return covered

    target = float(q) * window.length_s
    assert time_at_most(value) >= target - 1e-9
    if value > 1e-6:
        assert time_at_most(value - 1e-6) < target


@given(events, windows)
def test_the_time_behind_is_positive_exactly_when_the_backlog_is(pairs, window):
    made = trace(pairs)
    share = sum(length for t, length in midpoints(made, window) if unapplied(made, t)) / window.length_s
    assert time_behind(made, window).share_behind == pytest.approx(share, abs=1e-9)
    assert (time_behind(made, window).maximum > 0.0) == (backlog.maximum(made, window) > 0)


@given(events, instants)
def test_the_backlog_has_emptied_when_all_committed_before_is_applied_for_the_first_time(pairs, after_s):
    made = trace(pairs)
    candidates = sorted({after_s} | {t for pair in pairs_of(made) for t in pair if after_s < t <= END_S})
    expected = next((t for t in candidates if not any(c < t < a for c, a in pairs_of(made))), None)
    assert backlog.emptied_s(made, after_s) == expected


@given(events, windows)
def test_the_age_of_information_is_that_of_the_newest_applied_event(pairs, window):
    made = trace(pairs)
    applies = [a for _, a in pairs_of(made) if a < math.inf]
    start_s = max(window.start_s, min(applies, default=math.inf))
    if start_s >= window.end_s:
        assert age.mean(made, window) is None
        return
    area = 0.0
    for t, length in midpoints(made, Window(start_s, window.end_s)):
        area += (t - max(c for c, a in pairs_of(made) if a <= t)) * length
    assert age.mean(made, window) == pytest.approx(area / (window.end_s - start_s), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=12))
def test_in_order_a_peak_age_is_from_the_commit_before_to_the_apply(steps):
    committed = np.cumsum([gap for gap, _ in steps]) / 16.0
    applied = np.maximum.accumulate(committed + np.array([delay for _, delay in steps]) / 16.0)
    peak = age.mean_peak(following(committed, applied, end_s=END_S * 2), Window(0.0, END_S * 2))
    if len(steps) == 1:
        assert peak is None
    else:
        assert peak == pytest.approx(float((applied[1:] - committed[:-1]).mean()), abs=1e-9)


@given(events, windows)
def test_an_event_that_is_never_applied_counts_as_at_least_what_was_seen_of_its_lag(pairs, window):
    made = trace(pairs)
    inside = [(c, a) for c, a in pairs_of(made) if window.start_s <= c < window.end_s]
    measured = lags(made, window)
    assert measured.count == len(inside)
    assert measured.censored == sum(a > END_S for _, a in inside)
    assert measured.at_least_s.tolist() == sorted(min(a, END_S) - c for c, a in inside)
    for t in (0.0, 1.0, 4.0):
        seen = visible_within(measured, t)
        assert (
            seen == pytest.approx(sum(a - c <= t for c, a in inside) / len(inside))
            if inside
            else np.isnan(seen)
        )


@given(
    st.lists(st.integers(0, 50).map(float), min_size=1, max_size=300),
    st.sampled_from(["p1", "p7", "p50", "p95", "p999"]),
)
def test_a_percentile_is_the_least_value_that_covers_its_share(values, name):
    q = share(name)
    found = nearest_rank(np.sort(np.array(values)), q)
    assert sum(v <= found for v in values) >= q * len(values)
    assert sum(v < found for v in values) < q * len(values)


def test_the_rank_of_a_percentile_has_no_rounding_error():
    hundred = np.arange(1.0, 101.0)
    assert [nearest_rank(hundred, share(f"p{q:02d}")) for q in range(1, 100)] == hundred[:99].tolist()
    assert nearest_rank(np.arange(1.0, 1001.0), share("p999")) == 999.0
    assert nearest_rank(np.empty(0), Fraction(1, 2)) is None
    with pytest.raises(ValueError, match="p50"):
        share("median")


@given(
    st.lists(st.tuples(st.integers(-2, 3), instants), max_size=20),
    st.lists(st.tuples(st.integers(-2, 4), instants), max_size=20),
)
def test_a_read_is_held_against_the_versions_of_its_key_committed_at_or_before_it(versions, reads):
    counted = committed_versions(
        np.array([k for k, _ in versions], dtype=np.int64),
        np.array([t for _, t in versions]),
        np.array([k for k, _ in reads], dtype=np.int64),
        np.array([t for _, t in reads]),
    )
    assert counted.tolist() == [sum(k == key and c <= t for k, c in versions) for key, t in reads]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), instants, st.integers(0, 5)), max_size=25))
def test_a_read_goes_back_if_its_session_saw_more_of_the_key_before(reads):
    columns = [np.array([r[i] for r in reads], dtype=np.int64) for i in (0, 1, 3)]
    earlier, back = monotonic_reads(
        view_key=columns[0], session=columns[1], read_s=np.array([r[2] for r in reads]), seen=columns[2]
    )
    for i, (key, session, t, seen) in enumerate(reads):
        before = [
            r[3]
            for j, r in enumerate(reads)
            if r[:2] == (key, session) and (r[2] < t or (r[2] == t and j < i))
        ]
        assert earlier[i] == bool(before)
        assert back[i] == (bool(before) and seen < max(before))


# Quarters over a minute and a half, so that there is room for many dwells; the level lies between quarters.
LONG_S, LEVEL_S = 90.0, 0.625
quarters = st.integers(0, 4 * 90 - 1).map(lambda n: n / 4.0)
hiccups = st.tuples(quarters, st.one_of(st.integers(0, 8).map(lambda n: n / 4.0), st.just(math.inf)))
outages = st.tuples(quarters, st.integers(1, 80).map(lambda n: n / 4.0))


@settings(max_examples=300)
@given(st.lists(hiccups, max_size=20), st.lists(outages, min_size=1, max_size=3))
def test_recovery_ends_at_the_first_instant_from_which_the_time_behind_stays_back_for_a_dwell(pairs, faults):
    # Each fault holds up an event from its start, so that there is something to recover from.
    pairs = pairs + [(s, d + 1.0) for s, d in faults]
    made = following([c for c, _ in pairs], [c + d for c, d in pairs], end_s=LONG_S)
    starts = np.array([s for s, _ in faults])
    ends = np.array([min(s + d, LONG_S) for s, d in faults])

    def holds(from_s: float, to_s: float) -> bool:
        """Whether V exceeds the level for at most 1 % of [from, to); it crosses it at eighths of 1 s."""
        cells = np.arange(from_s, to_s, 0.125) + 0.0625
        above = sum(
            max((t - c for c, a in pairs_of(made) if c <= t < a), default=0.0) > LEVEL_S for t in cells
        )
        return above * 0.125 <= 0.01 * (to_s - from_s) + 1e-9

    def back(t: float) -> bool:
        """Whether V is at or below the level from t on, for a moment."""
        return max((t - c for c, a in pairs_of(made) if c <= t < a), default=0.0) <= LEVEL_S

    for found, start_s, end_s in zip(recoveries(made, starts, ends, LEVEL_S), starts, ends, strict=True):
        next_s, reason = LONG_S, RUN_ENDED
        if (starts >= end_s).any() and starts[starts >= end_s].min() < LONG_S:
            next_s, reason = starts[starts >= end_s].min(), NEXT_BEGAN
        if any(s < end_s < e for s, e in zip(starts, ends, strict=True)):
            next_s, reason = end_s, OTHER_ACTIVE
        assert start_s < end_s <= next_s
        candidates = sorted({end_s} | {a for _, a in pairs_of(made) if end_s < a <= next_s})
        held = [t for t in candidates if back(t) and holds(t, min(t + HOLD_S, next_s))]
        if held:
            assert found == (held[0] - end_s, held[0] - end_s, None)
        else:
            assert found == (None, next_s - end_s, reason)


@pytest.mark.parametrize(
    ("rebound_s", "recovery_s"),
    [
        (3.0, 5.5),  # back at 6 s, behind again from 9 to 10.5 s: what was back did not hold
        (9.75, 12.25),
        (10.0, 1.0),
        (60.0, 1.0),  # a minute later it is another story
    ],
)
def test_a_rebound_counts_to_the_recovery_if_it_comes_within_the_dwell(rebound_s, recovery_s):
    # Five events wait for the outage [0, 5) and are applied at 6; one later event is 2 s late.
    late_s = 6.0 + rebound_s - 0.5  # its lag exceeds the level of 0.5 s from `rebound_s` after 6 on
    committed, applied = [1.0, 2.0, 3.0, 4.0, 5.0, late_s], [6.0] * 5 + [late_s + 2.0]
    made = following(committed, applied, end_s=100.0)
    (found,) = recoveries(made, np.array([0.0]), np.array([5.0]), 0.5)
    assert found.recovery_s == recovery_s


def test_a_retry_storm_is_recovered_from_when_it_has_ended():
    # Back for a moment after the outage [0, 5), then late again every 4 s until 46.
    committed = [1.0, *np.arange(8.0, 45.0, 4.0)]
    made = following(committed, [6.0, *(t + 2.0 for t in committed[1:])], end_s=100.0)
    (found,) = recoveries(made, np.array([0.0]), np.array([5.0]), 0.5)
    assert found.recovery_s == 46.0 - 5.0


def test_the_next_fault_and_the_horizon_cut_the_dwell_short():
    back_at_6 = following([1.0, 8.0], [6.0, math.inf], end_s=9.0)
    one = np.array([0.0]), np.array([5.0])
    assert recoveries(back_at_6, *one, 2.0) == [(1.0, 1.0, None)]  # it is behind by 1 s when the run ends
    assert recoveries(back_at_6, *one, 0.5) == [(None, 4.0, RUN_ENDED)]
    two = np.array([0.0, 8.25]), np.array([5.0, 8.75])
    assert recoveries(back_at_6, *two, 0.5) == [(1.0, 1.0, None), (None, 0.25, RUN_ENDED)]
    inside = np.array([0.0, 0.0]), np.array([5.0, 7.0])
    assert recoveries(back_at_6, *inside, 2.0) == [(None, 0.0, OTHER_ACTIVE), (0.0, 0.0, None)]
