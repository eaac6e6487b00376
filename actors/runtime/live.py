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

import logging
import math
import random
import threading
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import pykka

from actors.runtime.gate import RuleGate
from actors.runtime.inbox import Killed, Letter
from actors.runtime.link import Link
from actors.runtime.supervision import SupervisedRuntime
from actors.runtime.threads import LiveInbox, LiveMutex, LiveReply, own_inbox
from actors.runtime.timers import Clock, LiveTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pykka._envelope import Envelope

    from actors.runtime.port import Grouping, Reply
    from actors.runtime.supervision import Incarnation
    from actors.trace import Recorder

A = TypeVar("A", bound=pykka.Actor)

logger = logging.getLogger("cqrs_lab.live.run")

GROUP_MAX: Final = 256
"""So many messages at most are handled together."""

_CLOSE_TIMEOUT_S = 5.0
_REVIVE_TIMEOUT_S = 1.0


class LiveRuntime(SupervisedRuntime):
    """Actors on threads. `now` counts from the runtime's start. Service times are what they really take."""

    in_bulk = True

    def __init__(self, *, recorder: Recorder | None = None, seed: int = 0) -> None:
        super().__init__(recorder)
        self._seed = seed
        self._origin = time.monotonic()
        self._clock = Clock()
        self._lock = threading.RLock()
        self._threads: list[LiveInbox] = []  # of those that run, or ran a moment ago

    # -- the clock -------------------------------------------------------------------------------------

    def now(self) -> float:
        """See `Runtime`."""
        return time.monotonic() - self._origin

    def sleep(self, seconds: float) -> None:
        """See `Runtime`."""
        inbox = own_inbox()
        if inbox is None:
            time.sleep(seconds)
        else:
            inbox.sleep(seconds)

    def work(self) -> None:
        """See `Runtime`: real work takes its own time; here it only counts as service."""
        inbox = own_inbox()
        if inbox is not None:
            inbox.worked = True

    def spend(self, purpose: str) -> None:
        """See `Runtime`: real work takes its own time."""

    def after(self, delay: float, call: Callable[..., object], *args: Any) -> LiveTimer:
        """See `Runtime`."""
        inbox = own_inbox()

        def ring() -> None:
            if inbox is None or not inbox.is_actor or not inbox.ended:
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
        inbox = own_inbox()
        return inbox.begun_s - self._origin if inbox is not None and inbox.is_actor else self.now()

    # -- threads of control ----------------------------------------------------------------------------

    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        """See `Runtime`. An error in it is logged."""

        def life() -> None:
            try:
                function(*args)
            except Exception:
                logger.exception("a thread of control failed")

        self._begin(LiveInbox("client", is_actor=False), life)

    def mutex(self) -> LiveMutex:
        """See `Runtime`."""
        return LiveMutex()

    # -- a killed actor's thread ends at the next thing that it asks ---------------------------------------

    def tell(self, name: str, message: Any, incarnation: int | None = None) -> bool:
        """See `Runtime`."""
        self._check()
        return super().tell(name, message, incarnation)

    def tell_all(self, name: str, messages: Sequence[Any]) -> int:
        """See `Runtime`."""
        self._check()
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.guarded:
            return super().tell_all(name, messages)
        letters = cast("list[Envelope[Any]]", [*map(Letter, messages)])
        return len(messages) if inbox.put_all(letters) else 0

    def request(self, name: str, message: Any) -> Reply:
        """See `Runtime`."""
        self._check()
        return super().request(name, message)

    def ask(self, name: str, message: Any, timeout: float | None = None) -> Any:
        """See `Runtime`."""
        self._check()
        return super().ask(name, message, timeout)

    def close(self) -> None:
        """See `Runtime`. A handler under way ends at the next thing that it asks of the runtime."""
        with self._lock:
            super().close()
            for inbox in self._threads:
                if not inbox.is_actor:
                    inbox.kill()
        self._clock.stop()
        _join(self._threads, _CLOSE_TIMEOUT_S)

    # -- inside ----------------------------------------------------------------------------------------

    def _check(self) -> None:
        inbox = own_inbox()
        if inbox is not None:
            inbox.check()

    def _begin(self, inbox: LiveInbox, life: Callable[[], object]) -> None:
        with self._lock:
            if not self._closed:
                self._threads = [one for one in self._threads if one.is_running] + [inbox]
                inbox.live(life)

    def _incarnate(self, actor: Incarnation) -> None:
        with self._lock:
            inbox = own_inbox()
            if inbox is not None and inbox.killed:
                raise Killed  # what it starts now would outlive it
            super()._incarnate(actor)

    def _end(self, actor: Incarnation) -> int:
        with self._lock:
            return super()._end(actor)

    def _failed(self, actor: Incarnation, ref: pykka.ActorRef[Any], error: BaseException) -> None:
        with self._lock:  # it may fail before `_incarnate` knows it
            super()._failed(actor, ref, error)

    def _set_limits(self, node: str) -> None:
        with self._lock:  # one that is being started has the old limit or gets the new one here
            super()._set_limits(node)

    def _await_ends(self, actors: list[Incarnation]) -> None:
        """What a killed actor was about to write must be written, or never be, before the next one reads."""
        names = {actor.name for actor in actors}
        _join([inbox for inbox in self._threads if inbox.killed and inbox.name in names], _REVIVE_TIMEOUT_S)

    def _supervised(
        self, actor_class: type[A], actor: Incarnation, works: tuple[type, ...] | None
    ) -> type[A]:
        """The actor class: it handles together what it can, and is stretched while its node is slowed."""
        supervised = super()._supervised(actor_class, actor, works)
        handle_one: Callable[[Any, Any], Any] = supervised._handle_receive  # noqa: SLF001  # a maker's hook
        groups, rules = hasattr(actor_class, "may_group"), self.handling(actor.node)
        paces = hasattr(actor_class, "pace_s")

        def handle(self: Any, message: Any) -> Any:
            # What a fault decides about messages, it decides about each alone.
            if groups and not rules.active and self.may_group(type(message)):
                inbox = self.actor_inbox
                if paces:
                    inbox.pace(self.pace_s)
                # A fault may have begun meanwhile.
                if inbox.mail and not rules.active and (kinds := self.may_group(type(message))):
                    return _handle_group(self, inbox.take_more(GROUP_MAX, kinds))
            return handle_one(self, message)

        def handle_receive(self: pykka.Actor, message: Any) -> Any:
            slowings = runtime._slowings.get(actor.node)
            if not slowings:
                return handle(self, message)
            inbox = cast("LiveInbox", self.actor_inbox)
            try:
                return handle(self, message)
            finally:
                if works is None or type(message) in works or inbox.worked:
                    for slowing in slowings:
                        slowing.hits += 1
                    factor = math.prod(slowing.amount for slowing in slowings)
                    inbox.sleep(max(0.0, factor - 1.0) * (time.monotonic() - inbox.begun_s))

        runtime = self
        supervised._handle_receive = handle_receive  # type: ignore[method-assign]  # noqa: SLF001
        return supervised

    def _make_link(self, name: str) -> Link:
        return Link(self, name, None, fifo=True)

    def _make_gate(self, store: str) -> RuleGate:
        # With a time to wait, if none, every call asks the runtime first: that of a killed actor ends there.
        return RuleGate(self, store, lambda: 0.0)

    def promise(self, owner: str = "") -> Reply:  # noqa: ARG002  # threads wait for no name
        """See `Runtime`."""
        return LiveReply()

    def _on_own_thread(self) -> bool:
        return own_inbox() is not None

    def _sender(self) -> LiveInbox | None:
        inbox = own_inbox()
        return inbox if inbox is not None and inbox.is_actor and not inbox.lending else None

    def _hooks(self, name: str, node: str, works: tuple[type, ...] | None) -> dict[str, Any]:  # noqa: ARG002
        def start_loop(actor: pykka.Actor) -> None:
            inbox = cast("LiveInbox", actor.actor_inbox)
            self._begin(inbox, actor._actor_loop)  # noqa: SLF001  # a maker's hook

        return {
            "_create_actor_inbox": staticmethod(lambda: LiveInbox(name)),
            "_create_future": staticmethod(LiveReply),
            "_start_actor_loop": start_loop,
        }


_MESSAGE: Final = attrgetter("message")
_REPLY_TO: Final = attrgetter("reply_to")


def _handle_group(actor: Grouping, letters: list[Envelope[Any]]) -> None:
    """Let the actor handle the messages together, and answer each that is a question."""
    messages, replies = [*map(_MESSAGE, letters)], [*map(_REPLY_TO, letters)]
    if not any(replies):
        for answer in actor.on_group(messages):
            if isinstance(answer, Exception):
                raise answer
        return
    done = 0
    try:
        for answer in actor.on_group(messages):
            reply, letters[done].reply_to = replies[done], None  # nobody else answers it from now on
            done += 1
            if isinstance(answer, Exception):
                if reply is None:
                    raise answer
                reply.set_exception((type(answer), answer, answer.__traceback__))
            elif reply is not None:
                reply.set(answer)
    except Exception:
        for letter in letters[done:]:
            reply, letter.reply_to = letter.reply_to, None
            if reply is not None:
                reply.set_exception()
        if None in replies:
            raise


def _join(inboxes: list[LiveInbox], timeout_s: float) -> None:
    """Wait for the threads to end, for at most so long in all; not for the caller's own."""
    deadline = time.monotonic() + timeout_s
    for inbox in inboxes:
        if inbox.thread is not None and inbox.thread is not threading.current_thread():
            inbox.thread.join(max(0.0, deadline - time.monotonic()))
