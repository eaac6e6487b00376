"""The runtime port: all that an actor may know of time, chance, links, other actors and the recorder.

The same actor code runs on every runtime. An actor is named; behind a name stands its current incarnation,
which a crash or a failure ends and a restart replaces. A handler may wait (`sleep`, `ask`, a store call);
only its own actor waits with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pykka

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from contextlib import AbstractContextManager

    from actors.policy import Overflow
    from actors.runtime.handling import HandlingRule, HandlingRules
    from actors.runtime.rules import LinkRule, StoreRule
    from actors.stores.port import Change, NewEvent, Store
    from actors.trace import Recorder

A = TypeVar("A", bound=pykka.Actor)
T = TypeVar("T")

MANY: Final = 8
"""So many messages that are handled together tell of a load under which groups are to be paced."""


class RuntimeFailure(Exception):
    """The run cannot go on; the message says why."""


class Deadlock(RuntimeFailure):
    """Actors wait for each other and nothing else can happen; the message says who waits for whom."""


class InboxFull(Exception):
    """An actor's inbox takes no more for now; the message says whose, and how many it holds."""


class Reply(pykka.Future[Any]):
    """A Pykka future that can also call back."""

    def on_done(self, callback: Callable[[Reply], None]) -> None:
        """Call `callback(self)` once the answer is there, at once if it is; the callback must not wait.

        It runs where the answer was set: in the answering actor.
        """
        raise NotImplementedError


class Timer(Protocol):
    """A call that will happen."""

    def cancel(self) -> None:
        """Make sure that the call does not happen; harmless afterwards."""
        ...


class Gate(Protocol):
    """Stands before a store: while `active` it makes every call, while it `remembers` every write."""

    active: bool
    remembers: bool

    @property
    def is_faulty(self) -> bool:
        """Whether some fault decides about the calls now."""
        ...

    def read(self, store: Store, ask: Callable[[Store], T]) -> T:
        """What `ask` is answered by the store, or by what it was, in the time that a call takes.

        Raises:
            StoreError: the one with which the call fails.

        """
        ...

    def write(self, store: Store, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """Write, in the time that a call takes.

        Raises:
            StoreError: the one with which the call fails; nothing was written.

        """
        ...

    def remember(self, ago_s: float) -> None:
        """From now on keep what the store was so long ago, for reads that a fault may send there."""
        ...


class Grouping(Protocol):
    """An actor that can handle several messages together, such as in one transaction.

    Where messages pile up in real time, a runtime may hand it what waits behind the message in hand instead
    of one after the other. In virtual time each message takes a service time of its own: nothing is grouped.

    With a property `pace_s` its groups begin at least so far apart (s): where much comes, fewer and larger
    ones cost less, and who waits for one waits longer.
    """

    def may_group(self, kind: type) -> Collection[type]:
        """The types of messages that may be handled together with one of this type now; none: it is alone."""
        ...

    def on_group(self, messages: Sequence[Any]) -> Iterable[Any]:
        """Handle messages that have come in this order, of types that may be handled together.

        The answers come in the same order, one for each message; an exception among them is what its asker
        gets. All of the messages are in hand meanwhile: a crash loses those that are not answered.
        """
        ...


class Channel(Protocol):
    """A link from one actor to another, with its delay and its faults."""

    def send(
        self, message: Any, incarnation: int | None = None, lost: Callable[[Any], object] | None = None
    ) -> bool:
        """Deliver the message, at once or later.

        With `incarnation` it reaches only that incarnation of the target, as bytes on a connection do.
        Returns False if it is certain at once that it does not arrive; `lost(message)` is called if that
        turns out on the way.
        """
        ...

    def send_all(self, messages: Sequence[Any], incarnation: int, lost: Callable[[Any], object]) -> int:
        """Send one after the other until one certainly does not arrive; return how many went before it."""
        ...

    def request(self, message: Any) -> Reply:
        """Ask over the link without waiting; the question is under way as any message, the answer is not.

        If the question is lost, the reply is a `pykka.ActorDeadError` as soon as that is certain.
        """
        ...


class Runtime(ABC):
    """Where actors live. Instants are seconds since the start of the run phase, negative in `warm`."""

    recorder: Recorder

    in_bulk = False
    """Whether messages are sent and handled many at a time where that is possible."""

    # -- time and chance -------------------------------------------------------------------------------

    @abstractmethod
    def now(self) -> float:
        """The instant on this runtime's clock."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let the calling actor wait; others go on."""

    @abstractmethod
    def work(self) -> None:
        """Let the calling actor spend its node's service time once more, for work beyond one message."""

    @abstractmethod
    def spend(self, purpose: str) -> None:
        """Let the calling actor spend the time that the named purpose takes, such as `checkpoint`."""

    @abstractmethod
    def after(self, delay: float, call: Callable[..., object], *args: Any) -> Timer:
        """Call `call(*args)` once, `delay` seconds from now; it must not wait.

        Called by an actor, the timer is part of that actor's memory: it dies with the incarnation.
        """

    @abstractmethod
    def call_at(self, instant: float, call: Callable[..., object], *args: Any) -> object:
        """Call `call(*args)` at the instant, whoever lives then; it must not wait."""

    @abstractmethod
    def clock(self, node: str) -> float:
        """What the node's own clock reads: `now`, and what a skew adds. For what is written, not measured."""

    @abstractmethod
    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        """Let `function(*args)` run from now on in a thread of control of its own, where it may wait."""

    @abstractmethod
    def mutex(self) -> AbstractContextManager[Any]:
        """A lock for `with` that one thread of control holds at a time; others wait, first come first served.

        It is freed when its holder ends, even by a crash.
        """

    @abstractmethod
    def random(self, name: str) -> Callable[[], float]:
        """Draws from [0, 1) of the named stream; one stream per purpose."""

    # -- actors ----------------------------------------------------------------------------------------

    @abstractmethod
    def start(
        self,
        actor_class: type[A],
        *args: Any,
        name: str,
        node: str | None = None,
        works: tuple[type, ...] | None = None,
        restart: float | None = None,
        inbox: int = 0,
        overflow: Overflow = "reject",
        owner: str | None = None,
        **kwargs: Any,
    ) -> pykka.ActorRef[A]:
        """Start an actor of this class, which may be any Pykka actor class.

        `name` is what others call it by; `node` (default: the name) is the process that it is part of, which
        faults and service times name. `works` are the types of message that take the node's service time
        (None: every message). `restart` is after how many seconds a failed actor is started anew with the
        same arguments; None: never.

        `inbox` bounds how many messages wait (0: no bound; control messages are never counted), `overflow`
        says what becomes of one more: it is refused (`reject`), vanishes (`drop`), or its sender waits
        (`block`). An actor with an `owner` is a part of another: it ends with it and is started by nobody
        but its owner; one of its name that is still alive is ended first.
        """

    @abstractmethod
    def incarnation(self, name: str) -> int:
        """How often an actor of this name has been started; 0 if never."""

    @abstractmethod
    def is_alive(self, name: str) -> bool:
        """Whether the named actor takes messages."""

    @abstractmethod
    def taken(self) -> float:
        """The instant at which the calling actor began with the message in hand."""

    def handled(self) -> tuple[float, float]:
        """What `taken` and `now` say."""
        return self.taken(), self.now()

    @abstractmethod
    def tell(self, name: str, message: Any, incarnation: int | None = None) -> bool:
        """Put the message into the named actor's inbox; False if no such actor is alive.

        With `incarnation` only that one of the actor counts.
        """

    def tell_all(self, name: str, messages: Sequence[Any]) -> int:
        """Put the messages into the named actor's inbox, in their order; return how many are in before the
        first that is not.
        """
        for told, message in enumerate(messages):
            if not self.tell(name, message):
                return told
        return len(messages)

    @abstractmethod
    def request(self, name: str, message: Any) -> Reply:
        """Ask without waiting. A dead actor's reply is a `pykka.ActorDeadError`."""

    @abstractmethod
    def promise(self, owner: str = "") -> Reply:
        """A reply that whoever holds it sets, and others may wait for; `owner` is the actor that owes it."""

    def ask(self, name: str, message: Any, timeout: float | None = None) -> Any:
        """Ask and wait for the answer.

        Raises:
            pykka.ActorDeadError: the actor is not alive or dies first.
            pykka.Timeout: no answer within `timeout` seconds.

        """
        return self.request(name, message).get(timeout=timeout)

    @abstractmethod
    def link(self, name: str) -> Channel:
        """The link of this name, such as `orders->summary`; it leads to the actor named after the arrow."""

    # -- failures --------------------------------------------------------------------------------------

    @abstractmethod
    def pause(self, node: str) -> None:
        """Let the node take no further message; one in service keeps its remaining time."""

    @abstractmethod
    def resume(self, node: str) -> int:
        """End a pause; return how many messages it held up."""

    @abstractmethod
    def crash(self, node: str) -> int:
        """Stop the node's actors at once, losing memory and inboxes; return how many messages were lost."""

    @abstractmethod
    def revive(self, node: str) -> None:
        """Start what a crash has stopped."""

    @abstractmethod
    def slow(self, node: str, by: float) -> Callable[[], int]:
        """Stretch the node's service times by a factor; what is returned ends it and counts the messages."""

    @abstractmethod
    def skew(self, node: str, by_s: float) -> Callable[[], int]:
        """Let the node's clock read `by_s` seconds more; what is returned ends it and counts the readings."""

    @abstractmethod
    def bound(self, node: str, to: int) -> Callable[[], int]:
        """Bound the node's inboxes, if they are not narrower; ends with the count of what met a full one."""

    @abstractmethod
    def gate(self, store: str) -> Gate:
        """The gate before the named store."""

    @abstractmethod
    def add_link_rule(self, link: str, rule: LinkRule) -> Callable[[], int]:
        """Let a rule decide about the link's messages; what is returned ends that and counts its hits."""

    @abstractmethod
    def add_store_rule(self, store: str, rule: StoreRule) -> Callable[[], int]:
        """Let a rule decide about the store's calls; what is returned ends that and counts its hits."""

    @abstractmethod
    def handling(self, node: str) -> HandlingRules:
        """The rules about what this node handles; under `log:orders` those that hear of each new event."""

    @abstractmethod
    def add_handling_rule(self, node: str, rule: HandlingRule) -> Callable[[], int]:
        """Let a rule decide about what the node handles; what is returned ends that and counts its hits."""

    @abstractmethod
    def close(self) -> None:
        """Stop every actor of this runtime and release what it holds."""


__all__ = [
    "Channel",
    "Deadlock",
    "Gate",
    "Grouping",
    "InboxFull",
    "Reply",
    "Runtime",
    "RuntimeFailure",
    "Timer",
]
