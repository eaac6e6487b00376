# ruff: noqa: D102  # what an override promises stands in its base class
"""Distributions of a duration: constant, exponential, lognormal, gamma, Pareto, mixtures, measured values.

Each is frozen data with its parameters in seconds. `parse` reads the scenario file's text and `str` gives
text that reads back as an equal object. A constant is exact; other draws lie on the grid of
`scenarios.randomness.quantise`. Draws are never negative and at most `LONGEST_S`; they are made in blocks of
growing size from uniforms alone.

>>> service = parse("gamma(10ms, scv 4)", Path())
>>> service.mean, service.scv, str(service)
(0.01, 4.0, 'gamma(10ms, scv 4)')
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from scenarios import terms
from scenarios.data import read_numbers
from scenarios.errors import ScenarioError, quoted, unknown
from scenarios.randomness import Floats, Stream, block_sizes, quantise
from scenarios.values import format_duration, format_number, parse_duration, parse_number

LONGEST_S = 2.0**30
"""No draw and no parameter is longer (34 years)."""

_Z99 = 2.3263478740408408  # the 99th percentile of the standard normal
_MOST_SCV = 1e6
_MOST_STAGES = 1_000_000


class Distribution(ABC):
    """Independent durations in seconds; `mean` in seconds and `scv` (variance / mean²) may be infinite."""

    __slots__ = ()

    @property
    @abstractmethod
    def mean(self) -> float:
        """The mean in seconds."""

    @property
    @abstractmethod
    def scv(self) -> float:
        """The squared coefficient of variation; 0 when every draw is 0."""

    @property
    def zero(self) -> bool:
        """Whether every draw is 0."""
        return self.mean == 0

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        """The data files that the text refers to, and their numbers."""
        return {}

    def sampler(self, stream: Stream) -> Callable[[], float]:
        """A function that gives the next draw in seconds.

        It takes its uniforms from the stream in blocks, so let it have the stream to itself.
        """
        return chain.from_iterable(block.tolist() for block in self.blocks(stream)).__next__

    def draws(self, stream: Stream, n: int) -> Floats:
        """The first n draws; exactly what n calls of a sampler on such a stream give."""
        parts, count = [np.empty(0)], 0
        for block in self.blocks(stream):
            parts.append(block)
            count += len(block)
            if count >= n:
                break
        return np.concatenate(parts)[:n]

    def blocks(self, stream: Stream) -> Iterator[Floats]:
        """The draws in seconds, block by block, without end."""
        for size in block_sizes():
            with np.errstate(over="ignore"):
                values = self.transform(stream, size)
            yield quantise(np.minimum(values, LONGEST_S))

    @abstractmethod
    def transform(self, stream: Stream, n: int) -> Floats:
        """Make n draws from the stream, not yet on the grid; may be infinite."""


@dataclass(frozen=True, slots=True)
class Constant(Distribution):
    """Always `value` seconds; takes no randomness."""

    value: float

    def __post_init__(self) -> None:
        _check_duration(self.value)

    @property
    def mean(self) -> float:
        return self.value

    @property
    def scv(self) -> float:
        return 0.0

    def sampler(self, stream: Stream) -> Callable[[], float]:  # noqa: ARG002  # a constant takes no randomness
        return repeat(self.value).__next__

    def blocks(self, stream: Stream) -> Iterator[Floats]:  # noqa: ARG002
        for size in block_sizes():
            yield np.full(size, self.value)

    def transform(self, stream: Stream, n: int) -> Floats:  # noqa: ARG002
        return np.full(n, self.value)

    def __str__(self) -> str:
        return format_duration(self.value)


@dataclass(frozen=True, slots=True)
class Exponential(Distribution):
    """Exponential with this mean in seconds."""

    mean_s: float

    def __post_init__(self) -> None:
        _check_duration(self.mean_s)

    @property
    def mean(self) -> float:
        return self.mean_s

    @property
    def scv(self) -> float:
        return 1.0 if self.mean_s else 0.0

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.mean_s * _exponentials(stream, n)

    def __str__(self) -> str:
        return f"exp({format_duration(self.mean_s)})"


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """Uniform between `low` and `high` seconds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_duration(self.low)
        _check_duration(self.high)
        if self.high < self.low:
            raise ScenarioError(
                f"{quoted(str(self))} ends before it begins; write the shorter duration first."
            )

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def scv(self) -> float:
        return ((self.high - self.low) / self.mean) ** 2 / 12 if self.mean else 0.0

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.low + (self.high - self.low) * stream.uniforms(n)

    def __str__(self) -> str:
        return f"uniform({format_duration(self.low)}, {format_duration(self.high)})"


@dataclass(frozen=True, slots=True)
class Lognormal(Distribution):
    """Lognormal with this median and 99th percentile in seconds."""

    median: float
    p99: float

    def __post_init__(self) -> None:
        _check_duration(self.median)
        _check_duration(self.p99)
        if self.median == 0:
            raise ScenarioError(f'{quoted(str(self))} has a median of 0s; write "0s" for no time at all.')
        if self.p99 < self.median:
            raise ScenarioError(
                f"{quoted(str(self))} has a p99 below its median; write a p99 of at least that."
            )

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        return math.log(self.p99 / self.median) / _Z99

    @property
    def mean(self) -> float:
        return self.median * _exp(self.sigma**2 / 2)

    @property
    def scv(self) -> float:
        return math.expm1(self.sigma**2) if self.sigma < 26 else math.inf

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.median * np.exp(self.sigma * _normals(stream, n))

    def __str__(self) -> str:
        return f"lognormal({format_duration(self.median)}, p99 {format_duration(self.p99)})"


@dataclass(frozen=True, slots=True)
class Gamma(Distribution):
    """Gamma with this mean in seconds and squared coefficient of variation (shape 1 / scv)."""

    mean_s: float
    scv_of_draws: float

    def __post_init__(self) -> None:
        _check_duration(self.mean_s)
        if not 1 / _MOST_SCV <= self.scv_of_draws <= _MOST_SCV:
            raise ScenarioError(
                f"{quoted(str(self))} has an impossible scv; write one from 0.000001 to 1000000, "
                f"or {quoted(format_duration(self.mean_s))} for a constant."
            )

    @property
    def mean(self) -> float:
        return self.mean_s

    @property
    def scv(self) -> float:
        return self.scv_of_draws if self.mean_s else 0.0

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.mean_s * self.scv_of_draws * _gammas(stream, n, 1 / self.scv_of_draws)

    def __str__(self) -> str:
        return f"gamma({format_duration(self.mean_s)}, scv {format_number(self.scv_of_draws)})"


@dataclass(frozen=True, slots=True)
class Erlang(Distribution):
    """The sum of `stages` equal exponential stages, of this mean in seconds altogether."""

    mean_s: float
    stages: int

    def __post_init__(self) -> None:
        _check_duration(self.mean_s)
        if not 1 <= self.stages <= _MOST_STAGES:
            raise ScenarioError(f"{quoted(str(self))} needs at least 1 stage and at most {_MOST_STAGES}.")

    @property
    def mean(self) -> float:
        return self.mean_s

    @property
    def scv(self) -> float:
        return 1 / self.stages if self.mean_s else 0.0

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.mean_s / self.stages * _gammas(stream, n, self.stages)

    def __str__(self) -> str:
        return f"erlang({format_duration(self.mean_s)}, {self.stages})"


@dataclass(frozen=True, slots=True)
class Hyperexponential(Distribution):
    """One of two exponentials, each contributing half of the mean ("balanced means").

    The rarer, longer one has probability p = (1 − √((c − 1)/(c + 1)))/2 for a squared coefficient of
    variation c ≥ 1, and mean m/(2p): H. C. Tijms, A First Course in Stochastic Models (2003), appendix B.
    """

    mean_s: float
    scv_of_draws: float

    def __post_init__(self) -> None:
        _check_duration(self.mean_s)
        if not 1 <= self.scv_of_draws <= _MOST_SCV:
            raise ScenarioError(
                f"{quoted(str(self))} has an impossible scv; write one from 1 to 1000000, "
                f"or {quoted(f'gamma({format_duration(self.mean_s)}, scv 0.5)')} for less."
            )

    @property
    def rare(self) -> float:
        """The probability of the longer exponential; written so that no digits cancel."""
        c = self.scv_of_draws
        return 1 / ((c + 1) * (1 + math.sqrt((c - 1) / (c + 1))))

    @property
    def mean(self) -> float:
        return self.mean_s

    @property
    def scv(self) -> float:
        return self.scv_of_draws if self.mean_s else 0.0

    def transform(self, stream: Stream, n: int) -> Floats:
        rare = self.rare
        means = np.where(stream.uniforms(n) < rare, self.mean_s / (2 * rare), self.mean_s / (2 * (1 - rare)))
        return means * _exponentials(stream, n)

    def __str__(self) -> str:
        return f"hyperexp({format_duration(self.mean_s)}, scv {format_number(self.scv_of_draws)})"


@dataclass(frozen=True, slots=True)
class Pareto(Distribution):
    """At least `scale` seconds, and above x with probability (scale / x) ** shape."""

    scale: float
    shape: float

    def __post_init__(self) -> None:
        _check_duration(self.scale)
        if self.scale == 0:
            raise ScenarioError(f"{quoted(str(self))} has a scale of 0s; write a scale above it.")
        if not 0 < self.shape < math.inf:
            raise ScenarioError(
                f'{quoted(str(self))} has an impossible shape; write one above 0, such as "1.5".'
            )

    @property
    def mean(self) -> float:
        return self.scale / (1 - 1 / self.shape) if self.shape > 1 else math.inf

    @property
    def scv(self) -> float:
        return 1 / (self.shape * (self.shape - 2)) if self.shape > 2 else math.inf

    def transform(self, stream: Stream, n: int) -> Floats:
        return self.scale * np.exp(_exponentials(stream, n) / self.shape)

    def __str__(self) -> str:
        return f"pareto({format_duration(self.scale)}, {format_number(self.shape)})"


@dataclass(frozen=True, slots=True)
class Mix(Distribution):
    """A draw from one of several distributions, chosen with these weights, which add up to 1."""

    parts: tuple[tuple[float, Distribution], ...]

    def __post_init__(self) -> None:
        if any(weight <= 0 for weight, _ in self.parts):
            raise ScenarioError(f"{quoted(str(self))} has a weight of 0; leave that part out.")
        total = math.fsum(weight for weight, _ in self.parts)
        if not abs(total - 1) <= 1e-6:
            raise ScenarioError(
                f"{quoted(str(self))} has weights that add up to {format_number(total)}; "
                "make them add up to 1."
            )

    @property
    def mean(self) -> float:
        return math.fsum(weight * part.mean for weight, part in self.parts)

    @property
    def scv(self) -> float:
        mean = self.mean
        if mean == 0:
            return 0.0
        if math.isinf(mean):
            return math.inf
        return max(0.0, math.fsum(w * (p.mean / mean) ** 2 * (1 + p.scv) for w, p in self.parts) - 1)

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        return {file: numbers for _, part in self.parts for file, numbers in part.files.items()}

    def transform(self, stream: Stream, n: int) -> Floats:
        bounds = np.cumsum([weight for weight, _ in self.parts])[:-1]
        chosen = np.searchsorted(bounds, stream.uniforms(n), side="right")
        values = np.empty(n)
        for index, (_, part) in enumerate(self.parts):
            mine = chosen == index
            values[mine] = part.transform(stream, int(mine.sum()))
        return values

    def __str__(self) -> str:
        return f"mix({', '.join(f'{format_number(weight)}: {part}' for weight, part in self.parts)})"


@dataclass(frozen=True, slots=True)
class Empirical(Distribution):
    """A draw, with replacement, from the durations in a data file (seconds)."""

    file: str
    values: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for value in self.values:
            if not 0 <= value <= LONGEST_S:
                raise ScenarioError(
                    f"the data file {quoted(self.file)} holds {value!r}, which is not a duration; "
                    "write seconds of 0 or more."
                )

    @property
    def mean(self) -> float:
        return math.fsum(self.values) / len(self.values)

    @property
    def scv(self) -> float:
        mean = self.mean
        if mean == 0:
            return 0.0
        return math.fsum((value / mean - 1) ** 2 for value in self.values) / len(self.values)

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        return {self.file: self.values}

    def transform(self, stream: Stream, n: int) -> Floats:
        return np.array(self.values)[(stream.uniforms(n) * len(self.values)).astype(np.int64)]

    def __str__(self) -> str:
        return f"empirical({self.file})"


# -- text --------------------------------------------------------------------------------------------


def parse(text: str, folder: Path) -> Distribution:
    """The distribution that the text names; data files are looked up in `folder`.

    Raises:
        ScenarioError: not a distribution, or one that cannot be, such as a negative duration.

    """
    term = terms.split(text)
    if term is None:
        word = text.strip()
        if word in FORMS or word.isalpha():
            if word not in FORMS:
                raise unknown(word, "a distribution or a duration", FORMS)
            raise ScenarioError(f"{quoted(text)} lacks its arguments; write {quoted(FORMS[word][0])}.")
        return Constant(parse_duration(text))
    name, arguments = term
    if name not in FORMS:
        raise unknown(name, "a distribution", FORMS)
    example, count, make = FORMS[name]
    if len(arguments) != count and count is not None:
        raise ScenarioError(
            f"{quoted(text)} has {len(arguments)} arguments and {name} takes {count}; "
            f"write it like {quoted(example)}."
        )
    return make(arguments, folder)


def _lognormal(arguments: list[str], _folder: Path) -> Distribution:
    return Lognormal(parse_duration(arguments[0]), parse_duration(_named("p99", arguments[1], "p99 15ms")))


def _gamma(arguments: list[str], _folder: Path) -> Distribution:
    return Gamma(parse_duration(arguments[0]), parse_number(_named("scv", arguments[1], "scv 4")))


def _hyperexp(arguments: list[str], _folder: Path) -> Distribution:
    return Hyperexponential(parse_duration(arguments[0]), parse_number(_named("scv", arguments[1], "scv 4")))


def _erlang(arguments: list[str], _folder: Path) -> Distribution:
    if not arguments[1].isdecimal():
        raise ScenarioError(
            f'{quoted(arguments[1])} is not a number of stages; write a whole number, such as "4".'
        )
    return Erlang(parse_duration(arguments[0]), int(arguments[1][:9]))


def _mix(arguments: list[str], folder: Path) -> Distribution:
    parts = []
    for argument in arguments:
        weight, colon, part = argument.partition(":")
        if not colon:
            raise ScenarioError(f'{quoted(argument)} has no weight; write it like "0.5: exp(5ms)".')
        parts.append((parse_number(weight.strip()), parse(part.strip(), folder)))
    return Mix(tuple(parts))


def _named(word: str, argument: str, example: str) -> str:
    """The value of an argument that is written with its name in front."""
    found, _, value = argument.partition(" ")
    if found != word or not value:
        raise ScenarioError(
            f"{quoted(argument)} does not say {quoted(word)}; write it like {quoted(example)}."
        )
    return value.strip()


FORMS: dict[str, tuple[str, int | None, Callable[[list[str], Path], Distribution]]] = {
    "exp": ("exp(10ms)", 1, lambda a, _: Exponential(parse_duration(a[0]))),
    "uniform": ("uniform(1ms, 5ms)", 2, lambda a, _: Uniform(parse_duration(a[0]), parse_duration(a[1]))),
    "lognormal": ("lognormal(3ms, p99 15ms)", 2, _lognormal),
    "gamma": ("gamma(10ms, scv 4)", 2, _gamma),
    "erlang": ("erlang(10ms, 4)", 2, _erlang),
    "hyperexp": ("hyperexp(10ms, scv 4)", 2, _hyperexp),
    "pareto": ("pareto(1ms, 1.5)", 2, lambda a, _: Pareto(parse_duration(a[0]), parse_number(a[1]))),
    "mix": ("mix(0.5: 1ms, 0.5: exp(5ms))", None, _mix),
    "empirical": ("empirical(file.csv)", 1, lambda a, folder: Empirical(a[0], read_numbers(a[0], folder))),
}
"""Each form by its name: an example, how many arguments it takes (None: any), and what makes it."""


def _check_duration(seconds: float) -> None:
    if not 0 <= seconds <= LONGEST_S:
        raise ScenarioError(
            f"{quoted(format_duration(seconds))} is not a possible duration here; "
            f"write one from 0s to {format_duration(LONGEST_S)}."
        )


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


# -- draws of standard distributions ------------------------------------------------------------------


def _exponentials(stream: Stream, n: int) -> Floats:
    """As many exponentials of mean 1, by inversion."""
    result: Floats = -np.log1p(-stream.uniforms(n))
    return result


def _normals(stream: Stream, n: int) -> Floats:
    """As many standard normals, in pairs from pairs of uniforms.

    G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates,
    Annals of Mathematical Statistics 29 (1958).
    """
    pairs = (n + 1) // 2
    radius = np.sqrt(-2 * np.log1p(-stream.uniforms(pairs)))
    angle = 2 * np.pi * stream.uniforms(pairs)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:n]


def _gammas(stream: Stream, n: int, shape: float) -> Floats:
    """As many gamma variates of this shape and scale 1, by rejection; below shape 1 also by U^(1/shape).

    G. Marsaglia, W. W. Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000).
    """
    d = (shape if shape >= 1 else shape + 1) - 1 / 3
    c = 1 / math.sqrt(9 * d)
    values = np.empty(n)
    filled = 0
    while filled < n:
        x = _normals(stream, n - filled)
        log_u = np.log1p(-stream.uniforms(n - filled))
        v = 1 + c * x
        v = v * v * v
        positive = v > 0
        log_v = np.log(np.where(positive, v, 1.0))
        accepted = v[positive & (log_u < 0.5 * x * x + d * (1 - v + log_v))]
        values[filled : filled + len(accepted)] = d * accepted
        filled += len(accepted)
    if shape < 1:
        values *= np.exp(np.log1p(-stream.uniforms(n)) / shape)
    return values
