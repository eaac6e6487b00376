import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.values import (
    format_duration,
    format_number,
    format_rate,
    parse_duration,
    parse_number,
    parse_rate,
)

seconds = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@given(seconds)
def test_a_duration_comes_back_to_the_last_bit(value: float) -> None:
    assert parse_duration(format_duration(value)) == value


@given(seconds)
def test_a_negative_duration_comes_back_where_it_is_allowed(value: float) -> None:
    assert parse_duration(format_duration(-value), allow_negative=True) == -value


@given(st.integers(min_value=0, max_value=10**7))
def test_whole_milliseconds_are_written_with_few_letters(milliseconds: int) -> None:
    assert len(format_duration(milliseconds / 1000)) <= len("2h46m39.999s")


@given(seconds)
def test_a_rate_comes_back_to_the_last_bit(value: float) -> None:
    assert parse_rate(format_rate(value)) == value


@given(seconds)
def test_a_number_comes_back_to_the_last_bit(value: float) -> None:
    assert parse_number(format_number(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250ms", 0.25),
        ("3m30s", 210.0),
        ("0s", 0.0),
        ("1h", 3600.0),
        ("1.05ms", 0.00105),
        ("1h 30m", 5400.0),
        ("15us", 15e-6),
        ("15µs", 15e-6),
        ("2.5e-3s", 0.0025),
    ],
)
def test_durations_mean_what_they_say(text: str, value: float) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("30", 'write "30s"'),
        ("", "is not a duration"),
        ("soon", "is not a duration"),
        ("30 sec", 'the nearest is "s"'),
        ("5min", 'Write "5m"'),
        ("-1s", "is negative"),
        ("30s1m", "largest first"),
        ("1s1s", "largest first"),
        ("nan", "is not a duration"),
        ("1e999s", "write a shorter duration"),
    ],
)
def test_what_is_not_a_duration_is_refused_with_its_cure(text: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_duration(text)
    assert cure in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("20", '"20/s"'),
        ("20/sec", 'Write "20/s"'),
        ("-3/s", "0 or more"),
        ("fast", '"20/s"'),
        ("1e999/s", "lower rate"),
    ],
)
def test_what_is_not_a_rate_is_refused_with_its_cure(text: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_rate(text)
    assert cure in str(caught.value)


def test_an_error_survives_being_rebuilt_from_its_arguments() -> None:
    error = ScenarioError("x.toml: seed: wrong")
    assert str(type(error)(*error.args)) == str(error)
