"""What can be told from the answer of an HTTP API: values in it, and whether it shows a write.

A `Spot` is written `json:$.orderId`, `header:Location` or `body`. A path into JSON begins with `$` and goes
on with `.name`, `["any name"]`, `[0]`, `[-1]` or `[*]` (each element).

>>> answer = Answer(200, {"Position": "orders=17"}, b'[{"orderId": 3}, {"orderId": 4}]')
>>> parse_spot("json:$[*].orderId").values(answer)
[3, 4]
>>> Visible(spot=parse_spot("json:$[*].orderId"), test="equals", value=4).shown_by(answer)
True
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from scenarios.errors import ScenarioError, quoted, unknown
from scenarios.template import plain

Source = Literal["json", "header", "body"]
Test = Literal["exists", "equals", "contains", "at_least"]

_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(-?\d{1,9})\]|\[(\*)\]|\["([^"\]]+)"\]')
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Answer(NamedTuple):
    """The answer to a request; the names of the headers in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in an answer: `steps` lead into its JSON (None: each element), `name` is that of a header."""

    text: str
    source: Source
    name: str = ""
    steps: tuple[str | int | None, ...] = ()

    def values(self, answer: Answer) -> list[Any]:
        """The values that are there, in their order; none if there is nothing."""
        if self.source == "header":
            value = answer.headers.get(self.name)
            return [] if value is None else [value]
        if self.source == "body":
            return [answer.body.decode("utf-8", "replace")]
        found = _json(answer.body)
        for step in self.steps:
            found = [inner for value in found for inner in _taken(value, step)]
        return found


def _json(body: bytes) -> list[Any]:
    """What the body holds, if it is JSON; nothing if it is not."""
    try:
        return [json.loads(body)]
    except (ValueError, RecursionError):
        return []


def _taken(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    if step is None:
        return value
    return [value[step]] if -len(value) <= step < len(value) else []


def parse_spot(text: str) -> Spot:
    """The spot that the text names.

    Raises:
        ScenarioError: it names none.

    """
    source, colon, rest = text.partition(":")
    if source == "body" and not colon:
        return Spot(text, "body")
    if source == "header" and _HEADER.fullmatch(rest):
        return Spot(text, "header", name=rest)
    if source == "json" and rest.startswith("$"):
        return Spot(text, "json", steps=_steps(text, rest[1:]))
    cures = {"json": "json:$.orderId", "header": "header:Location", "body": "body"}
    if source in cures:
        raise ScenarioError(f"{quoted(text)} is no spot in an answer; write it like {quoted(cures[source])}.")
    raise unknown(text, "a spot in an answer", cures.values())


def _steps(text: str, path: str) -> tuple[str | int | None, ...]:
    steps: list[str | int | None] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ScenarioError(
                f"{quoted(text)} cannot be followed from {quoted(path[at:])} on; "
                'write .name, ["any name"], [0], [-1] or [*] there.'
            )
        name, index, _, other = found.groups()
        steps.append(name or other or (int(index) if index else None))
        at = found.end()
    return tuple(steps)


# -- visible or not ------------------------------------------------------------------------------------


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _equals(found: Any, value: Any) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return plain(found) == plain(value)  # for Python, true is 1
    return bool(found == value) or plain(found) == plain(value)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return any(_equals(one, value) for one in found)
    return isinstance(found, str) and plain(value) in found


def _at_least(found: Any, value: Any) -> bool:
    one, other = _number(found), _number(value)
    return one is not None and other is not None and one >= other


TESTS: Mapping[Test, Callable[[Any, Any], bool]] = {
    "exists": lambda _found, _value: True,
    "equals": _equals,
    "contains": _contains,
    "at_least": _at_least,
}
"""What may be asked of a value that was found, beside the value that is expected."""


@dataclass(frozen=True, slots=True)
class Visible:
    """How to tell from an answer that it shows a write: its status, and what one value in a spot must be.

    Without a spot the status alone decides.
    """

    status: tuple[int, ...] = (200,)
    spot: Spot | None = None
    test: Test = "exists"
    value: Any = None

    def can_read(self, answer: Answer) -> bool:
        """Whether the answer is one that can tell: its status is right, and it is JSON where it has to be."""
        is_json = self.spot is not None and self.spot.source == "json"
        return answer.status in self.status and (not is_json or bool(_json(answer.body)))

    def shown_by(self, answer: Answer) -> bool:
        """Whether the answer shows it."""
        if answer.status not in self.status:
            return False
        return self.spot is None or any(
            TESTS[self.test](found, self.value) for found in self.spot.values(answer)
        )
