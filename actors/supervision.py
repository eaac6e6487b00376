"""What both runtimes share: names, incarnations, restarts, links and gates.

A runtime adds its clock and the three things that Pykka leaves to makers of actor types.
"""

from __future__ import annotations

import contextlib
import queue
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import msgspec
import pykka
import pykka.messages
from pykka import ActorDeadError, ActorRegistry

from actors.runtime import Reply, Runtime, RuntimeFailure
from actors.trace import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._envelope import Envelope

    from actors.gate import RuleGate
    from actors.link import Link
    from actors.rules import LinkRule, StoreRule

A = TypeVar("A", bound=pykka.Actor)


PYKKA_MESSAGES = frozenset(
    {
        pykka.messages._ActorStop,  # noqa: SLF001  # it has no public name
        pykka.messages.ProxyCall,
        pykka.messages.ProxyGetAttr,
        pykka.messages.ProxySetAttr,
    }
)
"""The messages that Pykka handles itself; any other is for `on_receive`."""


class Letter(msgspec.Struct, gc=False):
    """A message in an inbox, and where the answer goes: what Pykka's loop asks of an envelope."""

    message: Any
    reply_to: pykka.Future[Any] | None = None


class Incarnation:
    """A named actor: how to start it again, and the one that lives now."""

    def __init__(self, name: str, node: str, restart_s: float | None) -> None:
        self.name = name
        self.node = node
        self.restart_s = restart_s
        self.number = 0
        self.make: Callable[[], pykka.ActorRef[Any]]
        self.ref: pykka.ActorRef[Any] | None = None

    @property
    def inbox(self) -> Any:
        """The inbox of the one that lives now, or lived last."""
        return self.ref.actor_inbox if self.ref is not None else None

    @property
    def alive(self) -> bool:
        """Whether it takes messages."""
        return self.ref is not None and self.ref.is_alive()


class SupervisedRuntime(Runtime):
    """Starts actors under names, and starts them again when they fail or a crash has ended them."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.recorder = recorder or Recorder()
        self.failures: list[tuple[float, str, BaseException]] = []
        self._actors: dict[str, Incarnation] = {}
        self._inboxes: dict[str, Any] = {}  # of the incarnation that lives, or lived last
        self._links: dict[str, Link] = {}
        self._gates: dict[str, RuleGate] = {}
        self._pauses: dict[str, int] = {}
        self._crashes: dict[str, int] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- what a runtime adds ---------------------------------------------------------------------------

    @abstractmethod
    def _hooks(self, name: str, node: str, works: tuple[type, ...] | None) -> dict[str, Any]:
        """Pykka's three hooks for an actor of this name, by their method names."""

    @abstractmethod
    def _make_link(self, name: str) -> Link:
        """The link of this name."""

    @abstractmethod
    def _make_gate(self, store: str) -> RuleGate:
        """The gate before this store."""

    @abstractmethod
    def _make_reply(self, owner: str) -> Reply:
        """A reply that the named actor owes."""

    @abstractmethod
    def _on_own_thread(self) -> bool:
        """Whether the caller is an actor of this runtime, which must not stop or pause others."""

    # -- actors ----------------------------------------------------------------------------------------

    def start(
        self,
        actor_class: type[A],
        *args: Any,
        name: str,
        node: str | None = None,
        works: tuple[type, ...] | None = None,
        restart: float | None = None,
        **kwargs: Any,
    ) -> pykka.ActorRef[A]:
        """See `Runtime`."""
        if self._closed:
            raise RuntimeFailure(f"cannot start {name!r}: this runtime is closed; make another")
        known = self._actors.get(name)
        if known is not None and known.alive:
            raise RuntimeFailure(f"an actor named {name!r} is alive already; stop it or choose another name")
        actor = Incarnation(name, node or name, restart)
        actor.number = known.number if known is not None else 0
        supervised_class = self._supervised(actor_class, actor, works)
        actor.make = lambda: supervised_class.start(*args, **kwargs)
        self._actors[name] = actor
        self._incarnate(actor)
        return cast("pykka.ActorRef[A]", actor.ref)

    def ref(self, name: str) -> pykka.ActorRef[Any]:
        """The actor of this name, as it lives now or lived last.

        Raises:
            ActorDeadError: there never was one.

        """
        actor = self._actors.get(name)
        if actor is None or actor.ref is None:
            raise ActorDeadError(f"{name} not found")
        return actor.ref

    def incarnation(self, name: str) -> int:
        """See `Runtime`."""
        actor = self._actors.get(name)
        return actor.number if actor is not None else 0

    def is_alive(self, name: str) -> bool:
        """See `Runtime`."""
        inbox = self._inboxes.get(name)
        return inbox is not None and not inbox.closed

    def tell(self, name: str, message: Any) -> bool:
        """See `Runtime`."""
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.closed:
            return False
        inbox.put(Letter(message))
        return True

    def request(self, name: str, message: Any) -> Reply:
        """See `Runtime`."""
        reply = self._make_reply(name)
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.closed:
            reply.set_exception((ActorDeadError, ActorDeadError(f"{name} not found"), None))
        else:
            inbox.put(Letter(message, reply))
        return reply

    def nodes(self) -> list[str]:
        """The nodes that have been started, in the order of their first start."""
        return list(dict.fromkeys(actor.node for actor in self._actors.values()))

    def depth(self, node: str) -> int:
        """How many messages wait in the node's inboxes."""
        return sum(len(actor.inbox) for actor in self._of(node) if actor.ref is not None)

    # -- links and stores ------------------------------------------------------------------------------

    def link(self, name: str) -> Link:
        """See `Runtime`."""
        link = self._links.get(name)
        if link is None:
            link = self._links[name] = self._make_link(name)
        return link

    def gate(self, store: str) -> RuleGate:
        """See `Runtime`."""
        if store not in self._gates:
            self._gates[store] = self._make_gate(store)
        return self._gates[store]

    def add_link_rule(self, link: str, rule: LinkRule) -> Callable[[], int]:
        """See `Runtime`."""
        return self.link(link).add(rule)

    def add_store_rule(self, store: str, rule: StoreRule) -> Callable[[], int]:
        """See `Runtime`."""
        return self.gate(store).add(rule)

    # -- failures --------------------------------------------------------------------------------------

    def pause(self, node: str) -> None:
        """See `Runtime`."""
        self._only_from_outside("pause")
        self._pauses[node] = self._pauses.get(node, 0) + 1
        if self._pauses[node] == 1:
            for actor in self._of(node):
                if actor.ref is not None:
                    actor.inbox.pause()

    def resume(self, node: str) -> int:
        """See `Runtime`."""
        self._pauses[node] -= 1
        if self._pauses[node]:
            return 0
        return sum(actor.inbox.resume() for actor in self._of(node) if actor.ref is not None)

    def crash(self, node: str) -> int:
        """See `Runtime`."""
        self._only_from_outside("crash")
        self._crashes[node] = self._crashes.get(node, 0) + 1
        return sum(self._end(actor) for actor in self._of(node)) if self._crashes[node] == 1 else 0

    def revive(self, node: str) -> None:
        """See `Runtime`."""
        self._crashes[node] -= 1
        if self._crashes[node] == 0:
            for actor in self._of(node):
                self._incarnate(actor)

    def close(self) -> None:
        """See `Runtime`."""
        self._closed = True
        for actor in self._actors.values():
            self._end(actor)

    def _of(self, node: str) -> list[Incarnation]:
        return [actor for actor in self._actors.values() if actor.node == node]

    def _only_from_outside(self, what: str) -> None:
        if self._on_own_thread():
            raise RuntimeFailure(f"an actor cannot {what} a node or the clock; the owner of the runtime can")

    def _supervised(
        self, actor_class: type[A], actor: Incarnation, works: tuple[type, ...] | None
    ) -> type[A]:
        """The actor class with this runtime's hooks, and with its failures reported."""
        runtime = self

        def handle_failure(self: pykka.Actor, kind: Any, value: Any, traceback: Any) -> None:
            cast("Any", self.actor_inbox).closed = True
            super(supervised, self)._handle_failure(kind, value, traceback)  # type: ignore[misc]
            runtime._failed(actor, self.actor_ref, value)

        def stop(self: pykka.Actor) -> None:
            if cast("Any", self.actor_inbox).killed:
                # Pykka takes the end of a killed actor for an exit of the program and would stop every actor.
                raise Killed
            error = sys.exc_info()[1]
            if isinstance(error, KeyboardInterrupt):
                raise error  # the program is interrupted, not this actor
            cast("Any", self.actor_inbox).closed = True
            super(supervised, self)._stop()  # type: ignore[misc]

        def handle_receive(self: pykka.Actor, message: Any) -> Any:
            # Pykka asks of each message whether it is one of its own four kinds; nearly none is.
            if type(message) in PYKKA_MESSAGES:
                return super(supervised, self)._handle_receive(message)  # type: ignore[misc]
            return self.on_receive(message)

        hooks = self._hooks(actor.name, actor.node, works)

        def start_actor_loop(self: pykka.Actor) -> None:
            # It may say who it is, and be answered, before `start` returns its reference.
            actor.ref = self.actor_ref
            runtime._inboxes[actor.name] = self.actor_inbox
            hooks["_start_actor_loop"](self)

        supervised: type[A] = type(
            actor_class.__name__,
            (actor_class,),
            {
                "__module__": actor_class.__module__,
                "__doc__": actor_class.__doc__,
                "_handle_receive": handle_receive,
                "_handle_failure": handle_failure,
                "_stop": stop,
                **hooks,
                "_start_actor_loop": start_actor_loop,
            },
        )
        return supervised

    def _incarnate(self, actor: Incarnation) -> None:
        if actor.alive or self._closed:
            return
        actor.number += 1
        actor.make()
        if self._pauses.get(actor.node):
            actor.inbox.pause()

    def _end(self, actor: Incarnation) -> int:
        """End an incarnation at once; whoever waits for it is told so. Returns how many messages are lost."""
        ref = actor.ref
        if ref is None or not ref.is_alive():
            return 0
        ref.actor_stopped.set()
        ActorRegistry.unregister(ref)
        lost: list[Envelope[Any]] = actor.inbox.kill()
        for envelope in lost:
            if envelope.reply_to is not None:
                error = ActorDeadError(f"{actor.name} stopped before handling the message")
                with contextlib.suppress(queue.Full):  # answered just before the end
                    envelope.reply_to.set_exception((ActorDeadError, error, None))
        return len(lost)

    def _failed(self, actor: Incarnation, ref: pykka.ActorRef[Any], error: BaseException) -> None:
        """Start a failed actor again as its policy says, unless a crash keeps it down."""
        self.failures.append((self.now(), actor.name, error))
        if actor.restart_s is None or (actor.ref is not None and actor.ref.actor_urn != ref.actor_urn):
            return

        def restart() -> None:
            if not self._crashes.get(actor.node):
                self._incarnate(actor)

        self.call_at(self.now() + actor.restart_s, restart)


class Killed(BaseException):
    """Ends the thread of control of a killed actor; nothing may catch it."""
