# ruff: noqa: D102  # what an override promises stands in its base class
"""The customers and products of an experiment, and what an order is made of.

>>> from scenarios.randomness import Streams
>>> product = Zipf(1.1).sampler(Streams(1).stream("product"), 100)
>>> 1 <= product() <= 100
True
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from scenarios import terms
from scenarios.errors import ScenarioError, quoted, unknown
from scenarios.randomness import Floats, Stream, block_sizes
from scenarios.values import format_number, parse_number

MOST_NUMBERS = 2**31 - 1
MOST_PRODUCTS = 1_000_000
PRICE_MINOR_MIN, PRICE_MINOR_MAX = 100, 10_000


class Popularity(ABC):
    """How likely each product is to be named; the products are numbered from 1."""

    __slots__ = ()

    @abstractmethod
    def choose(self, uniforms: Floats, n: int) -> list[int]:
        """The product out of n for each uniform."""

    def sampler(self, stream: Stream, n: int) -> Callable[[], int]:
        """A function that gives the next of the product numbers 1..n; it has the stream to itself."""
        return _sampler(stream, lambda uniforms: self.choose(uniforms, n))


@dataclass(frozen=True, slots=True)
class Zipf(Popularity):
    """Product k is named in proportion to k ** −s; product 1 is the most popular."""

    s: float

    def __post_init__(self) -> None:
        if not 0 <= self.s < math.inf:
            raise ScenarioError(f'{quoted(str(self))} has an impossible exponent; write "zipf(1.1)".')

    def sampler(self, stream: Stream, n: int) -> Callable[[], int]:
        bounds = self._bounds(n)
        return _sampler(stream, lambda uniforms: _places(bounds, uniforms))

    def choose(self, uniforms: Floats, n: int) -> list[int]:
        return _places(self._bounds(n), uniforms)

    def _bounds(self, n: int) -> Floats:
        """The cumulative probabilities of the products."""
        total = np.cumsum(np.exp(-self.s * np.log(np.arange(1, n + 1))))
        result: Floats = total / total[-1]
        return result

    def __str__(self) -> str:
        return f"zipf({format_number(self.s)})"


@dataclass(frozen=True, slots=True)
class Uniform(Popularity):
    """Every product is as likely as the others."""

    def choose(self, uniforms: Floats, n: int) -> list[int]:
        chosen: list[int] = (1 + (uniforms * n).astype(np.int64)).tolist()
        return chosen

    def __str__(self) -> str:
        return "uniform"


@dataclass(frozen=True, slots=True)
class Span:
    """A whole number from `low` to `high`, each equally likely."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= MOST_NUMBERS:
            raise ScenarioError(
                f'{quoted(str(self))} is not a span; write the lower number first, from 1, such as "1..3".'
            )

    def sampler(self, stream: Stream) -> Callable[[], int]:
        """A function that gives the next number; it has the stream to itself."""
        width = self.high - self.low + 1
        return _sampler(stream, lambda u: (self.low + (u * width).astype(np.int64)).tolist())

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """How many customers and products there are, and what orders look like; `stock` is in units a product."""

    customers: int = 500
    products: int = 100
    popularity: Popularity = field(default_factory=lambda: Zipf(1.1))
    lines: Span = field(default_factory=lambda: Span(1, 3))
    quantity: Span = field(default_factory=lambda: Span(1, 2))
    stock: int = 1_000_000


def product_name(number: int) -> str:
    """What product `number` is called at the start."""
    return f"Product {number}"


def parse_popularity(text: str) -> Popularity:
    """`zipf(1.1)` or `uniform`."""
    word = text.strip()
    if word == "uniform":
        return Uniform()
    term = terms.split(word)
    if term is None or term[0] != "zipf":
        raise unknown(term[0] if term else word, "a popularity", ["zipf(1.1)", "uniform"])
    if len(term[1]) != 1:
        raise ScenarioError(f'{quoted(text)} needs one exponent; write "zipf(1.1)".')
    return Zipf(parse_number(term[1][0]))


def parse_span(text: str) -> Span:
    """`1..3`.

    >>> parse_span("1..3")
    Span(low=1, high=3)
    """
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not (dots and low.isdecimal() and high.isdecimal()) or len(low) > 9 or len(high) > 9:
        raise ScenarioError(
            f'{quoted(text)} is not a span; write the lowest and the highest number, such as "1..3".'
        )
    return Span(int(low), int(high))


def _places(bounds: Floats, uniforms: Floats) -> list[int]:
    places: list[int] = (1 + np.searchsorted(bounds, uniforms, side="right")).tolist()
    return places


def _sampler(stream: Stream, choose: Callable[[Floats], list[int]]) -> Callable[[], int]:
    def blocks() -> Iterator[list[int]]:
        for size in block_sizes():
            yield choose(stream.uniforms(size))

    return chain.from_iterable(blocks()).__next__
