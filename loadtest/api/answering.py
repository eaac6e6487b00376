"""Answering: requests on their way to their answers.

A task would have each request wait for a turn of the loop before it begins. Most reads end where they have
begun, and wait for nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Answering:
    """A coroutine that begins at once, and goes on when what it waits for is there.

    `others` are those that wait; a server that stops may `cancel` them, as if they were tasks. It is none:
    what needs one, such as `asyncio.timeout`, has to be given one of its own.
    """

    __slots__ = ("_coroutine", "_loop", "_others", "_waits_for")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, None], others: set[Any]
    ) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._others = others
        self._waits_for: asyncio.Future[Any] | None = None
        self._go_on()

    def cancel(self, msg: str | None = None) -> None:
        """Let it wait for nothing any more: it gets a CancelledError instead."""
        if self._waits_for is not None:
            self._waits_for.cancel(msg)

    def _go_on(self, _done: object = None) -> None:
        try:
            awaited = self._coroutine.send(None)
        except (StopIteration, asyncio.CancelledError):
            self._others.discard(self)
            return
        if awaited is None:  # it only lets others have their turn
            awaited = self._loop.create_future()
            self._loop.call_soon(awaited.set_result, None)
        awaited._asyncio_future_blocking = False  # noqa: SLF001  # so a future knows that it was awaited
        awaited.add_done_callback(self._go_on)
        self._waits_for = awaited
        self._others.add(self)
