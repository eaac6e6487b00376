"""The live runtime: Pykka actors on threads and the wall clock.

It adds to Pykka's threading actors what the port promises: names, restarts, pauses, crashes, timers, links.
A thread cannot be killed from outside. A crashed actor is cut off at once (its inbox is gone, whoever waits
for it is told, its name is free), and its thread ends at the next thing that it asks of the runtime.

>>> import pykka
>>> class Greeter(pykka.ThreadingActor):
...     def on_receive(self, message):
...         return f"hello {message}"
>>> with LiveRuntime() as runtime:
...     greeter = runtime.start(Greeter, name="greeter")
...     greeter.ask("world")
'hello world'
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import pykka

from actors.gate import RuleGate
from actors.link import Link
from actors.runtime import Reply
from actors.supervision import Killed, SupervisedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._envelope import Envelope

    from actors.trace import Recorder

logger = logging.getLogger("cqrs_lab.live")

_CLOSE_TIMEOUT_S = 5.0
_here = threading.local()
"""`_here.inbox` is the inbox of the actor whose thread this is."""


class LiveReply(pykka.ThreadingFuture[Any], Reply):
    """Pykka's threading future, which can also call back."""

    def __init__(self) -> None:
        super().__init__()
        self._callbacks: list[Callable[[Reply], None]] = []
        self.crashed = False  # the answering actor is cut off: only the next answer, which says so, counts
        self._final = False

    def set(self, value: Any | None = None) -> None:
        """Give the answer."""
        if not self.crashed:
            super().set(value)
            self._call_back()

    def set_exception(self, exc_info: Any | None = None) -> None:
        """Give an error as the answer; without `exc_info` the one being handled."""
        if not self._final:
            self._final = self.crashed
            super().set_exception(exc_info)
            self._call_back()

    def on_done(self, callback: Callable[[Reply], None]) -> None:
        """Call `callback(self)` once the answer is there."""
        with self._condition:
            if self._result is None:
                self._callbacks.append(callback)
                return
        callback(self)

    def _call_back(self) -> None:
        with self._condition:
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


class LiveInbox:
    """An actor's inbox on its thread: it can be held back, and cut off for good."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.killed = False
        self.closed = False
        self.begun_s = 0.0
        self.hand: Envelope[Any] | None = None
        self.thread: threading.Thread | None = None
        self._now: Callable[[], float] = time.monotonic
        self._queue: queue.SimpleQueue[Envelope[Any] | None] = queue.SimpleQueue()
        self._open = threading.Event()
        self._open.set()
        self._end = threading.Event()

    def __len__(self) -> int:
        """How many messages wait."""
        return self._queue.qsize()

    def put(self, envelope: Envelope[Any]) -> None:
        """Take a message in."""
        self._queue.put(envelope)

    def get(self) -> Envelope[Any]:
        """The next message; waits for one, and for the end of a pause."""
        self.hand = None
        envelope = self.hand = self._queue.get()
        self._open.wait()
        if self.killed or envelope is None:
            raise Killed
        self.begun_s = self._now()
        return envelope

    def empty(self) -> bool:
        """Whether no message waits."""
        return self._queue.empty()

    def sleep(self, seconds: float) -> None:
        """Wait, unless the actor is killed meanwhile; a pause makes it longer."""
        if self._end.wait(seconds):
            raise Killed
        self.check()

    def check(self) -> None:
        """End the thread if its actor is killed; hold it while it is paused."""
        self._open.wait()
        if self.killed:
            raise Killed

    def pause(self) -> None:
        """Hand out nothing from now on."""
        self._open.clear()

    def resume(self) -> int:
        """Go on; return how many messages the pause has held up."""
        held = self._queue.qsize() + (self.hand is not None)
        self._open.set()
        return held

    def kill(self) -> list[Envelope[Any]]:
        """Cut the actor off; return the messages that are lost with it."""
        self.killed = self.closed = True
        lost = [self.hand] if self.hand is not None else []
        with contextlib.suppress(queue.Empty):
            while True:
                envelope = self._queue.get_nowait()
                if envelope is not None:
                    lost.append(envelope)
        self._queue.put(None)
        self._end.set()
        self._open.set()
        for envelope in lost:
            if isinstance(envelope.reply_to, LiveReply):
                envelope.reply_to.crashed = True
        return lost


class LiveTimer:
    """A call that will happen on the clock's thread."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """See `actors.runtime.Timer`."""
        self.call = None


class Clock:
    """One thread that makes calls at their instants (of `time.monotonic`)."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, LiveTimer]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="cqrs-lab clock", daemon=True)
        self._thread.start()

    def call_at(self, instant: float, call: Callable[[], object]) -> LiveTimer:
        """Make the call at the instant."""
        timer = LiveTimer(call)
        with self._changed:
            heapq.heappush(self._due, (instant, next(self._numbers), timer))
            self._changed.notify()
        return timer

    def stop(self) -> None:
        """Make no further call."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped:
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    if wait is not None and wait <= 0.0:
                        break
                    self._changed.wait(wait)
                if self._stopped:
                    return
                timer = heapq.heappop(self._due)[2]
            call, timer.call = timer.call, None
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("a timer's call failed")


class LiveRuntime(SupervisedRuntime):
    """Actors on threads. `now` counts from the runtime's start. Service times are what they really take."""

    def __init__(self, *, recorder: Recorder | None = None, seed: int = 0) -> None:
        super().__init__(recorder)
        self._seed = seed
        self._origin = time.monotonic()
        self._clock = Clock()
        self._lock = threading.RLock()

    # -- the clock -------------------------------------------------------------------------------------

    def now(self) -> float:
        """See `Runtime`."""
        return time.monotonic() - self._origin

    def sleep(self, seconds: float) -> None:
        """See `Runtime`."""
        inbox = self._inbox()
        if inbox is None:
            time.sleep(seconds)
        else:
            inbox.sleep(seconds)

    def work(self) -> None:
        """See `Runtime`: real work takes its own time."""

    def spend(self, purpose: str) -> None:
        """See `Runtime`: real work takes its own time."""

    def after(self, delay: float, call: Callable[..., object], *args: Any) -> LiveTimer:
        """See `Runtime`."""
        inbox = self._inbox()

        def ring() -> None:
            if inbox is None or not inbox.killed:
                call(*args)

        return self._clock.call_at(time.monotonic() + delay, ring)

    def call_at(self, instant: float, call: Callable[..., object], *args: Any) -> LiveTimer:
        """See `Runtime`."""
        return self._clock.call_at(self._origin + instant, lambda: call(*args))

    def random(self, name: str) -> Callable[[], float]:
        """See `Runtime`."""
        return random.Random(f"{self._seed}/{name}").random

    def taken(self) -> float:
        """See `Runtime`."""
        inbox = self._inbox()
        return inbox.begun_s - self._origin if inbox is not None else self.now()

    # -- a killed actor's thread ends at the next thing that it asks ---------------------------------------

    def tell(self, name: str, message: Any) -> bool:
        """See `Runtime`."""
        self._check()
        return super().tell(name, message)

    def request(self, name: str, message: Any) -> Reply:
        """See `Runtime`."""
        self._check()
        return super().request(name, message)

    def close(self) -> None:
        """See `Runtime`. A handler under way ends at the next thing that it asks of the runtime."""
        with self._lock:
            inboxes = [actor.inbox for actor in self._actors.values() if actor.ref is not None]
            super().close()
        self._clock.stop()
        deadline = time.monotonic() + _CLOSE_TIMEOUT_S
        for inbox in inboxes:
            if inbox.thread is not None and inbox.thread is not threading.current_thread():
                inbox.thread.join(max(0.0, deadline - time.monotonic()))

    # -- inside ----------------------------------------------------------------------------------------

    def _inbox(self) -> LiveInbox | None:
        return getattr(_here, "inbox", None)

    def _check(self) -> None:
        inbox = self._inbox()
        if inbox is not None:
            inbox.check()

    def _incarnate(self, actor: Any) -> None:
        with self._lock:
            super()._incarnate(actor)

    def _end(self, actor: Any) -> int:
        with self._lock:
            return super()._end(actor)

    def _failed(self, actor: Any, ref: pykka.ActorRef[Any], error: BaseException) -> None:
        with self._lock:  # it may fail before `_incarnate` knows it
            super()._failed(actor, ref, error)

    def _make_link(self, name: str) -> Link:
        return Link(self, name, None, fifo=True)

    def _make_gate(self, store: str) -> RuleGate:
        return RuleGate(self, store)

    def _make_reply(self, owner: str) -> Reply:  # noqa: ARG002  # threads wait for no name
        return LiveReply()

    def _on_own_thread(self) -> bool:
        return self._inbox() is not None

    def _hooks(self, name: str, node: str, works: tuple[type, ...] | None) -> dict[str, Any]:  # noqa: ARG002
        def start_loop(actor: pykka.Actor) -> None:
            inbox = cast("LiveInbox", actor.actor_inbox)

            def life() -> None:
                _here.inbox = inbox
                with contextlib.suppress(Killed):
                    actor._actor_loop()  # noqa: SLF001  # a maker's hook

            inbox.thread = threading.Thread(target=life, name=f"cqrs-lab {name}", daemon=True)
            inbox.thread.start()

        return {
            "_create_actor_inbox": staticmethod(lambda: LiveInbox(name)),
            "_create_future": staticmethod(LiveReply),
            "_start_actor_loop": start_loop,
        }
