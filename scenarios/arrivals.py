# ruff: noqa: D102  # what an override promises stands in its base class
"""When the requests of a load arrive: open forms at instants of their own, closed ones by users who wait.

`parse` reads the scenario file's text and `str` gives text that reads back as an equal object. Instants are
seconds, 0 being the start of the `run` phase; random ones lie on the grid of
`scenarios.randomness.quantise`.

>>> from scenarios.randomness import Streams
>>> load = parse("every(500ms)", Path())
>>> list(load.instants(Streams(1).stream("orders"), start=0.0, end=2.0, run=(0.0, 2.0)))
[0.0, 0.5, 1.0, 1.5]
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scenarios import distributions, terms
from scenarios.data import read_numbers
from scenarios.distributions import Distribution, Exponential
from scenarios.errors import ScenarioError, quoted, unknown
from scenarios.randomness import Floats, Stream, block_sizes, quantise
from scenarios.values import format_duration, format_rate, parse_duration, parse_rate

SHORTEST_PERIOD_S = 1e-9
"""Arrivals closer together than this on average would be without end at one instant."""

MOST_PER_S = 1e9
MOST_USERS = 1_000_000


class Arrivals:
    """How the requests of one load arrive."""

    __slots__ = ()

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        """The data files that the text refers to, and their numbers."""
        return {}


class Open(Arrivals, ABC):
    """Arrivals that do not wait for answers."""

    __slots__ = ()

    def instants(self, stream: Stream, start: float, end: float, run: tuple[float, float]) -> Iterator[float]:
        """The instants in [start, end), ascending; `run` is the start and the end of the `run` phase.

        A later end adds instants and leaves the others as they were.
        """
        for block in self.blocks(stream, start, run):
            inside = block[: np.searchsorted(block, end, side="left")]
            yield from inside.tolist()
            if len(inside) < len(block):
                return

    @abstractmethod
    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:
        """The instants from `start` on, ascending, block by block."""

    def quickened(self, times: float) -> "Open":
        """Arrivals of the same kind, `times` as many a second at each instant; `times` is above 0."""
        return Quickened(self, times)


@dataclass(frozen=True, slots=True)
class Poisson(Open):
    """Independent arrivals at a constant rate per second."""

    rate: float

    def __post_init__(self) -> None:
        _check_rate(self.rate, self)

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:
        return Renewal(Exponential(1 / self.rate)).blocks(stream, start, run)

    def __str__(self) -> str:
        return f"poisson({format_rate(self.rate)})"


@dataclass(frozen=True, slots=True)
class Every(Open):
    """A metronome: the first arrival at the start, the others `period` seconds apart."""

    period: float

    def __post_init__(self) -> None:
        _check_period(self.period, self)
        if self.period > distributions.LONGEST_S:
            raise ScenarioError(
                f'{quoted(str(self))} never comes; write a shorter period, or "none" for no load.'
            )

    def quickened(self, times: float) -> Open:
        return Every(self.period / times)

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:  # noqa: ARG002
        first = 0
        for size in block_sizes():
            yield start + np.arange(first, first + size, dtype=np.float64) * self.period
            first += size

    def __str__(self) -> str:
        return f"every({format_duration(self.period)})"


@dataclass(frozen=True, slots=True)
class Renewal(Open):
    """Arrivals with independent intervals; the first one interval after the start."""

    interval: Distribution

    def __post_init__(self) -> None:
        _check_period(self.interval.mean, self)

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        return self.interval.files

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:  # noqa: ARG002
        last = quantise(start)
        for intervals in self.interval.blocks(stream):
            block = last + np.cumsum(intervals)
            yield block
            last = float(block[-1])

    def __str__(self) -> str:
        return f"renewal({self.interval})"


@dataclass(frozen=True, slots=True)
class Ramp(Open):
    """Poisson arrivals whose rate per second goes from `first` to `last`, linearly over the run phase.

    Before the run phase the rate is `first`, after it `last`. The expected number of arrivals since the
    start of the run phase is inverted at the points of a Poisson process of rate 1.
    """

    first: float
    last: float

    def __post_init__(self) -> None:
        _check_rate(max(self.first, self.last), self)

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:
        origin, length = run[0], run[1] - run[0]
        latest = start
        reached = self._expected(start - origin, length)
        for gaps in Exponential(1.0).blocks(stream):
            expected = reached + np.cumsum(gaps)
            reached = float(expected[-1])
            with np.errstate(
                divide="ignore", invalid="ignore", over="ignore"
            ):  # a rate may be next to nothing
                block = quantise(origin + self._when(expected, length))
            block[0] = max(block[0], latest)
            block = np.maximum.accumulate(block)  # rounding must not turn two neighbours round
            latest = float(block[-1])
            yield block

    def _expected(self, t: float, length: float) -> float:
        """Arrivals expected between the start of the run phase and t seconds after it."""
        if t < 0:
            return self.first * t
        inside = min(t, length)
        slope = (self.last - self.first) / length
        return self.first * inside + slope * inside**2 / 2 + self.last * (t - inside)

    def _when(self, expected: Floats, length: float) -> Floats:
        """Seconds after the start of the run phase at which so many arrivals are expected; maybe infinity."""
        total = (self.first + self.last) / 2 * length
        slope = (self.last - self.first) / length
        inside = np.clip(expected, 0, total)
        root = np.sqrt(np.maximum(self.first**2 + 2 * slope * inside, 0))
        before = np.where(expected < 0, expected / self.first, 0.0)
        during = np.where(inside > 0, 2 * inside / (self.first + root), 0.0)
        after = np.where(expected > total, (expected - total) / self.last, 0.0)
        return np.where(expected > total, length + after, before + during)

    def __str__(self) -> str:
        return f"ramp({format_rate(self.first)}, {format_rate(self.last)})"


@dataclass(frozen=True, slots=True)
class Trace(Open):
    """Arrivals at the instants in a data file, in seconds from the start of the run phase, ascending."""

    file: str
    at: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for earlier, later in zip(self.at, self.at[1:], strict=False):
            if later < earlier:
                raise ScenarioError(
                    f"the data file {quoted(self.file)} has {later!r} after {earlier!r}; "
                    "write its instants in ascending order."
                )

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        return {self.file: self.at}

    def quickened(self, times: float) -> Open:
        return Thickened(self, times)

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:  # noqa: ARG002
        instants = run[0] + np.array(self.at)
        yield instants[np.searchsorted(instants, start, side="left") :]

    def __str__(self) -> str:
        return f"trace({self.file})"


@dataclass(frozen=True, slots=True)
class Quickened(Open):
    """Arrivals whose own time runs `times` as fast: what comes at u in it comes u / `times` after the start.

    Their run phase is stretched with them, so that a ramp is at each instant where it should be. Poisson
    arrivals stay Poisson.
    """

    load: Open
    times: float

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:
        own_run = ((run[0] - start) * self.times, (run[1] - start) * self.times)
        for block in self.load.blocks(stream, 0.0, own_run):
            yield np.maximum(quantise(start + block / self.times), start)


@dataclass(frozen=True, slots=True)
class Thickened(Open):
    """For each arrival of a trace `times` arrivals, anywhere between it and the next one.

    A trace cannot be quickened as others are: it would be over before its time. If `times` is no whole
    number, what is left of it is the probability of one arrival more.
    """

    trace: Trace
    times: float

    def blocks(self, stream: Stream, start: float, run: tuple[float, float]) -> Iterator[Floats]:
        for instants in self.trace.blocks(stream, start, run):
            gaps = np.diff(instants, append=instants[-1:])
            whole = int(self.times)
            counts = whole + (stream.uniforms(len(instants)) < self.times - whole)
            offsets = np.repeat(gaps, counts) * stream.uniforms(int(counts.sum()))
            yield np.sort(np.repeat(instants, counts) + quantise(offsets))


@dataclass(frozen=True, slots=True)
class Closed(Arrivals):
    """So many users, each of whom waits for the answer and then thinks before the next request."""

    users: int
    think: Distribution

    def __post_init__(self) -> None:
        if not 1 <= self.users <= MOST_USERS:
            raise ScenarioError(
                f'{quoted(str(self))} needs from 1 to {MOST_USERS} users; write "none" for no load at all.'
            )

    @property
    def files(self) -> Mapping[str, tuple[float, ...]]:
        return self.think.files

    def __str__(self) -> str:
        return f"closed({self.users}, {self.think})"


@dataclass(frozen=True, slots=True)
class Nothing(Arrivals):
    """No arrivals at all."""

    def __str__(self) -> str:
        return "none"


# -- text --------------------------------------------------------------------------------------------


def parse(text: str, folder: Path) -> Arrivals:
    """The arrivals that the text names; data files are looked up in `folder`.

    Raises:
        ScenarioError: not a form of arrivals, or one that cannot be, such as a rate of zero.

    """
    term = terms.split(text)
    if term is None:
        word = text.strip()
        if word == "none":
            return Nothing()
        if "/" in word:
            raise ScenarioError(
                f"{quoted(text)} does not say how requests arrive; write {quoted(f'poisson({word})')}."
            )
        if word in FORMS:
            raise ScenarioError(f"{quoted(text)} lacks its arguments; write {quoted(FORMS[word][0])}.")
        raise unknown(word, "a form of arrivals", [*FORMS, "none"])
    name, arguments = term
    if name not in FORMS:
        raise unknown(name, "a form of arrivals", [*FORMS, "none"])
    example, count, make = FORMS[name]
    if len(arguments) != count:
        raise ScenarioError(
            f"{quoted(text)} has {len(arguments)} arguments and {name} takes {count}; "
            f"write it like {quoted(example)}."
        )
    return make(arguments, folder)


def _closed(arguments: list[str], folder: Path) -> Arrivals:
    if not arguments[0].isdecimal():
        raise ScenarioError(
            f'{quoted(arguments[0])} is not a number of users; write it like "closed(100, exp(1s))".'
        )
    return Closed(int(arguments[0][:9]), distributions.parse(arguments[1], folder))


FORMS: dict[str, tuple[str, int, Callable[[list[str], Path], Arrivals]]] = {
    "poisson": ("poisson(20/s)", 1, lambda a, _: Poisson(parse_rate(a[0]))),
    "every": ("every(50ms)", 1, lambda a, _: Every(parse_duration(a[0]))),
    "renewal": ("renewal(gamma(50ms, scv 4))", 1, lambda a, f: Renewal(distributions.parse(a[0], f))),
    "ramp": ("ramp(5/s, 50/s)", 2, lambda a, _: Ramp(parse_rate(a[0]), parse_rate(a[1]))),
    "closed": ("closed(100, exp(1s))", 2, _closed),
    "trace": ("trace(file.csv)", 1, lambda a, f: Trace(a[0], read_numbers(a[0], f))),
}
"""Each form by its name: an example, how many arguments it takes, and what makes it."""


def _check_rate(rate: float, arrivals: Arrivals) -> None:
    if rate == 0:
        raise ScenarioError(f'{quoted(str(arrivals))} has a rate of zero; write "none" for no load.')
    if not 1 / distributions.LONGEST_S <= rate <= MOST_PER_S:
        raise ScenarioError(
            f'{quoted(str(arrivals))} has an impossible rate; write one of at most 1000000000/s, or "none".'
        )


def _check_period(period: float, arrivals: Arrivals) -> None:
    if not period >= SHORTEST_PERIOD_S:
        raise ScenarioError(
            f"{quoted(str(arrivals))} would be arrivals without end at one instant; "
            'write a period of at least 1ns, such as "50ms", or "none" for no load.'
        )
