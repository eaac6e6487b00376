"""A scenario: the whole description of one experiment, as frozen data in seconds and events per second.

`scenarios.file` reads and writes it; every field has the default of the scenario format.

>>> Scenario(name="quiet").phases
Phases(warm=30.0, run=300.0, settle=60.0)
>>> from scenarios.randomness import Streams
>>> Fault(kind="pause", on="summary", at=10.0, for_=5.0).occurrences(Streams(1).stream("fault"), 12.0)
[(10.0, 12.0)]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from actors.policy import Policy
from scenarios import faultkinds
from scenarios.arrivals import Arrivals, Nothing
from scenarios.distributions import Distribution
from scenarios.errors import ScenarioError
from scenarios.expectations import Checker, Expectation
from scenarios.population import Popularity, Population, Span, Uniform, Zipf
from scenarios.randomness import Stream

__all__ = [
    "Expect",
    "Fault",
    "Load",
    "Phases",
    "Popularity",
    "Population",
    "Scenario",
    "Span",
    "Uniform",
    "Verdict",
    "When",
    "Zipf",
]

Verdict = Literal["pass", "fail", "unknown"]
When = Literal["warm", "run", "settle", "always"]
LinkOrder = Literal["fifo", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """How long (s) the phases last: `warm` ends and `run` begins at instant 0."""

    warm: float = 30.0
    run: float = 300.0
    settle: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What clients ask, kind by kind; `own_read` is the think time before a customer reads back an order."""

    orders: Arrivals = field(default_factory=Nothing)
    checkouts: Arrivals = field(default_factory=Nothing)
    history: Arrivals = field(default_factory=Nothing)
    stock: Arrivals = field(default_factory=Nothing)
    browse: Arrivals = field(default_factory=Nothing)
    restock: Arrivals = field(default_factory=Nothing)
    catalogue: Arrivals = field(default_factory=Nothing)
    own_read: Distribution | Nothing = field(default_factory=Nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a kind in `scenarios.faultkinds` on the parts that `on` names.

    It begins `at` s after the start of the run phase and lasts `for_` s, or as `length` draws, or until the
    end of the run phase. With `every` it comes again, that long after each end; then, if `at` is left out,
    the first comes one draw of `every` after the start. `by` is in seconds, a factor or a distribution and
    `to` a count or a rate per second, as the kind says; fields that do not apply are None.

    One that is not `enabled` never occurs. It keeps its place among the faults, so that the random streams of
    the others, which are named by their places, stay what they were.
    """

    kind: str
    on: str
    at: float | None = None
    for_: float | None = None
    every: Distribution | None = None
    length: Distribution | None = None
    p: float | None = None
    first: int | None = None
    nth: int | None = None
    where: Mapping[str, str | int | float | bool] | None = None
    by: float | Distribution | None = None
    to: int | float | None = None
    form: str | None = None
    set: Mapping[str, str | int | float | bool] | None = None
    most: int | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        if self.for_ is not None and self.length is not None:
            raise ScenarioError(
                "a fault has a fixed length or a random one; give `for_` or `length`, not both."
            )
        if self.every is None and self.at is None:
            object.__setattr__(self, "at", 0.0)
        if self.every is not None and self.for_ is None and self.length is None:
            raise ScenarioError('a fault that comes again needs a length; write for = "10s" beside every.')

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the parts that the fault acts on."""
        return faultkinds.targets(self.kind, self.on)

    def occurrences(self, stream: Stream, run_end: float) -> list[tuple[float, float]]:
        """When it begins and ends (s), in order, all in [0, run_end]; the stream decides what is random."""
        if not self.enabled:
            return []
        again = None if self.every is None else self.every.sampler(stream)
        length = None if self.length is None else self.length.sampler(stream)
        if self.at is not None:
            start = self.at
        else:
            assert again is not None, "without `every`, `at` has its default"
            start = again()
        found = []
        while start < run_end:
            if length is not None:
                end = start + length()
            else:
                end = run_end if self.for_ is None else start + self.for_
            found.append((start, min(end, run_end)))
            if again is None:
                break
            start = end + again()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What should hold in a phase (`always`: in every one)."""

    when: When = "run"
    that: tuple[Expectation | Checker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One experiment. `time` and `link` hold what takes time, by name; anything not named takes none.

    `preset` is the name of a whole set of policies, if the file uses one.
    """

    name: str
    question: str = ""
    seed: int = 1
    expected_verdict: Verdict = "pass"
    phases: Phases = field(default_factory=Phases)
    population: Population = field(default_factory=Population)
    load: Load = field(default_factory=Load)
    preset: str | None = None
    policy: Policy = field(default_factory=Policy)
    time: Mapping[str, Distribution] = field(default_factory=dict)
    link: Mapping[str, Distribution] = field(default_factory=dict)
    link_order: LinkOrder = "fifo"
    faults: tuple[Fault, ...] = ()
    expect: tuple[Expect, ...] = ()
