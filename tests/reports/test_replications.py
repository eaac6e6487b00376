"""What several seeds come to: intervals that are right, and measures that are named as in expectations."""

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_lab.experiment import measure_simulated
from reports.comparing.replications import (
    MEASURES,
    Value,
    main_measures,
    measure_of,
    share,
    spread,
    student_t,
)
from scenarios.expectations import Expectation, parse
from scenarios.file import loads

LAG = MEASURES["lag.max"]

# Abramowitz and Stegun, table 26.10: t of which 5 % lies outside.
TABLE = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    9: 2.262,
    10: 2.228,
    29: 2.045,
    30: 2.042,
    120: 1.980,
}


@pytest.mark.parametrize("freedom", TABLE)
def test_students_t_is_that_of_the_tables(freedom: int) -> None:
    assert student_t(freedom) == pytest.approx(TABLE[freedom], abs=5e-4)


@given(st.integers(1, 500))
def test_students_t_falls_towards_that_of_the_normal_distribution(freedom: int) -> None:
    assert student_t(freedom) > student_t(freedom + 1) > 1.95996


def test_nine_in_ten_and_more_intervals_cover_the_mean() -> None:
    """Of 1,000 samples of ten normal values, 95 % within three standard errors."""
    draw = random.Random(1)
    covered = 0
    for _ in range(1000):
        found = spread({seed: Value(draw.gauss(50.0, 7.0)) for seed in range(10)}, LAG)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 50.0 <= found.high
    assert abs(covered - 950) <= 3 * math.sqrt(1000 * 0.95 * 0.05)


@given(st.dictionaries(st.integers(0, 99), st.floats(0.0, 1e6), min_size=1))
def test_a_spread_lies_within_its_range_and_around_its_mean(values: dict[int, float]) -> None:
    found = spread({seed: Value(value) for seed, value in values.items()}, LAG)
    assert found.count == len(values)
    assert found.least <= found.mean + 1e-9
    assert found.mean <= found.most + 1e-9
    assert values[found.worst_seed] == found.most == max(values.values())
    if found.count == 1:
        assert found.low is found.high is None
    else:
        assert 0.0 <= found.low <= found.mean <= found.high


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20))
def test_the_interval_of_a_share_stays_a_share(values: list[float]) -> None:
    found = spread({seed: Value(value) for seed, value in enumerate(values)}, MEASURES["stale_reads"])
    assert 0.0 <= found.low <= found.high <= 1.0


def test_where_more_is_better_the_least_is_the_worst() -> None:
    values = {1: Value(0.9), 2: Value(0.5), 3: Value(1.0)}
    assert spread(values, MEASURES["accepted"]).worst_seed == 2
    assert spread(values, MEASURES["stale_reads"]).worst_seed == 3


def test_censored_values_are_counted() -> None:
    assert spread({1: Value(3.0, censored=True), 2: Value(2.0)}, LAG).censored == 1


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_solves_its_equation(counts: tuple[int, int]) -> None:
    """Each bound p is where |p̂ − p| is z standard errors of p."""
    count, of = counts
    found = share(count, of)
    assert 0.0 <= found.low <= found.share <= found.high <= 1.0
    z = 1.959963984540054
    for bound in (found.low, found.high):
        gap = abs(count / of - bound)
        assert gap == pytest.approx(z * math.sqrt(bound * (1 - bound) / of), abs=1e-7)


# -- measures ------------------------------------------------------------------------------------------

SCENARIO = """
name = "measured"
seed = 4
[phases]
warm = "1s"
run = "6s"
settle = "2s"
[load]
orders = "poisson(20/s)"
checkouts = "poisson(2/s)"
history = "poisson(20/s)"
own_read = "exp(50ms)"
[time]
summary = "exp(5ms)"
[[fault]]
kind = "unavailable"
on = "store:products"
at = "2s"
for = "1s"
"""


@pytest.fixture(scope="module")
def summary() -> dict:
    return measure_simulated(loads(SCENARIO, source="measured", folder=Path()))[0]


def test_the_main_measures_have_the_values_that_expectations_find(summary: dict) -> None:
    """Each is written as an expectation that its value just holds, and a smaller limit breaks."""
    measures = main_measures(json.loads(json.dumps(summary)))
    claims = {
        name: f"{name} <= {value.value:.12f}{'s' if measure_of(name).unit == 's' else ''}"
        for name, value in measures.items()
        if name != "accepted" and measure_of(name).unit != "ratio"
    }
    assert len(claims) > 20
    for name, claim in claims.items():
        parsed = parse(claim if measure_of(name).unit != "count" else claim.split(".0000")[0])
        assert isinstance(parsed, Expectation)
        assert parsed.subject == name
    text = SCENARIO + f"[[expect]]\nthat = {json.dumps([parse(claim).text for claim in claims.values()])}\n"
    judged = measure_simulated(loads(text, source="measured", folder=Path()))[1]
    for name, result in zip(claims, judged.results, strict=True):
        assert result.value == pytest.approx(measures[name].value, abs=1e-9), name
        assert (result.censored > 0) == measures[name].censored


def test_measures_stand_in_the_order_of_the_table(summary: dict) -> None:
    ranks = [list(MEASURES).index(name.partition("{")[0]) for name in main_measures(summary)]
    assert ranks == sorted(ranks)


def test_what_has_no_sample_is_left_out() -> None:
    quiet = SCENARIO.replace("poisson(20/s)", "none").replace("poisson(2/s)", "none")
    names = main_measures(measure_simulated(loads(quiet, source="quiet", folder=Path()))[0])
    assert not any(name.startswith(("lag", "latency", "success", "stale", "read")) for name in names)


def test_an_event_that_was_never_applied_makes_lag_a_lower_bound() -> None:
    lossy = SCENARIO + "[policy]\npublish = 'direct'\n[[fault]]\nkind = 'crash'\non = 'summary'\nfor = '1s'\n"
    measures = main_measures(measure_simulated(loads(lossy, source="lossy", folder=Path()))[0])
    assert measures["lag.max{summary}"].censored
    assert not measures["lag.max{inventory}"].censored
    assert measures["gaps.missing{summary}"].value > 0
