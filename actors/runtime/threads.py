"""An actor's life on a thread: its inbox, the answers and the locks for which it waits.

A thread cannot be killed from outside. It waits only here, where a kill ends the wait at once.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from itertools import islice, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import pykka
from pykka import ActorDeadError

from actors.messages import Control
from actors.runtime.inbox import Inbox, Killed
from actors.runtime.port import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pykka._envelope import Envelope

    from actors.policy import Overflow
    from actors.runtime.inbox import Entry


_MESSAGE: Final = attrgetter("message")

_here = threading.local()
"""`_here.inbox` is the inbox of the actor whose thread this is."""


def own_inbox() -> LiveInbox | None:
    """The inbox of the actor, or other thread of control of a live runtime, whose thread this is."""
    return getattr(_here, "inbox", None)


class LiveInbox(Inbox):
    """An actor's inbox and its thread's waits: it can be held back, and cut off for good."""

    def __init__(self, name: str, *, is_actor: bool = True) -> None:
        super().__init__(name)
        self.is_actor = is_actor
        self.begun_s = 0.0  # when the message in hand was taken, by `time.monotonic`
        self.worked = False  # the message in hand has taken the node's service time, as it said itself
        self.lending = False  # the thread carries out a call of somebody else
        self.thread: threading.Thread | None = None
        self._paused = False
        self._idle = False
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._released: deque[LiveInbox] = deque()
        self._behind: list[Envelope[Any]] = []  # in hand behind `hand`, to be handled together with it
        self._paced_s = -math.inf

    def live(self, life: Callable[[], object]) -> None:
        """Begin to run `life` on a thread of its own, until it returns or the actor is killed."""

        def guarded() -> None:
            _here.inbox = self
            with contextlib.suppress(Killed):
                life()

        self.thread = threading.Thread(target=guarded, name=f"cqrs-lab {self.name}", daemon=True)
        self.thread.start()

    @property
    def is_running(self) -> bool:
        """Whether its thread has not ended yet, although it may have been killed."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def ended(self) -> bool:
        """Whether nothing of it counts any more."""
        return self.killed or not self.is_running

    # -- the inbox -------------------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Take a message in; an idle actor has it in hand at once, one that has closed meanwhile never."""
        with self._lock:
            dead = self.closed
            if not dead and self._idle and not self._paused:
                self._idle = False
                self.hand = envelope
                self._changed.notify_all()
            elif not dead:
                self.mail.append(envelope)
        if dead and envelope.reply_to is not None:
            error = ActorDeadError(f"{self.name} stopped before handling the message")
            envelope.reply_to.set_exception((ActorDeadError, error, None))

    def put_all(self, envelopes: Sequence[Envelope[Any]]) -> bool:
        """Take in messages that ask nothing, all or, if the actor has closed meanwhile, none of them."""
        with self._lock:
            if self.closed:
                return False
            self.mail.extend(envelopes)
            if self._idle and not self._paused:
                self._next()
                self._changed.notify_all()
        return True

    def get(self) -> Envelope[Any]:
        """The next message; waits for one, and for the end of a pause."""
        with self._lock:
            self._rest()
            self._next()
            while not self.killed and (self.hand is None or self._paused):
                self._changed.wait()
            envelope = self.hand
            if self.killed or envelope is None:
                raise Killed
            self.begun_s = time.monotonic()
            self.worked = False
        if self._released:
            self._wake_released()
        return envelope

    def admit(self, entry: Entry, overflow: Overflow) -> None:
        """See `Inbox`."""
        with self._lock:
            super().admit(entry, overflow)

    def set_limit(self, limit: int | None) -> None:
        """See `Inbox`."""
        with self._lock:
            super().set_limit(limit)
        self._wake_released()

    def close(self) -> None:
        """See `Inbox`."""
        with self._lock:
            super().close()
        self._wake_released()

    def pace(self, pace_s: float) -> None:
        """Wait until `pace_s` seconds after the last call; what is in hand counts as taken then."""
        wait_s = self._paced_s + pace_s - time.monotonic()
        if wait_s > 0.0:
            self.sleep(wait_s)
            self.begun_s = time.monotonic()
        self._paced_s = time.monotonic()

    def take_more(self, most: int, kinds: Collection[type]) -> list[Envelope[Any]]:
        """Take in hand what waits right behind the message in hand, as long as it is of one of the types.

        Returns all that is in hand, at most so many. Until all are handled, those behind the first count as
        waiting: a bound stays what it is. Of the types all are of control messages, or none is.
        """
        with self._lock:
            first, mail, behind = self.hand, self.mail, self._behind
            if self.killed or first is None:
                raise Killed
            waiting = [*islice(mail, most - 1 - len(behind))]
            fitting = [*takewhile(kinds.__contains__, map(type, map(_MESSAGE, waiting)))]
            for _ in fitting:
                mail.popleft()
            behind.extend(waiting[: len(fitting)])
            if self.limit is not None and isinstance(first.message, Control):
                self._controls -= len(behind)
            return [first, *behind]

    def __len__(self) -> int:
        """See `Inbox`."""
        return super().__len__() + self._group_waits

    @property
    def _full(self) -> bool:
        return self.limit is not None and len(self) >= self.limit

    @property
    def _group_waits(self) -> int:
        behind = self._behind
        return 0 if not behind or isinstance(behind[0].message, Control) else len(behind)

    def _cut_off(self) -> list[Envelope[Any]]:
        behind, self._behind = self._behind, []
        lost = super()._cut_off()
        return [*lost[:1], *behind, *lost[1:]]

    def _rest(self) -> None:
        if self._behind:
            self._behind = []
            self._let_in()
        self.hand = None
        self._idle = True

    def _next(self) -> None:
        """Hand out what waits, if it may be; the lock is held."""
        if self._idle and self.mail and not self._paused:
            self._idle = False
            envelope = self.hand = self.mail.popleft()
            self._taken(envelope)

    def _let_go(self, sender: LiveInbox) -> None:
        # Not yet: the lock is held, and the sender has one of its own.
        self._released.append(sender)

    def _wake_released(self) -> None:
        while self._released:
            self._released.popleft().wake()

    # -- waiting ---------------------------------------------------------------------------------------

    def wait_until(self, holds: Callable[[], bool], timeout: float | None = None) -> bool:
        """Let the thread wait until it holds, for at most `timeout` seconds; a pause makes it longer.

        `wake` makes it look again. Returns whether it holds; a kill raises `Killed`.
        """
        with self._lock:
            self._changed.wait_for(lambda: self.killed or holds(), timeout)
            self._changed.wait_for(lambda: self.killed or not self._paused)
            if self.killed:
                raise Killed
        return holds()

    def wake(self) -> None:
        """Let the thread look whether its wait is over."""
        with self._lock:
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait, unless the actor is killed meanwhile; a pause makes it longer."""
        self.wait_until(lambda: False, seconds)

    def check(self) -> None:
        """End the thread if its actor is killed; hold it while it is paused."""
        if self.killed or self._paused:
            self.wait_until(lambda: True)

    def wait_outside(self, _inbox: Inbox, entry: Entry) -> None:
        """Wait until the letter has come in, or has been sent away."""
        self.wait_until(lambda: entry.admission != "outside")

    # -- what faults do to it --------------------------------------------------------------------------

    def pause(self) -> None:
        """Hand out nothing from now on."""
        with self._lock:
            self._paused = True

    def resume(self) -> int:
        """Go on; return how many messages the pause has held up."""
        with self._lock:
            if not self._paused:
                return 0
            held = len(self.mail) + len(self._behind) + (self.hand is not None)
            self._paused = False
            self._next()
            self._changed.notify_all()
        self._wake_released()
        return held

    def kill(self) -> list[Envelope[Any]]:
        """Cut the actor off; return the messages that are lost with it."""
        with self._lock:
            lost = self._cut_off()
            for envelope in lost:
                reply = envelope.reply_to
                if isinstance(reply, LiveReply):
                    reply.crashed = True
            self._changed.notify_all()
        self._wake_released()
        return lost


class LiveReply(pykka.ThreadingFuture[Any], Reply):
    """Pykka's threading future, which can also call back; a killed actor does not wait for it any more."""

    def __init__(self) -> None:
        super().__init__()
        self._callbacks: list[Callable[[Reply], None]] = []
        self.crashed = False  # the answering actor is cut off: only the next answer, which says so, counts
        self._final = False

    def get(self, *, timeout: float | None = None) -> Any:
        """The answer, waiting for it at most `timeout` seconds."""
        inbox = own_inbox()
        if inbox is not None and self._get_hook is None and self._result is None:
            self.on_done(lambda _reply: inbox.wake())
            if not inbox.wait_until(lambda: self._result is not None, timeout):
                raise pykka.Timeout(f"{timeout} seconds")
        return super().get(timeout=timeout)

    def set(self, value: Any | None = None) -> None:
        """Give the answer."""
        with self._condition:  # who is cut off and who cuts off may both answer now
            if self.crashed:
                return
            super().set(value)
        self._call_back()

    def set_exception(self, exc_info: Any | None = None) -> None:
        """Give an error as the answer; without `exc_info` the one being handled."""
        with self._condition:
            if self._final:
                return
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
        if not callbacks:
            return
        inbox = own_inbox()
        before = inbox is not None and inbox.lending
        if inbox is not None:
            inbox.lending = True
        try:
            for callback in callbacks:
                callback(self)
        finally:
            if inbox is not None:
                inbox.lending = before


class LiveMutex:
    """A lock for `with`, not to be taken twice by one thread; a killed holder frees it as its thread ends."""

    def __init__(self) -> None:
        self._line: deque[LiveInbox] = deque()  # the holder, then who waits
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        caller = own_inbox()
        if caller is None:
            caller = LiveInbox("outside", is_actor=False)
        with self._lock:
            self._line.append(caller)
        try:
            caller.wait_until(lambda: self._line[0] is caller)
        except Killed:
            self._leave(caller)
            raise

    def __exit__(self, *exc_info: object) -> None:
        self._leave(self._line[0])

    def _leave(self, caller: LiveInbox) -> None:
        with self._lock:
            self._line.remove(caller)
            following = self._line[0] if self._line else None
        if following is not None:
            following.wake()
