"""What both runtimes share: names, incarnations, restarts, full inboxes, links and gates.

A runtime adds its clock and the three things that Pykka leaves to makers of actor types.
"""

from __future__ import annotations

import contextlib
import queue
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import pykka
import pykka.messages
from pykka import ActorDeadError, ActorRegistry

from actors.messages import Accepted, Command
from actors.runtime.handling import ActiveHandlingRule, HandlingRule, HandlingRules
from actors.runtime.inbox import Entry, Inbox, Killed, Letter
from actors.runtime.link import original
from actors.runtime.port import InboxFull, Reply, Runtime, RuntimeFailure
from actors.trace import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._envelope import Envelope

    from actors.policy import Overflow
    from actors.runtime.gate import RuleGate
    from actors.runtime.link import Link
    from actors.runtime.rules import LinkRule, StoreRule

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


class Incarnation:
    """A named actor: how to start it again, and the one that lives now."""

    def __init__(
        self,
        name: str,
        node: str,
        *,
        restart_s: float | None = None,
        bound: int = 0,
        overflow: Overflow = "reject",
        owner: str | None = None,
    ) -> None:
        self.name = name
        self.node = node
        self.restart_s = restart_s
        self.bound = bound
        self.overflow: Overflow = overflow
        self.owner = owner
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


class Effect:
    """What a fault does to a node while it lasts: by how much, and how often it has told."""

    __slots__ = ("amount", "hits")

    def __init__(self, amount: float) -> None:
        self.amount = amount
        self.hits = 0


class SupervisedRuntime(Runtime):
    """Starts actors under names, and starts them again when they fail or a crash has ended them."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.recorder = recorder or Recorder()
        self.failures: list[tuple[float, str, BaseException]] = []
        self._actors: dict[str, Incarnation] = {}
        self.overflows: dict[str, int] = {}  # per node: how many messages have met a full inbox
        self._inboxes: dict[str, Any] = {}  # of the incarnation that lives, or lived last
        self._links: dict[str, Link] = {}
        self._gates: dict[str, RuleGate] = {}
        self._handling: dict[str, HandlingRules] = {}
        self._pauses: dict[str, int] = {}
        self._crashes: dict[str, int] = {}
        self._skews: dict[str, list[Effect]] = {}
        self._slowings: dict[str, list[Effect]] = {}
        self._narrowings: dict[str, list[Effect]] = {}
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
    def _on_own_thread(self) -> bool:
        """Whether the caller is an actor of this runtime, which must not stop or pause others."""

    @abstractmethod
    def _sender(self) -> Any:
        """The inbox of the calling actor, which can wait for room in another; None: the caller cannot."""

    def _change_pace(self, node: str) -> None:
        """Take note that what slows the node has changed."""

    def _await_ends(self, actors: list[Incarnation]) -> None:
        """Wait until nothing is left of the killed incarnations of these actors."""

    # -- the clock -------------------------------------------------------------------------------------

    def clock(self, node: str) -> float:
        """See `Runtime`."""
        skews = self._skews.get(node)
        if not skews:
            return self.now()
        for skew in skews:
            skew.hits += 1
        return self.now() + sum(skew.amount for skew in skews)

    # -- actors ----------------------------------------------------------------------------------------

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
        """See `Runtime`."""
        if self._closed:
            raise RuntimeFailure(f"cannot start {name!r}: this runtime is closed; make another")
        known = self._actors.get(name)
        if known is not None and owner is not None:
            self._end(known)
            self._await_ends([known])
        if known is not None and known.alive:
            raise RuntimeFailure(f"an actor named {name!r} is alive already; stop it or choose another name")
        actor = Incarnation(
            name, node or name, restart_s=restart, bound=inbox, overflow=overflow, owner=owner
        )
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

    def tell(self, name: str, message: Any, incarnation: int | None = None) -> bool:
        """See `Runtime`."""
        try:
            inbox = self._inboxes[name]
        except KeyError:
            return False
        if incarnation is not None and incarnation != inbox.incarnation:
            return False
        if inbox.guarded:
            return self._offer(name, Letter(message), self._sender()).admission not in ("closed", "refused")
        inbox.put(Letter(message))
        return True

    def request(self, name: str, message: Any) -> Reply:
        """See `Runtime`."""
        reply = self.promise(name)
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.guarded:
            self._offer_request(name, Letter(message, reply), self._sender())
        else:
            inbox.put(Letter(message, reply))
        return reply

    def ask(self, name: str, message: Any, timeout: float | None = None) -> Any:
        """See `Runtime`; who waits for an answer does not wait for room besides."""
        inbox = self._inboxes.get(name)
        if inbox is None or not inbox.guarded:
            return super().ask(name, message, timeout)
        reply = self.promise(name)
        self._offer_request(name, Letter(message, reply), None)
        return reply.get(timeout=timeout)

    def _offer_request(self, name: str, letter: Letter, sender: Any) -> None:
        """Ask a guarded inbox to take a request in; a refusal is the answer."""
        admission = self._offer(name, letter, sender).admission if name in self._inboxes else "closed"
        error: Exception | None = None
        if admission == "closed":
            error = ActorDeadError(f"{name} not found")
        elif admission == "refused":
            limit = self._inboxes[name].limit
            error = InboxFull(f"inbox of {name} is full ({limit} messages); send less or try again later")
        if error is not None:
            assert letter.reply_to is not None, "a request has a reply"
            letter.reply_to.set_exception((type(error), error, None))

    def _offer(self, name: str, letter: Letter, sender: Any) -> Entry:
        """Ask a guarded inbox to take a letter in; wait, if the policy wants that and the sender can."""
        actor, inbox = self._actors[name], self._inboxes[name]
        entry = Entry(letter, sender)
        inbox.admit(entry, actor.overflow)
        if entry.met_full:
            self._count_overflow(actor.node, inbox)
            if sender is not None and actor.overflow == "block":
                sender.wait_outside(inbox, entry)
        return entry

    def _count_overflow(self, node: str, inbox: Inbox) -> None:
        self.overflows[node] = self.overflows.get(node, 0) + 1
        for narrowing in self._narrowings.get(node, ()):
            if narrowing.amount == inbox.limit:
                narrowing.hits += 1

    def nodes(self) -> list[str]:
        """The nodes that have been started, in the order of their first start."""
        return list(dict.fromkeys(actor.node for actor in list(self._actors.values())))

    def depth(self, node: str) -> int:
        """How many messages wait in the node's inboxes."""
        return self.depths().get(node, 0)

    def depths(self) -> dict[str, int]:
        """How many messages wait in the inboxes of each node, in the order of their first start."""
        found: dict[str, int] = {}
        for actor in list(self._actors.values()):
            ref, node = actor.ref, actor.node
            inbox: Any = () if ref is None else ref.actor_inbox
            found[node] = found.get(node, 0) + len(inbox)
        return found

    # -- links and stores ------------------------------------------------------------------------------

    def link(self, name: str) -> Link:
        """See `Runtime`."""
        link = self._links.get(name)
        if link is None:
            link = self._links[name] = self._make_link(name)
            if original(name) != name:
                self.link(original(name)).share_with(link)
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

    def handling(self, node: str) -> HandlingRules:
        """See `Runtime`."""
        rules = self._handling.get(node)
        if rules is None:
            rules = self._handling[node] = HandlingRules()
        return rules

    def add_handling_rule(self, node: str, rule: HandlingRule) -> Callable[[], int]:
        """See `Runtime`."""
        rules, active = self.handling(node), ActiveHandlingRule(rule)
        rules.add(active)

        def remove() -> int:
            rules.remove(active)
            return active.hits

        return remove

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
            actors = self._of(node)
            self._await_ends(actors)
            for actor in actors:
                if actor.owner is None:
                    self._incarnate(actor)

    def slow(self, node: str, by: float) -> Callable[[], int]:
        """See `Runtime`."""
        return self._affect(self._slowings, node, by, self._change_pace)

    def skew(self, node: str, by_s: float) -> Callable[[], int]:
        """See `Runtime`."""
        return self._affect(self._skews, node, by_s, lambda _node: None)

    def bound(self, node: str, to: int) -> Callable[[], int]:
        """See `Runtime`."""
        if to < 1:
            raise RuntimeFailure(f"an inbox cannot be bounded to {to} messages; bound it to at least one")
        return self._affect(self._narrowings, node, to, self._set_limits)

    def close(self) -> None:
        """See `Runtime`."""
        self._closed = True
        for actor in list(self._actors.values()):
            self._end(actor)

    def _affect(
        self, effects: dict[str, list[Effect]], node: str, amount: float, changed: Callable[[str], object]
    ) -> Callable[[], int]:
        """Add an effect on a node; what is returned ends it and says how often it has told."""
        effect = Effect(amount)
        effects[node] = [*effects.get(node, ()), effect]
        changed(node)

        def end() -> int:
            effects[node] = [other for other in effects[node] if other is not effect]
            changed(node)
            return effect.hits

        return end

    def _limit(self, actor: Incarnation) -> int | None:
        """How many messages may wait for the actor now; None: any number."""
        bounds = [int(narrowing.amount) for narrowing in self._narrowings.get(actor.node, ())]
        if actor.bound:
            bounds.append(actor.bound)
        return min(bounds, default=None)

    def _set_limits(self, node: str) -> None:
        for actor in self._of(node):
            if actor.ref is not None:
                actor.inbox.set_limit(self._limit(actor))

    def _is_held_up(self) -> bool:
        """Whether some node is paused, down or narrowed, until whoever has done that ends it."""
        return any(self._pauses.values()) or any(self._crashes.values()) or any(self._narrowings.values())

    def _is_narrowed(self, name: str) -> bool:
        """Whether a fault bounds the actor's inbox more than its policy does."""
        actor = self._actors.get(name)
        return actor is not None and self._limit(actor) != (actor.bound or None)

    def _of(self, node: str) -> list[Incarnation]:
        return [actor for actor in list(self._actors.values()) if actor.node == node]

    def _only_from_outside(self, what: str) -> None:
        if self._on_own_thread():
            raise RuntimeFailure(f"an actor cannot {what} a node or the clock; the owner of the runtime can")

    def _supervised(
        self, actor_class: type[A], actor: Incarnation, works: tuple[type, ...] | None
    ) -> type[A]:
        """The actor class with this runtime's hooks, and with its failures reported."""
        runtime = self
        rules = self.handling(actor.node)
        receive = actor_class.on_receive

        def handle_failure(self: pykka.Actor, kind: Any, value: Any, traceback: Any) -> None:
            cast("Inbox", self.actor_inbox).close()
            super(supervised, self)._handle_failure(kind, value, traceback)  # type: ignore[misc]
            runtime._failed(actor, self.actor_ref, value)

        def stop(self: pykka.Actor) -> None:
            super(supervised, self).stop()  # type: ignore[misc]
            cast("Inbox", self.actor_inbox).close()

        def stop_now(self: pykka.Actor) -> None:
            if cast("Inbox", self.actor_inbox).killed:
                # Pykka takes the end of a killed actor for an exit of the program and would stop every actor.
                raise Killed
            error = sys.exc_info()[1]
            if isinstance(error, KeyboardInterrupt):
                raise error  # the program is interrupted, not this actor
            cast("Inbox", self.actor_inbox).close()
            super(supervised, self)._stop()  # type: ignore[misc]
            runtime._end_parts(actor, self.actor_ref)

        def handle_receive(self: pykka.Actor, message: Any) -> Any:
            # Pykka asks of each message whether it is one of its own four kinds; nearly none is.
            if type(message) in PYKKA_MESSAGES:
                return super(supervised, self)._handle_receive(message)  # type: ignore[misc]
            if rules.active and isinstance(message, Command):
                return command_under_rules(self, message)
            return receive(self, message)

        def command_under_rules(self: pykka.Actor, command: Command) -> Any:
            _, times, other = rules.decide(command)
            answer: Any = Accepted(0, 0)  # what a bug acknowledges without doing it
            for _ in range(times):
                answer = self.on_receive(other or command)
            return answer

        hooks = self._hooks(actor.name, actor.node, works)

        def start_actor_loop(self: pykka.Actor) -> None:
            # It may say who it is, and be answered, before `start` returns its reference.
            inbox = cast("Inbox", self.actor_inbox)
            limit = runtime._limit(actor)
            if limit is not None:
                inbox.set_limit(limit)
            actor.ref = self.actor_ref
            inbox.incarnation = actor.number
            runtime._inboxes[actor.name] = inbox
            hooks["_start_actor_loop"](self)

        supervised: type[A] = type(
            actor_class.__name__,
            (actor_class,),
            {
                "__module__": actor_class.__module__,
                "__doc__": actor_class.__doc__,
                "_handle_receive": handle_receive,
                "_handle_failure": handle_failure,
                "stop": stop,
                "_stop": stop_now,
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
        """End an incarnation and its parts at once; whoever waits for them is told so.

        Returns how many messages are lost.
        """
        ref = actor.ref
        if ref is None or not ref.is_alive():
            return 0
        ref.actor_stopped.set()
        ActorRegistry.unregister(ref)
        lost: list[Envelope[Any]] = actor.inbox.kill()
        for envelope in lost:
            reply = envelope.reply_to
            if reply is not None:
                error = ActorDeadError(f"{actor.name} stopped before handling the message")
                with contextlib.suppress(queue.Full):  # answered just before the end
                    reply.set_exception((ActorDeadError, error, None))
        return len(lost) + self._end_parts(actor, ref)

    def _end_parts(self, actor: Incarnation, ref: pykka.ActorRef[Any]) -> int:
        """End what an incarnation owns; return how many messages are lost."""
        if not self._is_latest(actor, ref):
            return 0  # its parts are gone; what there is belongs to the next
        parts = [part for part in list(self._actors.values()) if part.owner == actor.name]
        return sum(self._end(part) for part in parts)

    def _failed(self, actor: Incarnation, ref: pykka.ActorRef[Any], error: BaseException) -> None:
        """Start a failed actor again as its policy says, unless a crash keeps it down."""
        self.failures.append((self.now(), actor.name, error))
        if not self._is_latest(actor, ref):
            return
        self._end_parts(actor, ref)
        if actor.restart_s is None or actor.owner is not None:
            return

        def restart() -> None:
            if self._actors[actor.name] is actor and not self._crashes.get(actor.node):
                self._incarnate(actor)

        self.call_at(self.now() + actor.restart_s, restart)

    def _is_latest(self, actor: Incarnation, ref: pykka.ActorRef[Any]) -> bool:
        """Whether nothing has been started under the name since."""
        if self._actors[actor.name] is not actor:
            return False
        return actor.ref is None or actor.ref.actor_urn == ref.actor_urn
