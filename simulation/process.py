"""An actor's life in virtual time: its inbox, and the carrier on which its handlers run and may wait.

A message to an idle actor costs one scheduled call, at the end of its service; a message to a busy one waits
in the inbox and costs one when its turn comes, or none if its service takes no time. The call hands the
message to its handler. Whoever waits in a handler is parked on the clock's carrier, and the clock goes on
with what else is due on another one.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from heapq import heappush
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, getcurrent, greenlet
from pykka import ActorRegistry
from simpy.events import NORMAL

from actors.runtime.inbox import Inbox, Killed
from actors.runtime.supervision import PYKKA_MESSAGES
from simulation.clock import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    import pykka
    from pykka._envelope import Envelope

    from actors.runtime.handling import HandlingRules
    from actors.runtime.inbox import Entry
    from simulation.clock import Clock


A_REPLY = "a reply from"
ROOM = "room in the inbox of"
THE_LOCK = "a lock held by"
"""What a process waits for, as an error message puts it."""

_log = logging.getLogger("pykka")


class Process(Inbox):
    """A thread of control in virtual time, with an inbox (Pykka's `put`, `get`, `empty`).

    At any moment it is idle (inbox empty), serving (until the service of the message in hand ends), running,
    or waiting inside a handler (parked). `paused` holds it where it is: a service keeps its remaining time,
    any other wait ends no sooner than the pause.
    """

    __slots__ = (
        "_actor",
        "_call",
        "_clock",
        "_eid",
        "_halted",
        "_idle",
        "_live",
        "_on_receive",
        "_on_served",
        "_on_wake",
        "_parked",
        "_queue",
        "_receive",
        "_rules",
        "_served_from_s",
        "_service_s",
        "begun_s",
        "ended",
        "is_actor",
        "paused",
        "service",
        "waits_for",
        "waits_what",
        "works",
    )

    def __init__(self, clock: Clock, name: str, *, is_actor: bool = True) -> None:
        super().__init__(name)
        self.is_actor = is_actor
        self.service: Callable[[], float] | None = None  # draws service times; None: no message takes any
        self.works: frozenset[type] | None = None  # which messages take service; None: all
        self.begun_s = 0.0  # when the message in hand was taken
        self.paused = False
        self.waits_for: str | None = None  # the actor on which it waits
        self.waits_what = A_REPLY
        self.ended = False  # it will never run again
        self._clock = clock
        self._queue, self._eid = clock.line
        self._live: Callable[[], object]
        self._actor: pykka.Actor
        self._rules: HandlingRules
        self._on_receive: Callable[[Any], Any]
        self._receive: Callable[[Any], Any]
        self._parked: greenlet | None = None  # the carrier on which it waits inside a handler
        self._idle = False
        self._served_from_s = 0.0
        self._service_s = 0.0
        self._halted: str = ""  # what a pause has interrupted: "mail", "service" or "wait"
        self._on_wake: Callable[[], object] = self._wake
        self._on_served: Callable[[], object] = self._serve_out
        self._call = Call()  # the end of the service; one object serves all services

    def live(self, life: Callable[[], object]) -> None:
        """Begin to run `life` now, until it returns or the process is killed."""

        def live() -> None:
            try:
                life()
            finally:
                self.ended = True

        self._live = live
        self.wake_after(0.0)

    def live_as(self, actor: pykka.Actor, rules: HandlingRules) -> None:
        """Begin to live as an actor now, until that stops or the process is killed.

        What comes to an actor is for its `on_receive`, unless it is of Pykka's own or there are `rules`.
        """

        def live() -> None:
            actor._actor_loop_setup()  # noqa: SLF001  # as Pykka's own loop does
            if self._next() is not None:
                self._serve_out()

        self._actor, self._rules = actor, rules
        self._on_receive, self._receive = actor.on_receive, actor._handle_receive  # noqa: SLF001  # as above
        self._live = live
        self.wake_after(0.0)

    # -- the inbox -------------------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Take a message in; an idle actor begins with it at once."""
        if self._idle:
            self._idle = False
            self.hand = envelope
            self.begun_s = self._served_from_s = now_s = self._clock.now_s
            service, works = self.service, self.works
            if service is None or (works is not None and type(envelope.message) not in works):
                seconds = 0.0
            else:
                seconds = service()
            # What `_serve` does, without the calls: every message comes this way.
            self._service_s = seconds
            call = self._call
            call.act = self._on_served
            heappush(self._queue, (now_s + seconds, NORMAL, next(self._eid), call))
        else:
            self.mail.append(envelope)

    def get(self) -> Envelope[Any]:
        """The next message that waits."""
        envelope = self.hand = self.mail.popleft()
        if self.guarded:
            self._taken(envelope)
        return envelope

    def _let_go(self, sender: Process) -> None:
        sender.waits_for = None
        sender.wake_after(0.0)

    # -- handling messages -----------------------------------------------------------------------------

    def _serve_out(self) -> None:
        """The service has ended: handle the message in hand, or let go on the handler that asked for it."""
        clock = self._clock
        if self._parked is not None:
            clock.resume(self._parked)
            return
        clock.running = self
        rules, on_receive, envelope = self._rules, self._on_receive, self.hand
        while envelope is not None:
            message = envelope.message
            try:
                if rules.active or type(message) in PYKKA_MESSAGES:
                    response = self._receive(message)
                else:  # what that comes to
                    response = on_receive(message)
                if envelope.reply_to is not None:
                    envelope.reply_to.set(response)
            except Exception:  # noqa: BLE001  # a handler may raise anything
                self._handler_failed(envelope)
            except (Killed, GreenletExit):
                if self._parked is not None:
                    raise  # to who has killed it
            except BaseException:  # noqa: BLE001  # Pykka takes it for the end of the program
                self._actor._stop()  # noqa: SLF001  # as Pykka's own loop does
                ActorRegistry.stop_all()
            if self.mail or self.closed or self.paused:
                envelope = self._next()
            else:
                self.hand = envelope = None
                self._idle = True
        clock.running = None

    def _next(self) -> Envelope[Any] | None:
        """The next message, if it waits and its service takes no time."""
        if self.closed and (self.killed or self._actor.actor_stopped.is_set()):
            self.ended = True
            self._actor._actor_loop_teardown()  # noqa: SLF001  # as Pykka's own loop does
            return None
        if self.mail and not self.paused:
            envelope = self.hand = self.mail.popleft()
            if self.guarded:
                self._taken(envelope)
            now_s = self.begun_s = self._clock.now_s
            service, works = self.service, self.works
            if service is None or not (works is None or type(envelope.message) in works):
                return envelope
            seconds = service()
            if seconds <= 0.0:
                return envelope
            self._serve(seconds, now_s)
            return None
        self.hand = None
        if self.paused:
            self._halted = "mail"
        else:
            self._idle = True
        return None

    def _handler_failed(self, envelope: Envelope[Any]) -> None:
        """What Pykka makes of an error: the answer, if there is to be one, or the end of the actor."""
        actor, reply = self._actor, envelope.reply_to
        if reply is not None:
            _log.info("%s raised an error, which is the answer:", actor, exc_info=True)
            reply.set_exception()
            return
        actor._handle_failure(*sys.exc_info())  # noqa: SLF001  # as Pykka's own loop does
        try:
            actor.on_failure(*sys.exc_info())
        except Exception:  # noqa: BLE001  # a hook may raise anything
            actor._handle_failure(*sys.exc_info())  # noqa: SLF001  # as above

    # -- waiting ---------------------------------------------------------------------------------------

    def _serve(self, seconds: float, now: float) -> None:
        """Wake when so much service has been given; pauses do not count."""
        self._served_from_s = now
        self._service_s = seconds
        call = self._call
        call.act = self._on_served
        self._clock.call_in(seconds, call)

    def work(self, seconds: float) -> None:
        """Inside a handler: spend service time."""
        if seconds > 0.0:
            if self.killed:
                raise Killed
            self._serve(seconds, self._clock.now_s)
            self.park()

    def sleep(self, seconds: float) -> None:
        """Inside a handler: let time pass."""
        self.wake_after(seconds)
        self.park()

    def wake_after(self, seconds: float) -> Call:
        """Schedule the end of a wait; the call returned can be taken back."""
        call = Call(self._on_wake)
        self._clock.call_in(seconds, call)
        return call

    def park(self) -> None:
        """Inside a handler: leave the clock to others until woken."""
        if self.killed:
            raise Killed
        self._parked = getcurrent()
        self._clock.park()
        self._parked = None
        self._clock.running = self

    def wait_for(self, what: str, whom: str) -> None:
        """Inside a handler: park until woken, on account of another actor."""
        self.waits_what, self.waits_for = what, whom
        try:
            self.park()
        finally:
            self.waits_what, self.waits_for = A_REPLY, None

    def wait_outside(self, inbox: Inbox, _entry: Entry) -> None:
        """Inside a handler: wait until the letter has come in, or has been sent away."""
        self.wait_for(ROOM, inbox.name)

    def _wake(self) -> None:
        if self.paused:
            self._halted = "wait"
        elif self._parked is not None:
            self._clock.resume(self._parked)
        elif not self.killed:
            self._begin()

    def _begin(self) -> None:
        self._clock.running = self
        try:
            self._live()
        except Killed:
            if self._parked is not None:
                raise  # to who has killed it
        self._clock.running = None

    # -- what faults do to it --------------------------------------------------------------------------

    def pause(self) -> None:
        """Freeze; messages go on arriving."""
        self.paused = True
        if self._idle:
            self._idle = False
            self._halted = "mail"
        elif self._call.act is not None:
            self._call.act = None
            self._call = Call()
            self._service_s -= self._clock.now_s - self._served_from_s
            self._halted = "service"

    def resume(self) -> int:
        """Go on where the pause came; return how many messages it has held up."""
        if not self.paused:
            return 0
        self.paused = False
        halted, self._halted = self._halted, ""
        held = len(self.mail) + (self.hand is not None)
        if halted == "service":
            self._serve(self._service_s, self._clock.now_s)
        elif halted == "wait":
            self.wake_after(0.0)
        elif halted == "mail":
            self._idle = True
            if self.mail:
                envelope = self.mail.popleft()
                self.put(envelope)
                if self.guarded:
                    self._taken(envelope)
        return held

    def kill(self) -> list[Envelope[Any]]:
        """End the process where it stands; return the messages that are lost with it."""
        lost = self._cut_off()
        self.ended = True
        self._idle = False
        self._call.act = None
        carrier = self._parked
        if carrier is not None:
            carrier.parent = getcurrent()  # where its end leads to
            with contextlib.suppress(Killed):
                carrier.throw(Killed)
            self._parked = None
        return lost
