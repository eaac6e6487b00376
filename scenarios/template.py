"""A text with places to be filled: `{id}` by a value, `${TOKEN}` by a secret.

A text that is one place alone becomes the value itself, so that a number stays a number; else values become
part of the text. `{{` and `}}` stand for the braces themselves.

>>> parse("order-{n}", ["n"]).fill({"n": 7})
'order-7'
>>> parse("{n}", ["n"]).fill({"n": 7})
7
>>> parse("Bearer ${TOKEN}", [], secrets=True).secrets
('TOKEN',)
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from scenarios.errors import ScenarioError, nearest, quoted

_PIECE = re.compile(r"\{\{|\}\}|\$\{(?P<secret>[^{}]*)\}|\{(?P<value>[^{}]*)\}|(?P<brace>[{}])")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def plain(value: Any) -> str:
    """A value as a text: a text as it is, anything else as in JSON.

    >>> plain("a"), plain(7), plain(True)
    ('a', '7', 'true')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Place(NamedTuple):
    """A place in a text, by the name of what fills it."""

    name: str
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Template:
    """The text as it is written, and the pieces that it is made of."""

    text: str
    pieces: tuple[str | Place, ...]

    @property
    def is_one_place(self) -> bool:
        """Whether the text is one place and nothing else."""
        return len(self.pieces) == 1 and isinstance(self.pieces[0], Place)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return tuple(piece.name for piece in self.pieces if isinstance(piece, Place) and piece.is_secret)

    def fill(
        self,
        values: Mapping[str, Any],
        secrets: Mapping[str, str] | None = None,
        as_text: Callable[[Any], str] | None = None,
    ) -> Any:
        """The filled text, or the value itself if the text is one place alone. `as_text` is else `plain`."""
        to_text = as_text or plain
        filled: list[Any] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                filled.append(piece)
            elif piece.is_secret:
                filled.append((secrets or {})[piece.name])
            else:
                value = values[piece.name]
                filled.append(value if self.is_one_place else to_text(value))
        return filled[0] if len(filled) == 1 else "".join(filled)


def parse(text: str, names: Iterable[str], *, secrets: bool = False) -> Template:
    """The template in the text; `names` are the values that may fill it, `secrets` says if these may too.

    Raises:
        ScenarioError: an unknown name, a secret where none may be, or a brace that is not closed.

    """
    valid = list(names)
    pieces: list[str | Place] = []
    at = 0
    for found in _PIECE.finditer(text):
        pieces.append(text[at : found.start()])
        at = found.end()
        if found["brace"]:
            brace = found["brace"]
            raise ScenarioError(
                f"{quoted(text)} has the brace {brace} alone; write {brace * 2} for the brace itself."
            )
        if (secret := found["secret"]) is not None:
            _check_secret(text, secret, allowed=secrets)
            pieces.append(Place(secret, is_secret=True))
        elif (value := found["value"]) is not None:
            if value not in valid:
                raise _unknown(text, value, valid)
            pieces.append(Place(value, is_secret=False))
        else:
            pieces.append(found[0][0])
    pieces.append(text[at:])
    return Template(text, _joined(pieces))


def _check_secret(text: str, name: str, *, allowed: bool) -> None:
    if not allowed:
        raise ScenarioError(
            f"{quoted(text)} has a secret where others would see it; put ${{{name}}} into a header."
        )
    if not _SECRET.fullmatch(name):
        raise ScenarioError(
            f"{quoted(text)}: {quoted(name)} is not the name of an environment variable; "
            'write one such as "${API_TOKEN}".'
        )


def _unknown(text: str, name: str, valid: list[str]) -> ScenarioError:
    if not valid:
        return ScenarioError(
            f"{quoted(text)}: nothing can stand in braces here; write {{{{{name}}}}} for the text itself."
        )
    return ScenarioError(
        f"{quoted(text)}: {quoted(name)} is nothing that could be filled in; the nearest is "
        f"{quoted(nearest(name, valid))}. Write one of {', '.join(f'{{{one}}}' for one in valid)}."
    )


def _joined(pieces: Iterable[str | Place]) -> tuple[str | Place, ...]:
    """The pieces with neighbouring texts as one, and without empty ones; at least one."""
    joined: list[str | Place] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece:
            joined.append(piece)
    return tuple(joined) or ("",)


def parse_json(value: Any, names: Iterable[str]) -> Any:
    """A JSON value whose texts have become templates.

    Raises:
        ScenarioError: as `parse`, or the value is a date, which JSON has not.

    """
    valid = list(names)
    match value:
        case dict():
            return {key: parse_json(inner, valid) for key, inner in value.items()}
        case list():
            return [parse_json(inner, valid) for inner in value]
        case str():
            return parse(value, valid)
        case bool() | int() | float():
            return value
        case _:
            raise ScenarioError(f'holds {value}, which JSON has not; write it as a text, such as "{value}".')


def fill_json(value: Any, values: Mapping[str, Any]) -> Any:
    """The JSON value with its templates filled.

    >>> fill_json(parse_json({"customerId": "{key}", "note": "no. {n}"}, ["key", "n"]), {"key": 3, "n": 1})
    {'customerId': 3, 'note': 'no. 1'}
    """
    match value:
        case dict():
            return {key: fill_json(inner, values) for key, inner in value.items()}
        case list():
            return [fill_json(inner, values) for inner in value]
        case Template():
            return value.fill(values)
        case _:
            return value


def written_json(value: Any) -> Any:
    """The JSON value as it is written, its templates as texts."""
    match value:
        case dict():
            return {key: written_json(inner) for key, inner in value.items()}
        case list():
            return [written_json(inner) for inner in value]
        case Template():
            return value.text
        case _:
            return value
