"""The bridge from an event loop to actors on threads: a request whose answer wakes the loop.

The answer is set in the actor's thread; one call there hands it to the loop. No thread waits for it, and the
loop looks at nothing until it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from actors.runtime.inbox import Letter
from actors.runtime.live import LiveRuntime
from actors.runtime.port import Reply
from loadtest.system.walltime import monotonic_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.trace import Recorder
    from loadtest.system.daemons import DaemonThreads

T = TypeVar("T")


class NoAnswer(Exception):
    """An actor has not answered in time; what was asked of it may still be done."""


class Waiting:
    """The answers that one event loop waits for.

    Those that come together wake the loop once, and one timer watches over all that are to come in time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._come: deque[tuple[LoopReply, Any, BaseException | None]] = deque()
        self._is_woken = False
        self._due_s: dict[LoopReply, float] = {}  # until when, on the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._look_s = math.inf  # when the timer rings; uvloop's own does not say so if that is at once

    def hand_over(self, reply: LoopReply, value: Any, error: BaseException | None) -> None:
        """Let the loop have an answer; any thread may."""
        self._come.append((reply, value, error))
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody is left to hear it
                self._loop.call_soon_threadsafe(self._arrive)

    def _arrive(self) -> None:
        self._is_woken = False  # before looking: what comes from now on wakes the loop again
        while self._come:
            reply, value, error = self._come.popleft()
            self._due_s.pop(reply, None)
            reply.arrive(value, error)

    def watch(self, reply: LoopReply, timeout_s: float) -> None:
        """Let those who wait for the reply have its error `late` if it has not come after so many seconds."""
        due_s = self._due_s[reply] = self._loop.time() + timeout_s
        if due_s < self._look_s:
            self._set_timer(due_s)

    def forget(self, reply: LoopReply) -> None:
        """Nobody waits for the reply any more."""
        self._due_s.pop(reply, None)

    def _set_timer(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at_s, self._look)
        self._look_s = at_s

    def _look(self) -> None:
        self._timer, self._look_s = None, math.inf
        now_s = self._loop.time()
        for reply in [reply for reply, due_s in self._due_s.items() if due_s <= now_s]:
            del self._due_s[reply]
            reply.give_up()
        if self._due_s:
            self._set_timer(min(self._due_s.values()))


class LoopReply(Reply):
    """A reply for an event loop: `arrival` is done once it is there. The first answer counts.

    `ended`, if it is set, is called in the loop when the answer comes, also one that comes after everybody
    has stopped to wait for it.
    """

    def __init__(self, waiting: Waiting, arrival: asyncio.Future[Any], whose: str, timeout_s: float) -> None:
        # What Pykka's futures begin with is for `get`, which this one has not got.
        self._waiting = waiting
        self._whose = whose
        self._timeout_s = timeout_s
        self.arrival = arrival
        self.ended: Callable[[], object] | None = None

    def set(self, value: Any | None = None) -> None:
        """Give the answer; any thread may."""
        self._waiting.hand_over(self, value, None)

    def set_exception(self, exc_info: Any | None = None) -> None:
        """Give an error as the answer; without `exc_info` the one being handled."""
        self._waiting.hand_over(self, None, (exc_info or sys.exc_info())[1])

    def get(self, *, timeout: float | None = None) -> Any:
        """Not for a loop.

        Raises:
            RuntimeError: always.

        """
        raise RuntimeError(f"a loop must not wait {timeout} s for an answer; await its arrival")

    def arrive(self, value: Any, error: BaseException | None) -> None:
        """Let those who wait have the answer; called in the loop."""
        ended, self.ended = self.ended, None
        if ended is not None:
            ended()
        if self.arrival.done():
            return
        if error is None:
            self.arrival.set_result(value)
        else:
            self.arrival.set_exception(error)

    def forget(self) -> None:
        """Nobody waits for it any more."""
        self._waiting.forget(self)

    def give_up(self) -> None:
        """Let those who wait know that it comes too late, unless they have it."""
        if not self.arrival.done():
            late = f"{self._whose} has not answered within {self._timeout_s:g} s; ask again later"
            self.arrival.set_exception(NoAnswer(late))


class ServingRuntime(LiveRuntime):
    """The live runtime behind an event loop.

    `now` counts from its start; the nodes' own clocks, and so what is written into stores, read Unix time
    (s): it means the same after a restart.
    """

    def __init__(self, *, unix_s: float, recorder: Recorder | None = None, seed: int = 0) -> None:
        super().__init__(recorder=recorder, seed=seed)
        self.started_unix_s = unix_s - self.now()
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}

    def clock(self, node: str) -> float:
        """See `Runtime`."""
        return super().clock(node) + self.started_unix_s

    def count_from(self, unix_s: float) -> None:
        """Let instants count from this Unix time (s) from now on; called before any actor is started."""
        self._origin = monotonic_at(unix_s)
        self.started_unix_s = unix_s

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
        reply = self._reply(name, timeout_s)
        reply.ended = ended
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.guarded:
            self._offer_request(name, Letter(message, reply), None)
        else:
            inbox.put(Letter(message, reply))
        try:
            return await reply.arrival
        except BaseException:
            reply.forget()  # if it has not come
            raise

    async def call(self, threads: DaemonThreads, make: Callable[[], T], timeout_s: float) -> T:
        """Have a thread make a call and await its result.

        Raises:
            NoAnswer: there was none within `timeout_s` seconds.
            Exception: whatever the call has raised.

        """
        reply = self._reply("a call", timeout_s)
        threads.call(make, reply)
        try:
            result: T = await reply.arrival
        except BaseException:
            reply.forget()  # if it has not come
            raise
        return result

    def _reply(self, whose: str, timeout_s: float) -> LoopReply:
        """A reply for the running loop, which waits so long for it."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(loop)
        if waiting is None:
            waiting = self._waiting[loop] = Waiting(loop)
        reply = LoopReply(waiting, loop.create_future(), whose, timeout_s)
        waiting.watch(reply, timeout_s)
        return reply
