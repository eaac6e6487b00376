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


class Coming:
    """Lets who waits go on when something has come, or nothing will come any more; mostly nobody waits."""

    __slots__ = ("_waiter",)

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Something has come."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self) -> None:
        """Wait for what comes from now on."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter


class Request:
    """One request, and how far its answer is.

    `target` is its path and query as they came. A connection adds the body as it comes, and what becomes of
    the client. Names among `headers` are in lower case; their values are text in Latin-1.

    Raises:
        httptools.HttpParserError, AttributeError, UnicodeDecodeError: the target is no path.

    """

    __slots__ = (
        *("body", "disconnected", "go_on", "head_bytes", "is_body_read", "keep_alive", "message_event"),
        *("method", "more_body", "path", "query", "response_complete", "server", "waits_for_leave"),
        *("_all", "_first"),
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        server: tuple[str, int | None] | None = None,
        keep_alive: bool = False,
        go_on: Callable[[Request], None] = lambda _: None,
    ) -> None:
        self.method = method
        url = httptools.parse_url(target)
        path = url.path.decode("ascii")
        self.path = unquote(path) if "%" in path else path
        self.query = url.query or b""
        self.go_on = go_on  # lets the client send more of the body
        self.server = server  # the address that the client has come to
        self._all = headers
        self._first = dict(reversed(headers))
        self.head_bytes = len(target) + sum([len(name) + len(value) for name, value in headers])
        # What follows has the names by which uvicorn's protocol knows it.
        self.body = bytearray()
        self.more_body = True
        self.message_event = Coming()
        self.disconnected = False
        self.keep_alive = keep_alive
        self.response_complete = False
        self.is_body_read = False
        self.waits_for_leave = self._first.get(b"expect", b"").lower() == b"100-continue"

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

    async def body_end(self, bytes_max: int) -> None:
        """Wait until the body is complete or has more bytes; what a client leaves behind is none."""
        while self.more_body and len(self.body) <= bytes_max and not self.disconnected:
            self.go_on(self)
            await self.message_event.wait()
        if self.disconnected:
            self.body.clear()

    @property
    def media_type(self) -> str:
        """What the body is said to be, without parameters."""
        text = self.header("Content-Type")
        return "" if text is None else text.partition(";")[0].strip().lower()

    @property
    def has_body(self) -> bool:
        """Whether a body belongs to the request."""
        first = self._first
        return b"transfer-encoding" in first or first.get(b"content-length", b"0") != b"0"

    @property
    def leaves_body(self) -> bool:
        """Whether a body belongs to the request that nobody has read; its rest is no further request."""
        return not self.is_body_read and self.has_body
