"""Amounts are exact, however large and whatever precision the program asks of its decimals."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.money import to_decimal, to_minor


@given(st.integers())
def test_an_amount_comes_back_from_its_decimal(minor: int) -> None:
    assert to_minor(to_decimal(minor)) == minor


@given(st.integers(-(10**40), 10**40), st.integers(1, 50))
def test_the_precision_of_the_context_has_no_say(minor: int, precision: int) -> None:
    with localcontext(prec=precision):
        assert to_minor(to_decimal(minor)) == minor


@given(st.integers(), st.integers())
def test_an_amount_in_decimals_is_the_hundredth_part(minor: int, other: int) -> None:
    with localcontext(prec=1000):
        assert to_decimal(minor) * 100 == minor
        assert to_decimal(minor) + to_decimal(other) == to_decimal(minor + other)


@pytest.mark.parametrize(
    ("text", "minor"), [("19.9", 1990), ("1E+3", 100_000), ("-0.01", -1), ("-0", 0), ("5.1200", 512)]
)
def test_an_amount_may_be_written_in_any_form(text: str, minor: int) -> None:
    assert to_minor(Decimal(text)) == minor


@pytest.mark.parametrize("text", ["0.001", "1e-400000", "19.995", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_an_amount_in_cents_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount .* (round it to cents|write one such as 19\.99)"):
        to_minor(Decimal(text))


@pytest.mark.parametrize("text", ["1e100", "-1e999999"])
def test_an_amount_that_nobody_has_is_an_error_and_not_a_very_long_integer(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount .* is too large"):
        to_minor(Decimal(text))
