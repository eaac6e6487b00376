"""A call: one request as an endpoint sees it, its parts checked and turned into values; and its answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from actors.messages import ID_MAX
from loadtest.api import idempotency, tokens
from loadtest.api.bodies import NO_NUL
from loadtest.api.problems import Problem, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.api.request import Request

T = TypeVar("T", bound=msgspec.Struct)

PAGE_DEFAULT, PAGE_MAX = 20, 100
CURSOR_MAX: Final = 10**18 - 1
WAIT_MAX_S: Final = 30.0
"""For so long at most a reader may have the server wait."""

CURSOR_PATTERN: Final = "^[1-9][0-9]{0,17}$"
_WHOLE = re.compile("[1-9][0-9]{0,18}")
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)
MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body that is no JSON."""

_IN_WORDS: Final = {f"Expected str matching regex {NO_NUL!r}": "Expected text without the character U+0000"}
"""What msgspec says of patterns, as people say it."""

_PLACE = re.compile(r" - at `(\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class Answer(NamedTuple):
    """What a request is answered: status, body as bytes, and headers besides those of every answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"


class Call:
    """One request. What is wrong with it is a `Problem`."""

    __slots__ = ("_body", "_header", "_path", "_query")

    def __init__(self, path: Mapping[str, str], request: Request, body: bytes = b"") -> None:
        self._path = path
        self._query = request.asked()
        self._header = request.header
        self._body = body

    # -- the path and the query ------------------------------------------------------------------------

    def number(self, name: str, most: int = ID_MAX) -> int:
        """The whole number from 1 to `most` in the path."""
        return _number(name, self._path[name], most)

    def word(self, name: str) -> str:
        """The part of the path of this name, as it stands there."""
        return self._path[name]

    def asked(self, name: str) -> str | None:
        """What the query says under this name; None: nothing."""
        return self._query.get(name)

    @property
    def limit(self) -> int:
        """How many rows of a list are wanted."""
        text = self._query.get("limit")
        return PAGE_DEFAULT if text is None else _number("limit", text, PAGE_MAX)

    @property
    def cursor(self) -> int | None:
        """Where a list goes on, as an earlier page said; None: at its beginning."""
        text = self._query.get("cursor")
        return None if text is None else _number("cursor", text, CURSOR_MAX)

    # -- headers ---------------------------------------------------------------------------------------

    @property
    def token(self) -> dict[str, int]:
        """The positions that the answer should reflect."""
        text = self._header(tokens.HEADER)
        return {} if text is None else tokens.loads(text)

    @property
    def wait_s(self) -> float | None:
        """For how long (s) the reader wants to wait; None: it does not say."""
        text = self._header("Prefer")
        found = None if text is None else _WAIT.search(text)
        return None if found is None else min(float(found[1]), WAIT_MAX_S)

    @property
    def key(self) -> str:
        """The idempotency key; empty: there is none."""
        text = self._header(idempotency.HEADER)
        return "" if text is None else idempotency.checked(text)

    # -- the body --------------------------------------------------------------------------------------

    def body(self, kind: type[T]) -> T:
        """The body, which says a `kind`. A whole number may be written with a fraction: 2.0 is 2."""
        try:
            return msgspec.json.decode(self._body, type=kind)
        except msgspec.ValidationError as error:
            refused = str(error)
        except MALFORMED as error:
            raise self._malformed(error) from None
        value: Any = UNSET
        try:
            value = msgspec.json.decode(self._body)
            return msgspec.convert(_with_integers(value), kind)
        except msgspec.ValidationError:  # also of a number that nothing can hold
            raise _invalid(refused, value) from None
        except MALFORMED as error:
            raise self._malformed(error) from None

    def _malformed(self, error: Exception) -> Problem:
        why = f"the body cannot be read as JSON: {error}" if self._body else "the body is empty"
        return Problem(
            "malformed-json", why, "send JSON in UTF-8, as the document at /openapi.json describes it"
        )


def _number(name: str, text: str, most: int) -> int:
    if _WHOLE.fullmatch(text) and (number := int(text)) <= most:
        return number
    raise Problem(
        "bad-parameter",
        f"{name} is not a whole number from 1 to {most}",
        f"write one, such as {name} = 1" if name != "cursor" else "take the link that the last page gave",
        shortened(text),
    )


def _with_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_integers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_integers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _invalid(message: str, body: Any) -> Problem:
    place = _PLACE.search(message)
    what = (message if place is None else message[: place.start()]).replace("`", "")
    value, at = (UNSET, UNSET) if place is None else (value_at(body, place[1]), place[1])
    return Problem(
        "invalid-body",
        _IN_WORDS.get(what, what),
        "correct it as the document at /openapi.json describes it",
        value,
        at,
    )


def value_at(body: Any, place: str) -> Any:
    """The value at a place in the body, shortened; UNSET if there is none.

    >>> value_at({"items": [{"quantity": 0}]}, "$.items[0].quantity")
    0
    """
    value = body
    try:
        for name, index in _STEP.findall(place.removeprefix("$")):
            value = value[int(index)] if index else value[name]
    except (LookupError, TypeError):
        return UNSET
    return shortened(value)
