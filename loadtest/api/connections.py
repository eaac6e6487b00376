"""Connections: uvicorn's, with limits on their number, on what may come before a request is understood, and
for how long.

A client that sends headers without end, or one byte a minute, holds a connection and memory; it is cut off.
What is refused here is answered as a problem too.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loadtest.api.answering import Answering
from loadtest.api.facade import HEADER_BYTES_MAX, of_problem
from loadtest.api.problems import Problem
from loadtest.api.request import Request
from loadtest.api.responses import response

if TYPE_CHECKING:
    import asyncio

    from loadtest.api.sending import Sending

logger = logging.getLogger("cqrs_lab.facade")

CONNECTIONS_MAX: Final = 2_000
"""So many may be open at once."""

HEADERS_TIME_MAX_S: Final = 10.0
"""For so long a client may be about to make a request, from its first byte to the end of its headers."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection; those of one loop share what is about to be sent."""

    def __init__(self, *args: Any, sending: Sending, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sending = sending
        self._next: Request | None = None  # it has come, and is about to be answered
        self._data_bytes = 0  # of what came last
        self._unread_bytes = 0  # of what came before with headers that were not complete
        self._is_in_headers = True
        self._too_slow: asyncio.TimerHandle | None = None
        self._idle_since_s: float | None = None  # on the loop's clock; None: it is not idle
        self._idle_look: asyncio.TimerHandle | None = None  # one timer for many requests

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

    def eof_received(self) -> None:
        """The client will send no more: with that uvicorn lets the connection end."""
        self._sending.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._expect_nothing()
        if self._idle_look is not None:
            self._idle_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self.transport.is_closing():
            return
        self._idle_since_s = None
        self._data_bytes = len(data)
        before: Any = self.cycle
        try:  # as uvicorn's protocol, which looks after timers that are not used here first
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            logger.warning("what has come cannot be read as HTTP")
            self._refuse_what_is_no_http()
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        if self._is_in_headers:
            self._unread_bytes += self._data_bytes
            if self._unread_bytes > HEADER_BYTES_MAX:
                self.refuse(
                    Problem(
                        "headers-too-large",
                        f"the headers have more than {HEADER_BYTES_MAX} bytes",
                        "send fewer and shorter headers",
                    )
                )
        # What is complete is the usual case, and needs no timer.
        is_request = not self._is_in_headers and (self.cycle is not before or not before.response_complete)
        if self._too_slow is None and not is_request:
            self._expect_headers()
        request, self._next = self._next, None
        if request is not None:
            self._begin(request)

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url = b""
        self.headers = []
        self._unread_bytes = 0
        self._is_in_headers = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The request is understood; its body may follow."""
        self._is_in_headers = False
        if self._too_slow is not None:
            self._expect_nothing()
        request = Request(
            self.parser.get_method().decode("ascii"),
            self.url,
            self.headers,
            server=self.server,
            keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
            go_on=self._go_on,
            came_bytes=self._unread_bytes + self._data_bytes,
        )
        before: Any = self.cycle
        self.cycle = request  # type: ignore[assignment]  # as far as uvicorn uses it, they are alike
        if before is None or before.response_complete:
            self._next = request
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((request, self.app))  # type: ignore[arg-type]  # see above

    def on_body(self, body: bytes) -> None:
        """More of the body has come."""
        request: Any = self.cycle
        if request.response_complete:
            return
        request.add(body)
        if len(request.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The body is complete."""
        request: Any = self.cycle
        request.more_body = False
        if request.waiter is not None:
            request.set()

    def on_response_complete(self) -> None:
        """An answer is on its way: answer the next request that has come, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            waiting: Any = self.pipeline.pop()
            self.loop.call_soon(self._begin, waiting[0])
        else:
            self._idle_since_s = self.loop.time()
            if self._idle_look is None:
                self._idle_look = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        """Hang up if no request has come for too long."""
        self._idle_look = None
        if self._idle_since_s is not None:
            left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
            if left_s > 0.0:
                self._idle_look = self.loop.call_later(left_s, self._look_whether_idle)
            else:
                self.timeout_keep_alive_handler()

    def _begin(self, request: Request) -> None:
        Answering(self.loop, self._answer(request), self.tasks)

    async def _answer(self, request: Request) -> None:
        facade: Any = self.app
        try:
            answer = await facade(request)
            if self.flow.write_paused and not request.disconnected:
                await self.flow.drain()
            if request.disconnected:
                return
            # A body that is not read is not waited for; nobody could tell its rest from the next request.
            closes = not request.keep_alive or request.leaves_body
            common = self.server_state.default_headers
            data = response(answer, common, closes=closes, is_head=request.method == "HEAD")
            self._sending.send(self.loop, self.transport, data)
        except Exception:
            logger.exception("an answer failed", extra={"method": request.method, "path": request.path})
            closes = True
        request.response_complete = True
        if closes:
            self._sending.flush()
            self.transport.close()
        self.on_response_complete()

    def _go_on(self, request: Request) -> None:
        """Let the client send more of the body."""
        if request.waits_for_leave and not self.transport.is_closing():
            request.has_leave = True
            self._sending.flush()
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.flow.resume_reading()

    def _refuse_what_is_no_http(self) -> None:
        self.refuse(
            Problem(
                "malformed-request",
                "the request cannot be read as HTTP/1.1, or has a method that nobody knows",
                "send requests as RFC 9112 describes them, without TLS",
            )
        )

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem, and hang up."""
        if self.transport.is_closing():
            return
        self._sending.flush()
        common = self.server_state.default_headers
        self.transport.write(response(of_problem(problem), common, closes=True))
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
            self._sending.flush()
            self.transport.close()

    def shutdown(self) -> None:
        """The server stops."""
        self._sending.flush()
        super().shutdown()
