"""An actor's life in virtual time: its inbox, and the greenlet in which its handlers run and may wait.

A message to an idle actor costs one scheduled call, at the end of its service; a message to a busy one waits
in the inbox and costs one when its turn comes, or none if its service takes no time. Whoever waits in a
handler parks the greenlet, and SimPy's clock goes on with what else is due.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from actors.runtime.inbox import Inbox, Killed
from simulation.clock import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._envelope import Envelope

    from actors.runtime.inbox import Entry
    from simulation.clock import Clock


A_REPLY = "a reply from"
ROOM = "room in the inbox of"
THE_LOCK = "a lock held by"
"""What a process waits for, as an error message puts it."""


class Fiber(greenlet):
    """The greenlet of a process. They are two objects: Python reads the fields of a greenlet slowly."""

    process: Process


def current() -> Process | None:
    """The process that runs now; None outside of any."""
    process: Process | None = getattr(getcurrent(), "process", None)
    return process


class Process(Inbox):
    """A thread of control in virtual time, with an inbox (Pykka's `put`, `get`, `empty`).

    At any moment it is idle (parked, inbox empty), serving (parked until the service of the message in hand
    ends), running, or waiting inside a handler. `paused` holds it where it is: a service keeps its remaining
    time, any other wait ends no sooner than the pause.
    """

    def __init__(self, clock: Clock, hub: greenlet, name: str, *, is_actor: bool = True) -> None:
        super().__init__(name)
        self.is_actor = is_actor
        self.service: Callable[[], float] | None = None  # draws service times; None: no message takes any
        self.works: frozenset[type] | None = None  # which messages take service; None: all
        self.begun_s = 0.0  # when the message in hand was taken
        self.paused = False
        self.closing = False  # the actor has stopped and empties its inbox
        self.waits_for: str | None = None  # the actor on which it waits
        self.waits_what = A_REPLY
        self._fiber = Fiber(parent=hub)
        self._fiber.process = self
        self._clock = clock
        self._to_hub = hub.switch
        self._call_in = clock.call_in
        self._idle = False
        self._served_from_s = 0.0
        self._service_s = 0.0
        self._halted: str = ""  # what a pause has interrupted: "mail", "service" or "wait"
        self._on_wake: Callable[[], object] = self._wake
        self._on_served: Callable[[], object] = self._fiber.switch
        self._call = Call()  # the end of the service; one object serves all services

    def live(self, life: Callable[[], object]) -> None:
        """Begin to run `life` now, until it returns or the process is killed."""

        def guarded() -> None:
            with contextlib.suppress(Killed):
                life()

        self._fiber.run = guarded
        self.wake_after(0.0)

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self.killed or self._fiber.dead

    # -- the inbox -------------------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Take a message in; an idle actor begins with it at once."""
        if self._idle:
            self._idle = False
            self.hand = envelope
            self.begun_s = self._served_from_s = self._clock.now_s
            service, works = self.service, self.works
            if service is None or (works is not None and type(envelope.message) not in works):
                seconds = 0.0
            else:
                seconds = service()
            # What `_serve` does, without the call: every message comes this way.
            self._service_s = seconds
            call = self._call
            call.act = self._on_served
            self._call_in(seconds, call)
        else:
            self.mail.append(envelope)

    def get(self) -> Envelope[Any]:
        """The next message, once its service has ended."""
        if self.mail and not self.paused:
            envelope = self.hand = self.mail.popleft()
            if self.guarded:
                self._taken(envelope)
            self.begun_s = self._clock.now_s
            if self.service is not None and (self.works is None or type(envelope.message) in self.works):
                seconds = 0.0 if self.closing else self.service()
                if seconds > 0.0:
                    self._serve(seconds, self.begun_s)
                    self._to_hub()
            return envelope
        self.hand = None
        if self.killed:
            raise Killed
        if self.paused:
            self._halted = "mail"
        else:
            self._idle = True
        self._to_hub()
        return self.hand  # type: ignore[return-value]  # put() or resume() has set it before the wake

    def _let_go(self, sender: Process) -> None:
        sender.waits_for = None
        sender.wake_after(0.0)

    # -- waiting ---------------------------------------------------------------------------------------

    def _serve(self, seconds: float, now: float) -> None:
        """Wake when so much service has been given; pauses do not count."""
        self._served_from_s = now
        self._service_s = seconds
        call = self._call
        call.act = self._on_served
        self._call_in(seconds, call)

    def work(self, seconds: float) -> None:
        """Inside a handler: spend service time."""
        if seconds > 0.0:
            if self.killed:
                raise Killed
            self._serve(seconds, self._clock.now_s)
            self._to_hub()

    def sleep(self, seconds: float) -> None:
        """Inside a handler: let time pass."""
        self.wake_after(seconds)
        self.park()

    def wake_after(self, seconds: float) -> Call:
        """Schedule the end of a wait; the call returned can be taken back."""
        call = Call(self._on_wake)
        self._call_in(seconds, call)
        return call

    def park(self) -> None:
        """Inside a handler: give control back to the clock until woken."""
        if self.killed:
            raise Killed
        self._to_hub()

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
        elif not self.killed:
            self._fiber.switch()

    # -- what faults do to it --------------------------------------------------------------------------

    def pause(self) -> None:
        """Freeze; messages go on arriving."""
        self.paused = True
        if self._idle:
            self._idle = False
            self._halted = "mail"
        elif self._call.act is self._on_served:
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
        self._idle = False
        self._call.act = None
        fiber = self._fiber
        if fiber.gr_frame is not None:  # it has begun, and is parked somewhere
            if getcurrent() is not fiber:
                fiber.parent = getcurrent()  # where its end leads to
            fiber.throw(Killed)
        return lost
