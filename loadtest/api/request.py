"""A request: its line and headers as they came, and as much of its body as has come."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@cache
def _as_it_came(name: str) -> bytes:
    """A header's name as a connection hands it over."""
    return name.lower().encode()


class Request:
    """One request, and how far its answer is.

    `target` is its path and query as they came, with not more than `came_bytes` before the body. A connection
    adds the body as it comes, and what becomes of the client. Names among `headers` are in lower case; their
    values are text in Latin-1.

    Raises:
        httptools.HttpParserError, AttributeError, UnicodeDecodeError: the target is no path.

    """

    is_body_read = False
    has_leave = False  # to send more of the body
    # These have the names by which uvicorn's protocol knows them.
    more_body = True
    disconnected = False
    response_complete = False

    body: bytes | bytearray = b""
    waiter: asyncio.Future[None] | None = None  # of who waits for more of it; mostly nobody does

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        server: tuple[str, int | None] | None,
        keep_alive: bool,
        go_on: Callable[[Request], None],
        came_bytes: int,
    ) -> None:
        url = httptools.parse_url(target)
        path = url.path.decode("ascii")
        self.method = method
        self.path = unquote(path) if "%" in path else path
        self.query = url.query or b""
        self.keep_alive = keep_alive
        self.go_on = go_on  # lets the client send more of the body
        self.server = server  # the address that the client has come to
        self._came_bytes = came_bytes
        self._target = target
        self._all = headers
        self._first = dict(reversed(headers))

    def has_larger_head(self, bytes_max: int) -> bool:
        """Whether target and headers have more bytes; they have no more than those that came with them."""
        if self._came_bytes <= bytes_max:
            return False
        return len(self._target) + sum([len(name) + len(value) for name, value in self._all]) > bytes_max

    def header(self, name: str) -> str | None:
        """The first value of the header; None: it has none."""
        value = self._first.get(_as_it_came(name))
        return None if value is None else value.decode("latin-1")

    def headers(self, name: str) -> list[str]:
        """Every value of the header."""
        wanted = _as_it_came(name)
        return [value.decode("latin-1") for name, value in self._all if name == wanted]

    def asked(self) -> dict[str, str]:
        """What the query says; of what it says twice, the last."""
        return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)) if self.query else {}

    def add(self, more: bytes) -> None:
        """More of the body has come; mostly all of it."""
        if self.body:
            self.body = bytearray(self.body) if isinstance(self.body, bytes) else self.body
            self.body += more
        else:
            self.body = more
        if self.waiter is not None:
            self.set()

    @property
    def message_event(self) -> Request:
        """What uvicorn's protocol sets when the client has gone: itself."""
        return self

    def set(self) -> None:
        """Let who waits for the body go on: something has come, or nothing will come any more."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def body_end(self, bytes_max: int) -> None:
        """Wait until the body is complete or has more bytes; what a client leaves behind is none."""
        while self.more_body and len(self.body) <= bytes_max and not self.disconnected:
            self.go_on(self)
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        if self.disconnected:
            self.body = b""

    @property
    def says_json(self) -> bool:
        """Whether the body is said to be JSON."""
        usual = self._first.get(b"content-type") == b"application/json"
        return usual or self.media_type == "application/json"

    @property
    def waits_for_leave(self) -> bool:
        """Whether the client sends the body only when it may."""
        return not self.has_leave and self._first.get(b"expect", b"").lower() == b"100-continue"

    @property
    def media_type(self) -> str:
        """What the body is said to be, without parameters."""
        text = self.header("Content-Type")
        return "" if text is None else text.partition(";")[0].strip().lower()

    @property
    def leaves_body(self) -> bool:
        """Whether a body belongs to the request that nobody has read; its rest is no further request."""
        if self.is_body_read:
            return False
        first = self._first
        return b"transfer-encoding" in first or first.get(b"content-length", b"0") != b"0"
