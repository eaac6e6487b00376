"""Sending: the answers of one turn of the loop go out in a row, at its end.

What is sent to a process that sleeps wakes it, which costs a core as much as a third of a small answer. A
process behind many connections, such as a proxy or a generator of load, is woken once by answers in a row,
and by each of those that come one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Sending:
    """What is about to be sent on the connections of one loop."""

    def __init__(self) -> None:
        self._unsent: list[tuple[asyncio.Transport, bytes]] = []

    def send(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, data: bytes) -> None:
        """Send this in the loop's next turn, after what was to be sent before."""
        if not self._unsent:
            loop.call_soon(self.flush)
        self._unsent.append((transport, data))

    def flush(self) -> None:
        """Send everything now."""
        unsent, self._unsent = self._unsent, []
        for transport, data in unsent:
            if not transport.is_closing():
                transport.write(data)
