"""The bridge from an event loop to actors on threads: a request whose answer wakes the loop.

The answer is set in the actor's thread; one call there hands it to the loop. No thread waits for it, and the
loop looks at nothing until it comes.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from actors.inbox import Letter
from actors.live import LiveRuntime
from actors.runtime import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.trace import Recorder


class NoAnswer(Exception):
    """An actor has not answered in time; what was asked of it may still be done."""


class LoopReply(Reply):
    """A reply for an event loop: `arrival` is done once it is there. The first answer counts.

    `ended`, if it is set, is called in the loop when the answer comes, also one that comes after everybody
    has stopped to wait for it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.arrival: asyncio.Future[Any] = loop.create_future()
        self.ended: Callable[[], object] | None = None

    def set(self, value: Any | None = None) -> None:
        """Give the answer; any thread may."""
        self._hand_over(value, None)

    def set_exception(self, exc_info: Any | None = None) -> None:
        """Give an error as the answer; without `exc_info` the one being handled."""
        self._hand_over(None, (exc_info or sys.exc_info())[1])

    def get(self, *, timeout: float | None = None) -> Any:
        """Not for a loop.

        Raises:
            RuntimeError: always.

        """
        raise RuntimeError(f"a loop must not wait {timeout} s for an answer; await its arrival")

    def _hand_over(self, value: Any, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrive, value, error)
        except RuntimeError:  # the loop is closed, and nobody is left to hear it
            return

    def _arrive(self, value: Any, error: BaseException | None) -> None:
        ended, self.ended = self.ended, None
        if ended is not None:
            ended()
        if self.arrival.done():
            return
        if error is None:
            self.arrival.set_result(value)
        else:
            self.arrival.set_exception(error)

    def give_up(self, error: Exception) -> None:
        """Let those who wait have the error now, unless they have the answer."""
        if not self.arrival.done():
            self.arrival.set_exception(error)


class ServingRuntime(LiveRuntime):
    """The live runtime behind an event loop.

    `now` counts from its start; the nodes' own clocks, and so what is written into stores, read Unix time
    (s): it means the same after a restart.
    """

    def __init__(self, *, unix_s: float, recorder: Recorder | None = None, seed: int = 0) -> None:
        super().__init__(recorder=recorder, seed=seed)
        self.started_unix_s = unix_s - self.now()

    def clock(self, node: str) -> float:
        """See `Runtime`."""
        return super().clock(node) + self.started_unix_s

    async def answer(
        self, name: str, message: Any, timeout_s: float, ended: Callable[[], object] | None = None
    ) -> Any:
        """Ask the named actor and await its answer.

        `ended` is called in the loop once the actor has answered or died, however long that takes.

        Raises:
            pykka.ActorDeadError: the actor is not alive or dies first.
            InboxFull: it takes no more for now.
            NoAnswer: there was no answer within `timeout_s` seconds.
            Exception: whatever its handler has raised.

        """
        loop = asyncio.get_running_loop()
        reply = LoopReply(loop)
        reply.ended = ended
        late = NoAnswer(f"{name} has not answered within {timeout_s:g} s; ask again later")
        giving_up = loop.call_later(timeout_s, reply.give_up, late)
        self._offer_request(name, Letter(message, reply), None)
        try:
            return await reply.arrival
        finally:
            giving_up.cancel()
