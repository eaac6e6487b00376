"""What `surge` and `hot` decide, without anybody who carries it out."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.arrivals import Closed, Nothing, Open, Trace, parse
from scenarios.faults.hot import HOT_PRODUCT, Hot
from scenarios.faults.surge import Surge
from scenarios.loads import ActiveLoadRule, LoadRule, LoadRules
from scenarios.randomness import Streams

RUN = (0.0, 1000.0)
STATIONARY = ["poisson(20/s)", "renewal(gamma(50ms, scv 4))", "every(50ms)"]


def surge(by: float, seed: int = 1) -> Surge:
    return Surge(by, Streams(seed).stream("fault/0/load:orders"))


def load(text: str) -> Open:
    found = parse(text, Path())
    assert isinstance(found, Open)
    return found


def besides(of: Open, by: float, start: float, end: float, seed: int = 1) -> list[float]:
    """The instants of what a surge adds to the load."""
    added = surge(by, seed).added(of)
    assert added is not None
    assert isinstance(added.arrivals, Open)
    return list(added.arrivals.instants(added.streams.stream("load/orders"), start, end, RUN))


# -- what is added -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", STATIONARY)
@pytest.mark.parametrize("by", [1.25, 3.0, 10.0])
def test_a_surge_adds_so_many_times_as_many_requests(text: str, by: float) -> None:
    expected = 20 * 400 * (by - 1)
    count = len(besides(load(text), by, 100.0, 500.0))
    assert count == pytest.approx(expected, abs=4.5 * math.sqrt(4 * expected))


def test_a_surge_of_poisson_requests_adds_poisson_requests() -> None:
    counts = np.bincount(np.array(besides(load("poisson(20/s)"), 3.0, 0.0, 900.0)).astype(int), minlength=900)
    assert counts.mean() == pytest.approx(40, abs=4.5 * math.sqrt(40 / 900))
    assert counts.var() == pytest.approx(40, rel=0.25)


def test_a_surge_of_a_metronome_is_a_faster_metronome() -> None:
    assert besides(load("every(100ms)"), 3.0, 7.0, 7.2) == [7.0 + number * 0.05 for number in range(4)]


def test_a_surge_of_a_ramp_adds_in_proportion_to_what_the_ramp_has_at_each_instant() -> None:
    found = np.array(besides(load("ramp(10/s, 110/s)"), 3.0, 200.0, 700.0))
    for start in range(200, 700, 50):
        expected = 2 * (10 + 100 * (start + 25) / 1000) * 50
        count = ((found >= start) & (found < start + 50)).sum()
        assert abs(count - expected) < 4.5 * math.sqrt(expected)


@pytest.mark.parametrize("by", [1.5, 3.0, 4.25])
def test_a_surge_of_a_trace_adds_where_the_trace_has_requests(by: float) -> None:
    at = tuple(float(t) for t in [*np.arange(0, 300, 0.5), *np.arange(300, 600, 0.05)])
    found = np.array(besides(Trace("at.csv", at), by, 100.0, 500.0))
    for start, end, rate in ((100, 300, 2), (300, 500, 20)):
        expected = rate * (end - start) * (by - 1)
        count = ((found >= start) & (found < end)).sum()
        assert abs(count - expected) < 4.5 * math.sqrt(expected) + 1


open_loads = st.one_of(
    st.sampled_from([*STATIONARY, "ramp(5/s, 50/s)", "ramp(50/s, 0/s)"]).map(load),
    st.lists(st.floats(0, 1000), max_size=30).map(lambda at: Trace("at.csv", tuple(sorted(at)))),
)


@given(open_loads, st.floats(1.01, 20), st.floats(0, 900), st.floats(0, 20), st.integers(0, 2**40))
def test_what_any_surge_adds_ascends_within_the_surge_and_is_drawn_from_its_own_stream(
    of: Open, by: float, start: float, length: float, seed: int
) -> None:
    found = besides(of, by, start, start + length, seed)
    assert all(start <= instant < start + length for instant in found)
    assert all(earlier <= later for earlier, later in pairwise(found))
    assert found == besides(of, by, start, start + length, seed)
    longer = besides(of, by, start, start + length + 1, seed)
    assert longer[: len(found)] == found


@given(st.floats(0.01, 1), st.sampled_from([*STATIONARY, "closed(10, 1s)", "none"]))
def test_a_surge_to_no_more_than_before_adds_nothing(by: float, text: str) -> None:
    assert surge(by).added(parse(text, Path())) is None


@given(st.floats(1, 20), st.integers(1, 10_000))
def test_a_surge_adds_users_to_a_closed_load(by: float, users: int) -> None:
    closed = Closed(users, parse("renewal(1s)", Path()).interval)  # type: ignore[attr-defined]
    added = surge(by).added(closed)
    more = round((by - 1) * users)
    assert (added is None) == (more == 0)
    if added is not None:
        assert added.arrivals == Closed(more, closed.think)


def test_what_two_surges_add_is_not_the_same() -> None:
    assert besides(load("poisson(20/s)"), 3.0, 0.0, 9.0, 1) != besides(
        load("poisson(20/s)"), 3.0, 0.0, 9.0, 2
    )


# -- what is left out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [0.1, 0.5, 0.9])
def test_a_surge_to_a_part_keeps_that_share_of_the_requests(by: float) -> None:
    rule, of = surge(by), load("poisson(20/s)")
    kept = sum(rule.keeps(of, None) for _ in range(20_000))
    assert kept / 20_000 == pytest.approx(by, abs=4.5 * math.sqrt(by * (1 - by) / 20_000))


@given(st.floats(0.001, 1), st.integers(1, 1000))
def test_a_surge_to_a_part_keeps_that_share_of_the_users(by: float, users: int) -> None:
    rule = surge(by)
    of = parse(f"closed({users}, 1s)", Path())
    kept = [user for user in range(users) if rule.keeps(of, user)]
    assert len(kept) == users - round((1 - by) * users)
    assert kept == [user for user in range(users) if rule.keeps(of, user)]


@given(st.floats(1, 50))
def test_a_surge_to_more_leaves_nothing_out(by: float) -> None:
    assert all(surge(by).keeps(load("poisson(1/s)"), user) for user in (None, 0, 1))


# -- what lines name -----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_the_hot_product_is_named_by_that_share_of_the_lines(p: float) -> None:
    rule = Hot(p, Streams(1).stream("fault/0/load:orders"))
    named = [rule.product() for _ in range(10_000)]
    assert set(named) <= {HOT_PRODUCT, None}
    assert named.count(HOT_PRODUCT) / 10_000 == pytest.approx(p, abs=4.5 * math.sqrt(p * (1 - p) / 10_000))


def test_a_rule_that_decides_nothing_leaves_a_load_as_it_is() -> None:
    rule = LoadRule()
    assert rule.added(Nothing()) is None
    assert rule.keeps(Nothing(), None)
    assert rule.product() is None


# -- several faults on one load ------------------------------------------------------------------------


def rules(*each: LoadRule) -> tuple[LoadRules, list[ActiveLoadRule]]:
    on_load, active = LoadRules(load("poisson(20/s)")), [ActiveLoadRule(rule) for rule in each]
    for one in active:
        on_load.add(one)
    return on_load, active


def test_two_surges_to_a_part_keep_the_product_of_their_shares() -> None:
    on_load, active = rules(surge(0.5, 1), surge(0.5, 2))
    kept = sum(on_load.keep(None) for _ in range(20_000))
    assert kept / 20_000 == pytest.approx(0.25, abs=4.5 * math.sqrt(0.1875 / 20_000))
    assert sum(one.hits for one in active) == 20_000 - kept


def test_a_line_keeps_its_product_if_the_hot_one_is_named_already() -> None:
    on_load, (active,) = rules(Hot(1.0, Streams(1).stream("x")))
    assert on_load.product(5, {}) == HOT_PRODUCT
    assert on_load.product(5, {HOT_PRODUCT: 2}) == 5
    assert active.hits == 1


def test_a_load_is_left_alone_once_its_rules_have_ended() -> None:
    on_load, (active,) = rules(surge(0.001))
    assert on_load.active
    on_load.remove(active)
    assert active.ended
    assert not on_load.active
    assert all(on_load.keep(None) for _ in range(100))
    assert active.hits == 0
