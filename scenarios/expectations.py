"""What a scenario claims: a measure with a limit (`lag.p99{summary} < 2s`), or a checker (`no lost`).

>>> parse("lag.p99{summary} < 2s")
Expectation(measure='lag', part='summary', op='<', value=2.0, statistic='p99', argument=None)
>>> parse("converged within 20s")
Checker(name='converged', within=20.0)
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scenarios import names
from scenarios.errors import ScenarioError, listed, quoted, unknown
from scenarios.values import format_duration, format_number, parse_duration, parse_number

Unit = Literal["duration", "count", "share"]
Parts = Literal["projection", "read", "load", "endpoint"]

STATISTICS = ("mean", "p50", "p95", "p99", "p999", "max")

ENDPOINTS: Mapping[str, str] = {
    "POST /orders": "orders",
    "GET /customer/{id}/orders": "history",
    "GET /inventory/products/{id}": "stock",
    "GET /products": "browse",
    "GET /products/{id}": "browse",
}
"""The kind of load that asks at each HTTP endpoint."""

PARTS: Mapping[Parts, tuple[str, ...]] = {
    "projection": names.CONSUMERS,
    "read": ("history", "own", "stock", "browse"),
    "load": names.LOADS,
    "endpoint": (*names.LOADS, "own", *ENDPOINTS),
}
"""What may stand in the braces of a measure."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a measure is written with: its unit, what its braces name (None: no braces), its statistics.

    `only` are the names that its braces may hold, if not all of their kind.
    """

    unit: Unit
    parts: Parts | None
    statistics: tuple[str, ...] = ()
    argument: bool = False  # a duration in parentheses
    only: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What may stand in its braces; nothing if it has none."""
        return self.only or (PARTS[self.parts] if self.parts is not None else ())


MEASURES: Mapping[str, Measure] = {
    "lag": Measure("duration", "projection", STATISTICS),
    "backlog": Measure("count", "projection", ("mean", "max")),
    "time_behind": Measure("duration", "projection", ("mean", "max")),
    "age_of_information": Measure("duration", "projection", ("mean", "max")),
    "visible_within": Measure("share", "projection", argument=True),
    "recovery": Measure("duration", "projection"),
    "stale_reads": Measure("share", "read"),
    "read_your_writes": Measure("share", None),
    "monotonic_reads": Measure("share", None),
    "success": Measure("share", "load"),
    "latency": Measure("duration", "endpoint", STATISTICS),
    "oversold": Measure("count", None),
    "dead_letters": Measure("count", None),
    # Of all read models only the summary can be told from what the command side knows.
    "gaps": Measure(
        "count",
        "projection",
        ("missing", "extra", "doubled", "wrong", "pending", "parked"),
        only=("summary",),
    ),
}

CHECKERS = (
    "no lost",
    "no phantom",
    "no doubled",
    "no reordered",
    "join right",
    "stock conserved",
    "converged",
    "in bounds",
    "faults fired",
)

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_CLAIM = re.compile(
    r"(?P<measure>\w+)(?:\.(?P<statistic>\w+))?\s*(?:\((?P<argument>[^(){}]*)\))?\s*(?:\{(?P<part>.*)\})?\s*"
    r"(?P<op>[<>=!]+)\s*(?P<value>[^<>=!{}]*)"
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A measure and the limit that it must keep; `value` and `argument` are seconds where they are times."""

    measure: str
    part: str | None
    op: str
    value: float
    statistic: str | None = None
    argument: float | None = None

    @property
    def subject(self) -> str:
        """What is measured, as it is written: `lag.p99{summary}`."""
        statistic = f".{self.statistic}" if self.statistic else ""
        argument = f"({format_duration(self.argument)})" if self.argument is not None else ""
        part = f"{{{self.part}}}" if self.part is not None else ""
        return f"{self.measure}{statistic}{argument}{part}"

    @property
    def text(self) -> str:
        """The expectation as it is written; `parse` gives back an equal one."""
        unit = MEASURES[self.measure].unit
        limit = format_duration(self.value) if unit == "duration" else format_number(self.value)
        return f"{self.subject} {self.op} {limit}"

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps the limit; NaN keeps none."""
        return OPERATORS[self.op](value, self.value)


@dataclass(frozen=True, slots=True)
class Checker:
    """A question with the answer yes or no; `within` (s) bounds the time that `converged` may take."""

    name: str
    within: float | None = None

    @property
    def text(self) -> str:
        """The checker as it is written; `parse` gives back an equal one."""
        return self.name if self.within is None else f"{self.name} within {format_duration(self.within)}"


def parse(text: str) -> Expectation | Checker:
    """The expectation or the checker that the text names.

    Raises:
        ScenarioError: no such measure, statistic, part, unit or checker.

    """
    body = " ".join(text.split())
    if not re.search(r"[<>=]", body) and re.split(r"\W", body, maxsplit=1)[0] not in MEASURES:
        return _checker(body)
    return parse_measured(text, MEASURES)


def parse_measured(text: str, measures: Mapping[str, Measure]) -> Expectation:
    """The expectation that the text names, of these measures; each has the unit that it has in `MEASURES`.

    Raises:
        ScenarioError: no such measure, statistic, part or unit.

    """
    body = " ".join(text.split())
    match = _CLAIM.fullmatch(body)
    if match is None:
        raise ScenarioError(f'{quoted(text)} is not an expectation; write it like "lag.p99{{summary}} < 2s".')
    name, op = match["measure"], match["op"]
    if name not in measures:
        raise unknown(name, "a measure", measures)
    if op not in OPERATORS:
        raise unknown(op, "a comparison", OPERATORS)
    claim = _Claim(text, name, measures[name], match)
    return Expectation(
        measure=name,
        part=_part(claim),
        op=op,
        value=_limit(claim),
        statistic=_statistic(claim),
        argument=_argument(claim),
    )


class _Claim(NamedTuple):
    """A text that names a measure, and the pieces of it."""

    text: str
    name: str
    measure: Measure
    pieces: re.Match[str]

    def cured(self, **instead: str | None) -> str:
        """The text as it should be, in quotes: these pieces instead, and what else it lacks."""
        measure = self.measure
        pieces = self.pieces.groupdict() | instead
        statistic = pieces["statistic"] or measure.statistics[-1] if measure.statistics else None
        argument = pieces["argument"] or "2s" if measure.argument else None
        part = pieces["part"] or measure.names[0] if measure.parts else None
        limit = pieces["value"].strip() or _EXAMPLES[measure.unit]
        return quoted(
            self.name
            + (f".{statistic}" if statistic else "")
            + (f"({argument})" if argument else "")
            + (f"{{{part}}}" if part else "")
            + f" {pieces['op']} {limit}"
        )


def _checker(body: str) -> Checker:
    name, _, within = body.partition(" within ")
    if name not in CHECKERS:
        raise unknown(name, "a checker, and has no limit as a measure would", CHECKERS)
    if not within:
        return Checker(name)
    if name != "converged":
        raise ScenarioError(f"{quoted(body)}: {name} takes no time; write {quoted(name)}.")
    return Checker(name, parse_duration(within))


def _part(claim: _Claim) -> str | None:
    text, name, measure, part = claim.text, claim.name, claim.measure, claim.pieces["part"]
    if measure.parts is None:
        if part is not None:
            raise ScenarioError(f"{quoted(text)}: {name} has no parts; write {claim.cured()}.")
        return None
    valid = measure.names
    if part is None:
        raise ScenarioError(
            f"{quoted(text)} does not say of what; write {claim.cured()} (or another of {listed(valid)})."
        )
    if part.strip() not in valid:
        raise unknown(part.strip(), f"a part of {name}", valid)
    return part.strip()


def _statistic(claim: _Claim) -> str | None:
    text, name, measure, statistic = claim.text, claim.name, claim.measure, claim.pieces["statistic"]
    if not measure.statistics:
        if statistic is not None:
            raise ScenarioError(f"{quoted(text)}: {name} has no statistics; write {claim.cured()}.")
        return None
    if statistic is None:
        raise ScenarioError(
            f"{quoted(text)} does not say which value; write {claim.cured()} "
            f"(or another of {listed(measure.statistics)})."
        )
    if statistic not in measure.statistics:
        raise unknown(statistic, f"a statistic of {name}", measure.statistics)
    return statistic


def _argument(claim: _Claim) -> float | None:
    text, name, argument = claim.text, claim.name, claim.pieces["argument"]
    if not claim.measure.argument:
        if argument is not None:
            raise ScenarioError(f"{quoted(text)}: {name} takes no argument; write {claim.cured()}.")
        return None
    if argument is None:
        raise ScenarioError(f"{quoted(text)} does not say within which time; write {claim.cured()}.")
    return parse_duration(argument)


def _limit(claim: _Claim) -> float:
    text, name, unit, value = claim.text, claim.name, claim.measure.unit, claim.pieces["value"].strip()
    if not value:
        raise ScenarioError(f"{quoted(text)} has no limit; write it like {claim.cured()}.")
    if unit == "duration":
        return parse_duration(value)
    try:
        number = parse_number(value)
    except ScenarioError:
        raise ScenarioError(
            f"{quoted(text)}: {name} is a {unit} and {quoted(value)} is not; "
            f"write a plain number, such as {claim.cured(value=_EXAMPLES[unit])}."
        ) from None
    if unit == "share" and number > 1:
        raise ScenarioError(
            f'{quoted(text)}: {name} is a share, at most 1; write a number such as "0.01" for 1 %.'
        )
    return number


_EXAMPLES: Mapping[Unit, str] = {"duration": "2s", "count": "5000", "share": "0.01"}
"""A limit in each unit."""
