"""An actor's inbox, and how it is bounded: which message enters, which is refused, which waits outside.

Each runtime completes `Inbox` with its own way of waiting.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from actors.messages import Control

if TYPE_CHECKING:
    import pykka
    from pykka._envelope import Envelope

    from actors.policy import Overflow

Admission = Literal["in", "outside", "refused", "dropped", "closed"]


class Killed(BaseException):
    """Ends the thread of control of a killed actor; nothing may catch it."""


class Letter(msgspec.Struct, gc=False):
    """A message in an inbox, and where the answer goes: what Pykka's loop asks of an envelope."""

    message: Any
    reply_to: pykka.Future[Any] | None = None


class Entry:
    """A letter at the door of an inbox, what has become of it, and who waits until it is in (if anybody)."""

    __slots__ = ("admission", "letter", "met_full", "sender")

    def __init__(self, letter: Letter, sender: Any) -> None:
        self.letter = letter
        self.sender = sender
        self.admission: Admission = "outside"
        self.met_full = False


class Inbox:
    """What waits for one incarnation of an actor; `hand` is the message that it has taken.

    With a `limit` so many messages may wait; control messages and what comes by Pykka's own references
    (`ActorRef.tell`, proxies) always enter, and control messages are not counted.
    """

    __slots__ = (
        "_controls",
        "_outside",
        "closed",
        "guarded",
        "hand",
        "incarnation",
        "killed",
        "limit",
        "mail",
        "name",
    )

    is_actor = True  # False: the inbox of a thread of control that only waits, to which nobody writes

    def __init__(self, name: str) -> None:
        self.name = name
        self.incarnation = 0  # of the actor whose inbox it is
        self.mail: deque[Envelope[Any]] = deque()
        self.hand: Envelope[Any] | None = None
        self.killed = False
        self.closed = False  # takes no further message
        self.guarded = False  # a message must ask first (`admit`), as the inbox is closed or bounded
        self.limit: int | None = None
        self._outside: deque[Entry] = deque()
        self._controls = 0  # how many control messages are in `mail`; counted only under a limit

    # -- what a runtime adds ---------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any]) -> None:
        """Take a message in."""
        raise NotImplementedError

    def _let_go(self, sender: Any) -> None:
        """Let a sender go on that has waited outside."""
        raise NotImplementedError

    # -- the door --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self.mail) - self._controls

    def empty(self) -> bool:
        """Whether no message waits, of any kind."""
        return not self.mail

    def admit(self, entry: Entry, overflow: Overflow) -> None:
        """Decide about a letter at the door; `overflow` says what becomes of one for which there is no room.

        Who comes while others wait outside waits behind them, so that nobody's messages change their order.
        """
        control = isinstance(entry.letter.message, Control)
        if self.closed:
            entry.admission = "closed"
        elif not self._outside and (control or not self._full):
            entry.admission = "in"
            self._enter(entry.letter)
        elif control:
            entry.sender = None  # waits behind the others, but nobody waits for it
            self._outside.append(entry)
        else:
            entry.met_full = True
            if overflow == "block":
                self._outside.append(entry)
            else:
                entry.admission = "refused" if overflow == "reject" else "dropped"

    def set_limit(self, limit: int | None) -> None:
        """Let at most so many messages wait from now on; those that do already stay."""
        self.limit = limit
        self.guarded = self.closed or limit is not None
        self._controls = 0 if limit is None else sum(isinstance(one.message, Control) for one in self.mail)
        self._let_in()

    def close(self) -> None:
        """Take no further message; who waits outside is sent away, and what only lies there comes in."""
        self._shut()

    # -- inside ----------------------------------------------------------------------------------------

    def _shut(self) -> None:
        while self._outside:
            entry = self._outside.popleft()
            if entry.sender is None:
                self._enter(entry.letter)
            else:
                entry.admission = "closed"
                self._let_go(entry.sender)
        self.closed = self.guarded = True

    @property
    def _full(self) -> bool:
        return self.limit is not None and len(self.mail) - self._controls >= self.limit

    def _enter(self, letter: Letter) -> None:
        before = len(self.mail)
        self.put(cast("Envelope[Any]", letter))  # it has what Pykka asks of an envelope
        # An idle actor has it in hand at once; then it does not wait.
        if self.limit is not None and isinstance(letter.message, Control) and len(self.mail) > before:
            self._controls += 1

    def _taken(self, envelope: Envelope[Any]) -> None:
        """A message has left `mail`: under a limit there may be room now."""
        if self.limit is not None and isinstance(envelope.message, Control):
            self._controls -= 1
        if self._outside:
            self._let_in()

    def _let_in(self) -> None:
        outside = self._outside
        while outside and (not self._full or isinstance(outside[0].letter.message, Control)):
            entry = outside.popleft()
            sender = entry.sender
            if sender is not None and sender.killed:
                continue  # it has not sent it, and never will
            entry.admission = "in"
            self._enter(entry.letter)
            if sender is not None:
                self._let_go(sender)

    def _cut_off(self) -> list[Envelope[Any]]:
        """Lose everything; return the messages that are lost, from the one in hand to those outside."""
        hand, self.hand = self.hand, None
        self._shut()
        self.killed = True
        lost = [hand, *self.mail] if hand is not None else list(self.mail)
        self.mail.clear()
        self._controls = 0
        return lost
