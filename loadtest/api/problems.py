"""Problems: every error that the facade answers, as RFC 9457 describes it.

A problem has a kind, which has a name that never changes, a title and a status. Each occurrence says what is
wrong (`detail`), with which `value`, where (`at`), and how it is cured.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER_S: Final = 1


class Kind(msgspec.Struct, frozen=True):
    """A kind of problem; one that may pass by itself says after how long to ask again."""

    name: str
    status: int
    title: str
    may_pass: bool = False


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("malformed-request", 400, "The request is not HTTP/1.1"),
        Kind("malformed-json", 400, "The body is not JSON"),
        Kind("bad-parameter", 400, "A parameter or header has an impossible value"),
        Kind("cross-origin", 403, "Nobody may ask for this from elsewhere"),
        Kind("unknown-path", 404, "There is nothing at this path"),
        Kind("unknown-consumer", 404, "There is no such consumer"),
        Kind("unknown-fault", 404, "There is no such fault"),
        Kind("unknown-order", 404, "There is no such order"),
        Kind("unknown-product", 404, "There is no such product"),
        Kind("not-yet-visible", 404, "The view has not got it yet", may_pass=True),
        Kind("wrong-method", 405, "The method is not for this path"),
        Kind("slow-body", 408, "The body took too long to arrive"),
        Kind("key-in-flight", 409, "A request with this key is being carried out", may_pass=True),
        Kind("insufficient-stock", 409, "There is not enough in stock"),
        Kind("product-not-sold", 409, "The order service does not know the product"),
        Kind("cart-empty", 409, "The cart is empty"),
        Kind("cart-full", 409, "The cart is full"),
        Kind("body-too-large", 413, "The body is too large"),
        Kind("wrong-media-type", 415, "The body must be JSON"),
        Kind("invalid-body", 422, "The body does not say what is needed"),
        Kind("refused", 422, "The command was refused"),
        Kind("key-reused", 422, "The key belongs to another request"),
        Kind("headers-too-large", 431, "The headers are too large"),
        Kind("internal-error", 500, "The server failed"),
        Kind("store-unavailable", 503, "A store does not answer", may_pass=True),
        Kind("service-unavailable", 503, "A service does not answer", may_pass=True),
        Kind("too-busy", 503, "There is too much to do", may_pass=True),
        Kind("not-ready", 503, "The system is not ready", may_pass=True),
    )
}
"""Every kind of problem by its name."""


class ProblemBody(msgspec.Struct, frozen=True, rename={"kind": "type"}):
    """A problem as RFC 9457 writes it: what is wrong, with which value, and how it is cured."""

    kind: Annotated[str, Meta(description="Names the kind of the problem; leads to its description.")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="What is wrong this time.")]
    cure: Annotated[str, Meta(description="What to do about it.")]
    value: Annotated[Any, Meta(description="The value that is wrong, shortened if it is long.")] = UNSET
    at: Annotated[str, Meta(description="Where in the body it stands.")] | UnsetType = UNSET


class Problem(Exception):
    """Ends a request with a problem of this kind."""

    def __init__(
        self,
        kind: str,
        detail: str,
        cure: str,
        value: Any = UNSET,
        at: str | UnsetType = UNSET,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(kind, detail, cure, value, at, headers)
        self.kind = KINDS[kind]
        self.detail = detail
        self.cure = cure
        self.value = value
        self.at = at
        self.headers = headers

    def body(self) -> ProblemBody:
        """What the client gets."""
        kind = self.kind
        return ProblemBody(
            f"/docs#{kind.name}", kind.title, kind.status, self.detail, self.cure, self.value, self.at
        )


def internal_error() -> Problem:
    """What a client is told of an error that nobody has foreseen; the rest is in the server's log."""
    return Problem(
        "internal-error",
        "something failed that should not have; it may or may not have been done",
        "look whether it was done before you ask again; the server's log says what failed",
    )


_VALUE_LENGTH_MAX = 80


def shortened(value: Any) -> Any:
    """The value as a problem shows it: itself if it is short, else the beginning of its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) <= _VALUE_LENGTH_MAX:
        return value
    return text[:_VALUE_LENGTH_MAX] + "…"
