import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.arrivals import Closed, Nothing, Open, parse
from scenarios.distributions import Exponential
from scenarios.errors import ScenarioError
from scenarios.randomness import Streams, quantise

TEXTS = [
    "poisson(20/s)",
    "every(50ms)",
    "renewal(gamma(50ms, scv 4))",
    "ramp(5/s, 50/s)",
    "ramp(50/s, 0/s)",
    "ramp(0/s, 50/s)",
    "closed(100, exp(1s))",
    "none",
]
OPEN = TEXTS[:6]
RUN = (0.0, 300.0)


def instants(text: str, start: float = 0.0, end: float = 300.0, seed: int = 1) -> list[float]:
    load = parse(text, Path())
    assert isinstance(load, Open)
    return list(load.instants(Streams(seed).stream(text), start, end, RUN))


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_arrivals_reads_back_as_the_same(text: str) -> None:
    load = parse(text, Path())
    assert str(load) == text
    assert parse(str(load), Path()) == load


EXACT = ("every", "trace")


@pytest.mark.parametrize("text", OPEN)
def test_instants_ascend_within_their_bounds_and_random_ones_lie_on_the_grid(text: str) -> None:
    found = instants(text, -30.0, 310.0)
    assert len(found) > 1_000
    assert all(earlier <= later for earlier, later in pairwise(found))
    assert found[0] >= -30.0
    assert found[-1] < 310.0
    assert text.startswith(EXACT) or all(quantise(instant) == instant for instant in found)


@pytest.mark.parametrize("text", OPEN)
def test_a_later_end_adds_instants_and_moves_none(text: str) -> None:
    short = instants(text, -30.0, 100.0)
    assert instants(text, -30.0, 300.0)[: len(short)] == short


@pytest.mark.parametrize("text", ["poisson(20/s)", "renewal(exp(50ms))"])
def test_counts_of_random_arrivals_have_the_mean_and_variance_of_a_poisson_process(text: str) -> None:
    counts = np.bincount(np.array(instants(text, 0.0, 5_000.0)).astype(int), minlength=5_000)
    assert counts.mean() == pytest.approx(20, abs=4.5 * math.sqrt(20 / 5_000))
    assert counts.var() == pytest.approx(20, rel=0.1)


def test_a_metronome_starts_at_the_start_and_does_not_drift() -> None:
    found = instants("every(10ms)", -30.0, 300.0)
    assert found == [-30.0 + number * 0.01 for number in range(33_000)]


def test_a_ramp_has_its_first_rate_before_the_run_and_its_last_at_the_end() -> None:
    for text, first, last in (("ramp(40/s, 400/s)", 40, 400), ("ramp(400/s, 40/s)", 400, 40)):
        found = np.array(instants(text, -30.0, 330.0))
        for start, end in ((-30, 0), (0, 30), (135, 165), (270, 300), (300, 330)):
            middle = min(max((start + end) / 2, 0), 300)
            if not 0 <= start < 300:
                middle = 0.0 if start < 0 else 300.0
            expected = (first + (last - first) * middle / 300) * (end - start)
            count = ((found >= start) & (found < end)).sum()
            assert abs(count - expected) < 4.5 * math.sqrt(expected)


def test_a_ramp_down_to_nothing_ends_with_the_run() -> None:
    assert instants("ramp(50/s, 0/s)", 0.0, 1_000.0)[-1] <= 300.0


def test_a_ramp_up_from_nothing_begins_with_the_run() -> None:
    assert instants("ramp(0/s, 50/s)", -30.0, 300.0)[0] >= 0.0


def test_a_level_ramp_has_a_constant_rate() -> None:
    assert len(instants("ramp(100/s, 100/s)", -30.0, 330.0)) == pytest.approx(36_000, abs=4.5 * 190)


def test_a_traced_load_counts_from_the_start_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "at.csv").write_text("-1\n0.5\n0.5\n2\n9\n")
    load = parse("trace(at.csv)", tmp_path)
    assert isinstance(load, Open)
    assert str(load) == "trace(at.csv)"
    assert list(load.instants(Streams(1).stream("x"), 9.0, 18.0, (10.0, 20.0))) == [9.0, 10.5, 10.5, 12.0]
    assert list(load.instants(Streams(1).stream("x"), 10.0, 12.0, (10.0, 20.0))) == [10.5, 10.5]


def test_a_traced_load_must_ascend(tmp_path: Path) -> None:
    (tmp_path / "at.csv").write_text("2\n1\n")
    with pytest.raises(ScenarioError, match="ascending"):
        parse("trace(at.csv)", tmp_path)


def test_closed_and_no_load_say_what_they_are() -> None:
    assert parse("closed(100, exp(1s))", Path()) == Closed(100, Exponential(1.0))
    assert parse("none", Path()) == Nothing()


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("20/s", 'write "poisson(20/s)"'),
        ("poison(20/s)", 'the nearest is "poisson"'),
        ("non", 'the nearest is "none"'),
        ("poisson", 'write "poisson(20/s)"'),
        ("poisson(20)", "is not a rate"),
        ("poisson(0/s)", 'write "none"'),
        ("ramp(0/s, 0/s)", 'write "none"'),
        ("ramp(5/s)", "takes 2"),
        ("poisson(1e300/s)", "impossible rate"),
        ("every(0s)", "without end"),
        ("every(1e-12s)", "without end"),
        ("every(1e300s)", "shorter period"),
        ("renewal(0s)", "without end"),
        ("renewal(mix(0.5: 0s, 0.5: exp(0s)))", "without end"),
        ("closed(0, exp(1s))", "1000000 users"),
        ("closed(many, exp(1s))", "number of users"),
    ],
)
def test_impossible_arrivals_are_refused_with_their_cure(text: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, Path())
    assert cure in str(caught.value)


@given(
    st.floats(min_value=0, max_value=1e3),
    st.floats(min_value=0.01, max_value=1e3),
    st.booleans(),
    st.integers(min_value=0, max_value=1_000),
)
def test_any_ramp_gives_ascending_instants(low: float, high: float, falls: bool, seed: int) -> None:
    rates = (high, low) if falls else (low, high)
    load = parse(f"ramp({rates[0]!r}/s, {rates[1]!r}/s)", Path())
    assert isinstance(load, Open)
    found = list(load.instants(Streams(seed).stream("x"), -0.5, 2.5, (0.0, 2.0)))
    assert found == sorted(found)
    assert all(-0.5 <= instant < 2.5 for instant in found)
