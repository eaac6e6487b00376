import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.distributions import LONGEST_S, Constant, parse
from scenarios.errors import ScenarioError
from scenarios.randomness import Streams, quantise

TEXTS = [
    "5ms",
    "0s",
    "exp(10ms)",
    "exp(0s)",
    "uniform(1ms, 5ms)",
    "lognormal(3ms, p99 15ms)",
    "lognormal(3ms, p99 3ms)",
    "gamma(10ms, scv 4)",
    "gamma(10ms, scv 0.25)",
    "gamma(10ms, scv 1)",
    "erlang(10ms, 4)",
    "erlang(10ms, 1)",
    "hyperexp(10ms, scv 4)",
    "hyperexp(10ms, scv 1)",
    "pareto(1ms, 4.5)",
    "mix(0.38: pareto(1.05ms, 4.51), 0.62: exp(5ms))",
    "mix(0.5: 0s, 0.25: mix(0.5: 1ms, 0.5: exp(2ms)), 0.25: uniform(1s, 2s))",
]
N = 200_000


def draws(text: str, n: int = N, folder: Path = Path()) -> np.ndarray:
    return parse(text, folder).draws(Streams(1).stream(text), n)


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_a_distribution_reads_back_as_the_same(text: str) -> None:
    distribution = parse(text, Path())
    assert str(distribution) == text
    assert parse(str(distribution), Path()) == distribution


@pytest.mark.parametrize("text", TEXTS)
def test_a_sampler_gives_exactly_the_draws(text: str) -> None:
    distribution = parse(text, Path())
    draw = distribution.sampler(Streams(9).stream("x"))
    assert [draw() for _ in range(9_000)] == distribution.draws(Streams(9).stream("x"), 9_000).tolist()


@pytest.mark.parametrize("text", TEXTS)
def test_fewer_draws_are_the_first_of_more(text: str) -> None:
    assert draws(text, 3).tolist() == draws(text, 700)[:3].tolist()


@pytest.mark.parametrize("text", TEXTS)
def test_draws_have_the_stated_mean_and_squared_coefficient_of_variation(text: str) -> None:
    distribution = parse(text, Path())
    values = draws(text)
    mean, scv = distribution.mean, distribution.scv
    assert values.mean() == pytest.approx(mean, rel=4.5 * math.sqrt(scv / N) + 1e-6)
    if distribution.zero:
        assert not values.any()
        return
    deviations = ((values - mean) / mean) ** 2
    assert abs(deviations.mean() - scv) <= 5 * deviations.std() / math.sqrt(N) + 1e-6


@pytest.mark.parametrize("text", TEXTS)
def test_random_draws_lie_on_the_grid_and_none_is_negative(text: str) -> None:
    values = draws(text, 5_000)
    assert (values >= 0).all()
    assert (quantise(values) == values).all() or set(values) == {parse(text, Path()).mean}


@pytest.mark.parametrize(
    ("text", "quantiles"),
    [
        ("lognormal(3ms, p99 15ms)", {0.5: 0.003, 0.99: 0.015}),
        ("exp(10ms)", {0.5: 0.01 * math.log(2), 0.99: 0.01 * math.log(100)}),
        ("uniform(1ms, 5ms)", {0.25: 0.002, 0.99: 0.00496}),
        ("pareto(1ms, 1.5)", {0.5: 0.001 * 2 ** (1 / 1.5), 0.99: 0.001 * 100 ** (1 / 1.5)}),
        ("gamma(10ms, scv 1)", {0.5: 0.01 * math.log(2), 0.99: 0.01 * math.log(100)}),
        ("erlang(4s, 4)", {0.5: 3.672061, 0.99: 10.045118}),
        ("gamma(1s, scv 2)", {0.5: 0.454936, 0.99: 6.634897}),
        ("hyperexp(1s, scv 1)", {0.5: math.log(2), 0.99: math.log(100)}),
    ],
)
def test_draws_lie_below_each_quantile_with_its_probability(text: str, quantiles: dict[float, float]) -> None:
    values = draws(text)
    for probability, quantile in quantiles.items():
        share = (values <= quantile).mean()
        assert abs(share - probability) < 4.5 * math.sqrt(probability * (1 - probability) / N)


def test_draws_of_one_sampler_do_not_correlate() -> None:
    for text in ("exp(1s)", "lognormal(1s, p99 2s)", "gamma(1s, scv 2)", "hyperexp(1s, scv 2)"):
        values = draws(text)
        for lag in (1, 2, 32, 64):
            correlation = np.corrcoef(values[:-lag], values[lag:])[0, 1]
            assert abs(correlation) < 4.5 / math.sqrt(N)


def test_a_constant_takes_no_randomness() -> None:
    stream = Streams(1).stream("x")
    draw = Constant(0.005).sampler(stream)
    draw()
    assert stream.uniform() == Streams(1).stream("x").uniform()


def test_a_hyperexponential_has_balanced_means() -> None:
    distribution = parse("hyperexp(10ms, scv 4)", Path())
    rare = distribution.rare  # type: ignore[attr-defined]
    assert rare == pytest.approx((1 - math.sqrt(3 / 5)) / 2)


def test_a_heavy_tail_has_an_infinite_mean_and_finite_draws() -> None:
    distribution = parse("pareto(1s, 0.001)", Path())
    assert math.isinf(distribution.mean)
    assert math.isinf(distribution.scv)
    assert draws("pareto(1s, 0.001)", 10_000).max() == LONGEST_S
    mixture = parse("mix(0.5: pareto(1ms, 1.5), 0.5: 1ms)", Path())
    assert mixture.mean == pytest.approx(0.002)
    assert math.isinf(mixture.scv)


def test_measured_values_are_drawn_again_about_as_often_as_they_occur(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("0.25\n\n0.5\n0.5\n1\n")
    distribution = parse("empirical(file.csv)", tmp_path)
    assert str(distribution) == "empirical(file.csv)"
    assert (distribution.mean, distribution.scv) == (0.5625, pytest.approx(0.234568, rel=1e-5))
    values = draws("empirical(file.csv)", folder=tmp_path)
    assert [(values == value).mean() for value in (0.25, 0.5, 1.0)] == pytest.approx(
        [0.25, 0.5, 0.25], abs=0.005
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("0.1\nfast\n", '"fast" in line 2'),
        ("0.1\nnan\n", '"nan" in line 2'),
        ("0.1\n-2\n", "-2.0"),
    ],
)
def test_a_data_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / "file.csv").write_text(content)
    with pytest.raises(ScenarioError) as caught:
        parse("empirical(file.csv)", tmp_path)
    assert problem in str(caught.value)
    assert "file.csv" in str(caught.value)


@pytest.mark.parametrize("file", ["/etc/hosts", "../other.csv", ""])
def test_a_data_file_must_lie_beside_the_scenario(tmp_path: Path, file: str) -> None:
    with pytest.raises(ScenarioError):
        parse(f"empirical({file})", tmp_path)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("5", 'write "5s"'),
        ("exp", 'write "exp(10ms)"'),
        ("fast", "the nearest is"),
        ("expo(10ms)", 'the nearest is "exp"'),
        ("exp(10)", 'write "10s"'),
        ("exp(-10ms)", "is negative"),
        ("exp()", 'write it like "exp(10ms)"'),
        ("exp(1ms, 2ms)", "takes 1"),
        ("exp(1ms", "parentheses"),
        ("mix(1: " * 2_000 + "1ms" + ")" * 2_000, "20 deep"),
        ("exp(1ms) + exp(2ms)", "parentheses"),
        ("uniform(5ms, 1ms)", "shorter duration first"),
        ("lognormal(3ms, 15ms)", '"p99 15ms"'),
        ("lognormal(3ms, p99 1ms)", "below its median"),
        ("lognormal(0s, p99 1ms)", "median of 0s"),
        ("gamma(10ms, scv 0)", "impossible scv"),
        ("gamma(10ms, 4)", '"scv 4"'),
        ("gamma(10ms, scv -1)", "is not a number"),
        ("erlang(10ms, 0)", "at least 1 stage"),
        ("erlang(10ms, 1.5)", "whole number"),
        ("hyperexp(10ms, scv 0.5)", "impossible scv"),
        ("pareto(1ms, 0)", "impossible shape"),
        ("pareto(0s, 1.5)", "scale of 0s"),
        ("mix(0.5: 1ms, 0.4: 2ms)", "add up to 0.9"),
        ("mix(1ms, 2ms)", "has no weight"),
        ("mix(1: 1ms, 0: 2ms)", "weight of 0"),
        ("mix()", "add up to 0"),
        ("exp(999999h)", "not a possible duration"),
    ],
)
def test_an_impossible_distribution_is_refused_with_its_cure(text: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, Path())
    assert cure in str(caught.value)


@given(st.text(alphabet="expmixgama()0123.,:; ms%", max_size=30))
def test_any_text_is_a_distribution_or_a_scenario_error(text: str) -> None:
    try:
        distribution = parse(text, Path())
    except ScenarioError:
        return
    assert parse(str(distribution), Path()) == distribution


def test_more_variation_spreads_the_draws_further() -> None:
    spreads = [draws(f"gamma(10ms, scv {scv})").std() for scv in (0.01, 0.1, 1, 10)]
    assert all(less < more for less, more in pairwise(spreads))
