"""A link between two actors: how long a message is under way, and what faults do to it."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pykka import ActorDeadError

from actors.runtime.rules import ActiveRule, Spacing
from actors.runtime.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.runtime.port import Reply, Runtime
    from actors.runtime.rules import LinkRule

    _Lost: TypeAlias = Callable[[Any], object] | None
    _Sent: TypeAlias = tuple[Any, int, int | None, _Lost, Reply | None]
    """A message under way, for which incarnation, on which connection, who is told of its loss, its reply."""


def original(link: str) -> str:
    """The link of which this one is a copy, or itself: what leads to a copy of a consumer is a copy.

    >>> original("orders->summary/2"), original("orders->summary")
    ('orders->summary', 'orders->summary')
    """
    source, arrow, target = link.partition("->")
    return f"{source}{arrow}{target.partition('/')[0]}"


class Link:
    """The way to one actor from another; `delay` draws how long a message takes (None: no time).

    A `fifo` link delivers in the order of sending, but for what a fault holds aside or sends again. When it
    loses a message on its way whose sender is told so (`lost`), those behind it are lost with it, as on a
    connection that breaks, and nothing more can be sent with the same `lost`: who has not heard of the loss
    yet must not go on after it. On another link a later message may overtake.
    """

    def __init__(self, runtime: Runtime, name: str, delay: Callable[[], float] | None, *, fifo: bool) -> None:
        self._runtime = runtime
        self._name = name
        self._target = name.partition("->")[2]
        self._delay = delay
        self._fifo = fifo
        self._rules: list[ActiveRule] = []
        self._copies: list[Link] = []
        self._lock = threading.Lock()
        self._last_arrival_s = float("-inf")
        self._under_way = 0  # how many messages nobody may overtake who comes now
        self._line: deque[_Sent] = deque()  # what is under way on a fifo link, in the order of sending
        self._turnstile = Turnstile(runtime, self._leave)
        self._connection = 0  # counts how often the connection broke
        self._ended: _Lost = None  # the `lost` of the connection that broke last

    # -- faults ----------------------------------------------------------------------------------------

    def add(self, rule: LinkRule) -> Callable[[], int]:
        """Let the rule decide from now on; the function returned ends that and gives the number of hits."""
        active = ActiveRule(rule)
        self.enforce(active)

        def remove() -> int:
            self.lift(active)
            return active.hits

        return remove

    def share_with(self, copy: Link) -> None:
        """Let every rule of this link, now and later, decide on another one too."""
        self._copies.append(copy)
        for active in self._rules:
            copy.enforce(active)

    def enforce(self, active: ActiveRule) -> None:
        """Let a rule that may be on other links too decide from now on."""
        # What stops everything goes first: it spares the others the decision.
        self._rules = sorted([*self._rules, active], key=lambda one: not one.rule.stops_arrivals)
        if isinstance(active.rule, Spacing):
            self._turnstile.add(active)
        for copy in self._copies:
            copy.enforce(active)

    def lift(self, active: ActiveRule) -> None:
        """Let it decide no more."""
        self._rules = [other for other in self._rules if other is not active]
        if isinstance(active.rule, Spacing):
            self._turnstile.remove(active)
        for copy in self._copies:
            copy.lift(active)

    # -- sending ---------------------------------------------------------------------------------------

    def send(self, message: Any, incarnation: int | None = None, lost: _Lost = None) -> bool:
        """See `actors.runtime.port.Channel`."""
        if self._rules or self._under_way or self._delay is not None:
            if incarnation is not None and incarnation != self._runtime.incarnation(self._target):
                return False
            return self._depart(message, lost, None)
        if lost is self._ended and lost is not None:
            return False
        return self._runtime.tell(self._target, message, incarnation)

    def send_all(self, messages: Sequence[Any], incarnation: int, lost: Callable[[Any], object]) -> int:
        """See `actors.runtime.port.Channel`."""
        runtime, target = self._runtime, self._target
        is_plain = not (self._rules or self._under_way or self._delay is not None or lost is self._ended)
        if is_plain and incarnation == runtime.incarnation(target):
            return runtime.tell_all(target, messages)
        for sent, message in enumerate(messages):
            if not self.send(message, incarnation, lost):
                return sent
        return len(messages)

    def request(self, message: Any) -> Reply:
        """See `actors.runtime.port.Channel`."""
        runtime, target = self._runtime, self._target
        if not self._rules and not self._under_way and self._delay is None:
            return runtime.request(target, message)
        reply = self._runtime.promise(self._target)
        if not self._depart(message, None, reply):
            self._cannot_reach(reply)
        return reply

    def _depart(self, message: Any, lost: _Lost, reply: Reply | None) -> bool:
        """Send a message on its way, as the rules say; False if it does not arrive."""
        runtime, target = self._runtime, self._target
        if lost is not None and lost is self._ended:
            return False
        delay = self._delay() if self._delay is not None else 0.0
        aside: float | None = None
        again: tuple[float, ...] = ()
        for active in self._rules:
            passage = active.decide(message)
            if passage is None:
                continue
            if passage.lost:
                return False
            delay += passage.after
            if passage.aside is not None:
                aside = passage.aside + (aside or 0.0)
            if passage.again is not None:
                again += (passage.again,)
        incarnation = runtime.incarnation(target)
        waits = delay > 0.0 or aside is not None or self._under_way or self._turnstile.in_use
        if not waits:
            arrival = runtime.now()
            if not self._hand_over(message, reply):
                return False
        elif not runtime.is_alive(target):
            return False
        else:
            with self._lock:
                if lost is not None and lost is self._ended:
                    return False
                arrival = runtime.now() + delay
                if self._fifo and arrival < self._last_arrival_s:
                    arrival = self._last_arrival_s
                if aside is not None:
                    arrival += aside
                    runtime.call_at(arrival, self._arrive_aside, (message, incarnation, None, lost, reply))
                else:
                    self._under_way += 1
                    connection = None
                    if self._fifo:
                        self._last_arrival_s = arrival
                        if lost is not None:
                            connection = self._connection
                    sent = (message, incarnation, connection, lost, reply)
                    if self._fifo:
                        self._line.append(sent)
                    runtime.call_at(arrival, self._arrive, sent)
        for by in again:
            unheard = None if reply is None else self._runtime.promise(self._target)
            copy = (message, incarnation, None, None, unheard)
            runtime.call_at(arrival + by, self._arrive_aside, copy)
        return True

    # -- arriving: on the runtime's clock --------------------------------------------------------------

    def _arrive(self, sent: _Sent) -> None:
        if self._fifo:
            # Calls at one instant may come in another order than made: a clock adds and rounds.
            sent = self._line.popleft()
        if self._rules or self._turnstile.in_use:
            self._come(sent)
        else:
            self._end(sent)

    def _arrive_aside(self, sent: _Sent) -> None:
        with self._lock:
            self._under_way += 1
        self._come(sent)

    def _come(self, sent: _Sent) -> None:
        """A message has come to the end of the link, where it may have to wait."""
        if self._is_stopped(sent):
            self._lose(sent)
        elif self._turnstile.in_use:
            self._turnstile.take(sent)
        else:
            self._end(sent)

    def _leave(self, sent: _Sent) -> None:
        """A message has waited at the end of the link for long enough."""
        if self._is_stopped(sent):
            self._lose(sent, has_waited=True)
        else:
            self._end(sent, has_waited=True)

    def _is_stopped(self, sent: _Sent) -> bool:
        for active in self._rules:
            if active.rule.stops_arrivals:
                passage = active.decide(sent[0])
                if passage is not None and passage.lost:
                    return True
        return False

    def _end(self, sent: _Sent, *, has_waited: bool = False) -> None:
        """Hand the message over, unless its connection is broken or it was for another incarnation."""
        message, incarnation, connection, _, reply = sent
        if (
            (connection is None or connection == self._connection)
            and incarnation == self._runtime.incarnation(self._target)
            and self._hand_over(message, reply)
        ):
            with self._lock:
                self._under_way -= 1
        else:
            self._lose(sent, has_waited=has_waited)

    def _lose(self, sent: _Sent, *, has_waited: bool = False) -> None:
        """Tell the sender that the message is lost, and whatever is lost with it, in the order of sending."""
        _, incarnation, connection, lost, _ = sent
        gone = [sent]
        # What the next incarnation is sent is on the same connection, and is not behind this message.
        if connection == self._connection and incarnation == self._runtime.incarnation(self._target):
            with self._lock:
                self._connection += 1
                self._ended = lost
            waiting = self._turnstile.discard(lambda other: other[2] == connection)
            gone = [sent, *waiting] if has_waited else [*waiting, sent]
        with self._lock:
            self._under_way -= len(gone)
        for message, _, _, lost_one, reply in gone:
            if lost_one is not None:
                lost_one(message)
            if reply is not None:
                self._cannot_reach(reply)

    # -- handing over ----------------------------------------------------------------------------------

    def _hand_over(self, message: Any, reply: Reply | None) -> bool:
        if reply is None:
            return self._runtime.tell(self._target, message)
        self._runtime.request(self._target, message).on_done(partial(_pass_on, reply))
        return True

    def _cannot_reach(self, reply: Reply) -> None:
        error = ActorDeadError(f"{self._target} cannot be reached over {self._name}; try again later")
        reply.set_exception((ActorDeadError, error, None))


def _pass_on(reply: Reply, answered: Reply) -> None:
    """Give the answer that is there as the answer of another reply."""
    try:
        answer = answered.get()
    except Exception:  # noqa: BLE001  # whatever the handler raised is the answer
        reply.set_exception()
    else:
        reply.set(answer)
