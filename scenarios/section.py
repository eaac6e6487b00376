"""A table of a scenario file while it is read: it hands out checked values and knows where they stand.

Every error starts with the file, the full key and the value.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from scenarios.errors import ScenarioError, nearest, quoted, unknown
from scenarios.values import parse_duration

T = TypeVar("T")
U = TypeVar("U")

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_SHOWN = 120


def toml(value: Any) -> str:
    """A value as TOML: text, numbers, lists and (inline) tables.

    >>> print(toml({"first": "50ms", "attempts": 0, "a->b": [True]}))
    { first = "50ms", attempts = 0, "a->b" = [true] }
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{toml_key(key)} = {toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    return str(value)


def toml_key(key: str) -> str:
    """A key as TOML, in quotes where it needs them."""
    return key if BARE_KEY.fullmatch(key) else toml(key)


def document(sections: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """A TOML file of tables, each with its header (empty for the top level); None is left out.

    >>> print(document([("", {"name": "quiet"}), ("[phases]", {"run": "5m", "warm": None})]), end="")
    name = "quiet"
    <BLANKLINE>
    [phases]
    run = "5m"
    """
    blocks = []
    for header, table in sections:
        lines = [f"{toml_key(key)} = {toml(value)}" for key, value in table.items() if value is not None]
        blocks.append("\n".join([header, *lines] if header else lines) + "\n")
    return "\n".join(blocks)


class Section:
    """One table: `name` is its full key (empty for the whole file), `valid` the keys that it may hold."""

    def __init__(self, source: str, name: str, table: Any, valid: Iterable[str]) -> None:
        self.source = source
        self.name = name
        words = list(valid)
        if not isinstance(table, dict):
            raise ScenarioError(
                f"{source}: {name} = {_shown(table)}: {_kind(table)} stands where a table should; "
                f"write [{name}] and its keys below it."
            )
        self.table: dict[str, Any] = table
        for key, value in table.items():
            if key not in words:
                near = nearest(key, words)
                raise ScenarioError(
                    f"{source}: {self.key(key)} = {_shown(value)}: {quoted(key)} is not a key "
                    f"{f'of [{name}]' if name else 'of a scenario'}; the nearest is {quoted(near)}. "
                    f"Write one of {', '.join(words)}."
                )

    def key(self, key: str) -> str:
        """The full key, as `--set` takes it."""
        return f"{self.name}.{key}" if self.name else key

    def fail(self, key: str, problem: str) -> ScenarioError:
        """The error for a value of this table: what is wrong, and the cure."""
        value = f" = {_shown(self.table[key])}" if key in self.table else ""
        return ScenarioError(f"{self.source}: {self.key(key)}{value}: {problem}")

    def missing(self, key: str, example: str) -> ScenarioError:
        """The error for a key that must be there."""
        return ScenarioError(f"{self.source}: {self.key(key)}: is missing; write {key} = {example}.")

    def section(self, key: str, valid: Iterable[str]) -> "Section":
        """A table in this one; empty if it is left out."""
        return Section(self.source, self.key(key), self.table.get(key, {}), valid)

    def rows(self, key: str, valid: Iterable[str]) -> "list[Section]":
        """The tables of a list of tables in this one; none if it is left out."""
        rows = self.table.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.fail(
                key, f"is not a list of tables; write [[{key}]] and its keys below it, once for each {key}."
            )
        words = list(valid)
        return [Section(self.source, f"{self.key(key)}.{at}", row, words) for at, row in enumerate(rows)]

    def read(self, key: str, default: T, convert: Callable[[Any], U]) -> T | U:
        """The converted value, or the default if the key is left out."""
        if key not in self.table:
            return default
        try:
            return convert(self.table[key])
        except ScenarioError as error:
            raise self.fail(key, str(error)) from None

    def text(self, key: str, default: T, parse: Callable[[str], U], example: str) -> T | U:
        """What `parse` makes of a text."""
        return self.read(key, default, lambda value: parse(as_text(value, example)))

    def word(self, key: str, default: str, words: Iterable[str]) -> Any:
        """One of the words."""
        valid = list(words)

        def choose(text: str) -> str:
            if text not in valid:
                raise unknown(text, f"a value of {key}", valid)
            return text

        return self.text(key, default, choose, valid[0])

    def duration(
        self, key: str, default: T, *, negative: bool = False, above_zero: bool = False
    ) -> T | float:
        """Seconds."""

        def convert(value: Any) -> float:
            seconds = as_duration(value, negative=negative)
            if above_zero and seconds == 0:
                raise ScenarioError('must be above 0s; write a duration such as "100ms".')
            return seconds

        return self.read(key, default, convert)

    def whole(self, key: str, default: T, least: int, most: int | None = None) -> T | int:
        """A whole number within bounds."""
        return self.read(key, default, lambda value: as_whole(value, least, most))

    def number(self, key: str, default: T, least: float, most: float = math.inf) -> T | float:
        """A number within bounds."""
        return self.read(key, default, lambda value: _number(value, least, most))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""

        def convert(value: Any) -> bool:
            if not isinstance(value, bool):
                raise ScenarioError(f"{_kind(value)} stands where true or false should; write {key} = true.")
            return value

        return self.read(key, default, convert)


def as_text(value: Any, example: str) -> str:
    """The value, which must be a text such as the example."""
    if not isinstance(value, str):
        raise ScenarioError(f"{_kind(value)} stands where a text should; write it like {quoted(example)}.")
    return value


def as_duration(value: Any, *, negative: bool = False) -> float:
    """The seconds of a text with a unit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ScenarioError(
            f"a number without a unit is not a duration; write {quoted(f'{value}s')} for seconds."
        )
    return parse_duration(as_text(value, "30s"), allow_negative=negative)


def as_scalars(value: Any) -> dict[str, str | int | float | bool]:
    """The value, which must be a table of plain values."""
    if not isinstance(value, dict) or not value:
        raise ScenarioError(
            f"{_kind(value)} stands where a table of fields should; write it like {{ customer_id = 7 }}."
        )
    for field, item in value.items():
        if not isinstance(item, str | int | float) or (isinstance(item, float) and not math.isfinite(item)):
            raise ScenarioError(
                f"the field {quoted(field)} is not a plain value; write a text, a number, true or false."
            )
    return value


def as_whole(value: Any, least: int, most: int | None = None) -> int:
    """The value, which must be a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(
            f"{_kind(value)} stands where a whole number should; write a number such as {max(least, 1)}."
        )
    if value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ScenarioError(f"is out of bounds; write a whole number {bounds}.")
    return value


def _number(value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScenarioError(f"{_kind(value)} stands where a number should; write a number such as 0.5.")
    if not (least <= value <= most and math.isfinite(value)):
        bounds = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise ScenarioError(f"is out of bounds; write a number {bounds}.")
    return float(value)


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list"}
    return kinds.get(type(value), "a table" if isinstance(value, dict) else "a date or a time")


def _shown(value: Any) -> str:
    text = toml(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
