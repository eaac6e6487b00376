import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.population import Span, Uniform, Zipf, parse_popularity, parse_span
from scenarios.randomness import Streams

N = 100_000


def chosen(popularity: Zipf | Uniform, products: int) -> np.ndarray:
    draw = popularity.sampler(Streams(1).stream("product"), products)
    return np.array([draw() for _ in range(N)])


@pytest.mark.parametrize("s", [0.0, 1.1, 2.5])
def test_products_are_named_in_proportion_to_a_power_of_their_rank(s: float) -> None:
    weights = np.arange(1, 21) ** -s
    shares = np.bincount(chosen(Zipf(s), 20), minlength=21)[1:] / N
    expected = weights / weights.sum()
    assert (np.abs(shares - expected) < 4.5 * np.sqrt(expected * (1 - expected) / N)).all()


def test_a_uniform_popularity_prefers_no_product() -> None:
    shares = np.bincount(chosen(Uniform(), 20), minlength=21)[1:] / N
    assert np.abs(shares - 0.05).max() < 4.5 * np.sqrt(0.05 * 0.95 / N)


@given(st.floats(min_value=0, max_value=50), st.integers(min_value=1, max_value=2_000))
def test_product_numbers_lie_within_the_catalogue(s: float, products: int) -> None:
    draws = [
        Zipf(s).sampler(Streams(1).stream("a"), products),
        Uniform().sampler(Streams(1).stream("b"), products),
    ]
    assert all(1 <= draw() <= products for draw in draws for _ in range(100))


@given(st.integers(min_value=1, max_value=10**6), st.integers(min_value=0, max_value=10**6))
def test_a_span_reads_back_and_is_kept(low: int, more: int) -> None:
    span = Span(low, low + more)
    assert parse_span(str(span)) == span
    draw = span.sampler(Streams(1).stream("lines"))
    assert all(span.low <= draw() <= span.high for _ in range(50))


def test_a_span_gives_each_of_its_numbers_about_as_often() -> None:
    draw = Span(1, 3).sampler(Streams(1).stream("lines"))
    counts = np.bincount([draw() for _ in range(N)])
    assert counts[0] == 0
    assert np.abs(counts[1:] - N / 3).max() < 4.5 * np.sqrt(N * 2 / 9)


@pytest.mark.parametrize("text", ["zipf(1.1)", "zipf(0)", "uniform"])
def test_the_text_of_a_popularity_reads_back_as_the_same(text: str) -> None:
    assert str(parse_popularity(text)) == text


@pytest.mark.parametrize("text", ["zip(1.1)", "zipf", "zipf(-1)", "even", "zipf(1, 2)"])
def test_what_is_not_a_popularity_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_popularity(text)
    assert "zipf(1.1)" in str(caught.value) or "is not a number" in str(caught.value)


@pytest.mark.parametrize("text", ["3", "3..1", "0..2", "1-3", "a..b", "1..", "1..99999999999"])
def test_what_is_not_a_span_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="is not a span"):
        parse_span(text)
