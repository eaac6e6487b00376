"""Differences and distances of two sides: by hand, by brute force, and as bounds where runs ended early."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparing.compare import paired, unpaired
from reports.comparing.compare_lags import Part, apart, distance, pooled
from reports.comparing.replications import Value
from reports.evidence.following import following
from reports.evidence.window import Window
from reports.measures.lag import lags
from scenarios.scenario import Phases, Scenario

WINDOW = Window(0.0, 100.0)


def values(*numbers):
    return {seed: Value(number) for seed, number in enumerate(numbers, start=1)}


def sample(*lag_s, censored_at=()):
    """Lags of events committed at 0, those of `censored_at` never applied in a run that ends then."""
    known = lags(following(np.zeros(len(lag_s)), lag_s, end_s=1e9), WINDOW)
    never = [lags(following([0.0], [math.nan], end_s=end_s), WINDOW) for end_s in censored_at]
    return pooled([known, *never])


# -- differences ---------------------------------------------------------------------------------------


def test_pairing_by_seed_takes_away_what_the_seeds_have_in_common():
    base, other = values(10.0, 50.0, 90.0), values(11.0, 51.1, 90.9)
    assert paired(base, other).is_clear
    assert paired(base, other).difference == pytest.approx(1.0)
    assert not unpaired(list(base.values()), list(other.values())).is_clear


def test_seeds_of_one_side_alone_are_in_no_pair():
    found = paired(values(1.0, 2.0, 500.0), values(2.0, 3.5))
    assert found.pairs == 2
    assert found.difference == 1.25


def test_welchs_interval_is_that_of_the_textbook():
    # Variances 2.5 and 62.5 of 5 and 5 values: standard error √13, 4.3190… degrees of freedom, so 4.
    one = [Value(float(x)) for x in (1, 2, 3, 4, 5)]
    two = [Value(float(x)) for x in (0, 5, 10, 15, 20)]
    found = unpaired(one, two)
    assert found.difference == 7.0
    assert (found.high - found.low) / 2 == pytest.approx(2.776445 * math.sqrt(13.0), abs=1e-5)


def test_one_run_on_a_side_has_a_difference_and_no_interval():
    for found in (paired(values(1.0), values(3.0)), unpaired([Value(1.0)], [Value(3.0), Value(3.0)])):
        assert (found.difference, found.low, found.high, found.is_clear) == (2.0, None, None, None)


@pytest.mark.parametrize(
    ("base", "other", "bound"), [(False, True, "≥"), (True, False, "≤"), (True, True, "?")]
)
def test_a_difference_of_lower_bounds_is_bounded_on_the_side_that_is_known(base, other, bound):
    one, two = ({1: Value(1.0, censored), 2: Value(1.5)} for censored in (base, other))
    for found in (paired(one, two), unpaired(list(one.values()), list(two.values()))):
        assert found.bound == bound
        assert (found.low is not None, found.high is not None) == (bound == "≥", bound == "≤")


def test_what_is_at_least_so_much_worse_is_worse_for_certain():
    found = paired(values(1.0, 2.0, 3.0), {seed: Value(60.0 + seed, True) for seed in (1, 2, 3)})
    assert (found.bound, found.low, found.high, found.is_clear) == ("≥", 60.0, None, True)


def test_equal_sides_differ_by_nothing_for_certain():
    found = unpaired(list(values(2.0, 2.0).values()), list(values(2.0, 2.0).values()))
    assert (found.difference, found.low, found.high, found.is_clear) == (0.0, 0.0, 0.0, False)


# -- distances -----------------------------------------------------------------------------------------


LAGS = st.lists(st.integers(0, 12).map(lambda n: n / 4), min_size=1, max_size=12)


@given(LAGS, LAGS)
def test_the_distance_is_the_largest_difference_of_the_two_step_functions(one, two):
    by_definition = max(
        abs(sum(a <= x for a in one) / len(one) - sum(b <= x for b in two) / len(two)) for x in (*one, *two)
    )
    found = distance(sample(*one), sample(*two))
    assert found.at_least == found.at_most == pytest.approx(by_definition)


@given(
    LAGS, LAGS, st.lists(st.tuples(st.integers(1, 12).map(lambda n: n / 4), st.integers(0, 20)), max_size=4)
)
def test_bounds_hold_whatever_the_lags_were_that_nobody_saw(one, two, unseen):
    known = distance(sample(*one, censored_at=[at_s for at_s, _ in unseen]), sample(*two))
    truth = distance(sample(*one, *(at_s + more for at_s, more in unseen)), sample(*two))
    assert known.at_least - 1e-12 <= truth.at_least <= known.at_most + 1e-12


def test_samples_that_do_not_overlap_are_one_apart():
    assert distance(sample(1.0, 2.0), sample(3.0)) == (1.0, 1.0)
    assert distance(sample(1.0, 2.0), sample(2.0, 1.0)) == (0.0, 0.0)


# -- where they part -----------------------------------------------------------------------------------


def test_two_values_part_by_a_factor_and_a_time_that_matter():
    assert Part("", 0.004, 0.008).parts
    assert not Part("", 0.0001, 0.0009).parts  # nobody waits for that
    assert not Part("", 10.0, 12.0).parts


@pytest.fixture
def outage(in_memory):
    """A run of 100 orders a second apart; those of the fault, 40 s to 50 s, wait until its end and a bit."""

    def make(body_s, tail_s, recovery_s):
        events, applied = [], []
        for number in range(1, 101):
            at_s = float(number - 1)
            lag_s = tail_s if number % 20 == 0 else body_s
            if 40.0 <= at_s < 50.0:
                lag_s = 50.0 + recovery_s - at_s
            events.append(("orders", number, "OrderPlaced", 1, number, at_s))
            applied.append(("summary", "orders", number, at_s, at_s + lag_s, 1, "applied"))
        faults = [(0, "unavailable", "store:products", 40.0, 50.0, 10)]
        scenario = Scenario(name="outage", phases=Phases(warm=0.0, run=100.0, settle=20.0))
        return in_memory({"events": events, "applied": applied, "faults": faults}, scenario=scenario)

    return make


def test_what_differs_in_one_part_is_said_of_that_part_alone(outage):
    base = outage(0.002, 0.008, 0.3)
    for which, other in {
        "the body": outage(0.005, 0.008, 0.3),
        "the tail": outage(0.002, 0.030, 0.3),
        "the recovery": outage(0.002, 0.008, 0.9),
    }.items():
        found = apart([base], [other], "summary")
        assert [part.name for part in found.parts if part.parts] == [which]


def test_a_run_is_like_itself_everywhere(outage):
    found = apart([outage(0.002, 0.008, 0.3)], [outage(0.002, 0.008, 0.3)] * 2, "summary")
    assert found.distance == (0.0, 0.0)
    assert [part.ratio for part in (*found.percentiles, *found.parts)] == [1.0] * 7


def test_without_events_there_is_nothing_to_compare(in_memory, outage):
    assert apart([in_memory({})], [outage(0.002, 0.008, 0.3)], "summary") is None
