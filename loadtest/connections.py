"""Connections: uvicorn's, with limits on their number, on what may come before a request is understood, and
for how long.

A client that sends headers without end, or one byte a minute, holds a connection and memory; it is cut off.
What is refused here is answered as a problem too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from loadtest.facade import HEADER_BYTES_MAX, headers_of, of_problem
from loadtest.problems import Problem

if TYPE_CHECKING:
    import asyncio

CONNECTIONS_MAX: Final = 2_000
"""So many may be open at once."""

HEADERS_TIME_MAX_S: Final = 10.0
"""For so long a client may be about to make a request, from its first byte to the end of its headers."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread_bytes = 0  # of headers that are not complete
        self._is_in_headers = True
        self._too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client has come."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self.refuse(
                Problem(
                    "too-busy",
                    f"more than {CONNECTIONS_MAX} connections are open",
                    "close connections that you do not need, and connect again in a moment",
                )
            )
        else:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._is_in_headers:
            self._unread_bytes += len(data)
            if self._unread_bytes > HEADER_BYTES_MAX:
                self.refuse(
                    Problem(
                        "headers-too-large",
                        f"the headers have more than {HEADER_BYTES_MAX} bytes",
                        "send fewer and shorter headers",
                    )
                )

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._unread_bytes = 0
        self._is_in_headers = True
        if self._too_slow is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The request is understood; its body may follow."""
        self._is_in_headers = False
        self._expect_nothing()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self.refuse(Problem("bad-parameter", msg.rstrip("."), "send requests as HTTP/1.1 describes them"))

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem, and hang up."""
        if self.transport.is_closing():
            return
        answer = of_problem(problem)
        headers = [*self.server_state.default_headers, *headers_of(answer), (b"connection", b"close")]
        lines = [STATUS_LINE[answer.status], *(b"%b: %b\r\n" % header for header in headers), b"\r\n"]
        self.transport.write(b"".join([*lines, answer.body]))
        self.transport.close()

    def _expect_headers(self) -> None:
        self._too_slow = self.loop.call_later(HEADERS_TIME_MAX_S, self._hang_up)

    def _expect_nothing(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None

    def _hang_up(self) -> None:
        """The headers have taken too long."""
        self._too_slow = None
        if not self.transport.is_closing():
            self.transport.close()
