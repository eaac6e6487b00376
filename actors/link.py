"""A link between two actors: how long a message is under way, and what faults do to it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.rules import LinkRule
    from actors.runtime import Runtime

    _Sent: TypeAlias = tuple[Any, int, int, Callable[[Any], object] | None]
    """A message under way, for which incarnation, on which connection, and who is told of its loss."""


class ActiveRule:
    """A rule that a fault has put on a link or a store, and how often it has decided something."""

    __slots__ = ("hits", "rule")

    def __init__(self, rule: Any) -> None:
        self.rule = rule
        self.hits = 0


class Link:
    """The way to one actor from another; `delay` draws how long a message takes (None: no time).

    A `fifo` link delivers in the order of sending; when it loses a message on its way, those behind it are
    lost with it, as on a connection that breaks, and nothing more can be sent with the same `lost`: who has
    not heard of the loss yet must not go on after it. On another link a later message may overtake.
    """

    def __init__(self, runtime: Runtime, name: str, delay: Callable[[], float] | None, *, fifo: bool) -> None:
        self._runtime = runtime
        self._target = name.partition("->")[2]
        self._delay = delay
        self._fifo = fifo
        self._rules: list[ActiveRule] = []
        self._lock = threading.Lock()
        self._last_arrival_s = float("-inf")
        self._under_way = 0
        self._line: deque[_Sent] = deque()  # what is under way on a fifo link, in the order of sending
        self._connection = 0  # counts how often the connection broke
        self._ended: Callable[[Any], object] | None = None  # the `lost` of the connection that broke last

    def add(self, rule: LinkRule) -> Callable[[], int]:
        """Let the rule decide from now on; the function returned ends that and gives the number of hits."""
        active = ActiveRule(rule)
        self._rules = [*self._rules, active]

        def remove() -> int:
            self._rules = [other for other in self._rules if other is not active]
            return active.hits

        return remove

    def send(
        self, message: Any, incarnation: int | None = None, lost: Callable[[Any], object] | None = None
    ) -> bool:
        """See `actors.runtime.Channel`."""
        runtime, target = self._runtime, self._target
        if incarnation is not None and incarnation != runtime.incarnation(target):
            return False
        if lost is not None and lost is self._ended:
            return False
        delay = self._delay() if self._delay is not None else 0.0
        for active in self._rules:
            passage = active.rule.on_message(message)
            if passage is not None:
                active.hits += 1
                if passage.lost:
                    return False
                delay += passage.after
        if delay <= 0.0 and self._under_way == 0:
            return runtime.tell(target, message)
        if not runtime.is_alive(target):
            return False
        with self._lock:
            arrival = runtime.now() + delay
            if self._fifo:
                arrival = self._last_arrival_s = max(arrival, self._last_arrival_s)
            sent = (message, runtime.incarnation(target), self._connection, lost)
            self._under_way += 1
            if self._fifo:
                self._line.append(sent)
            runtime.call_at(arrival, self._arrive, sent)
        return True

    def _arrive(self, sent: _Sent) -> None:
        with self._lock:
            self._under_way -= 1
            if self._fifo:
                # Calls at one instant may come in another order than made: a clock adds and rounds.
                sent = self._line.popleft()
            message, incarnation, connection, lost = sent
            broken = self._fifo and connection != self._connection
            for active in self._rules:
                if not active.rule.stops_arrivals:
                    continue
                passage = active.rule.on_message(message)
                if passage is not None and passage.lost:
                    active.hits += 1
                    if not broken:
                        self._connection += 1
                        self._ended = lost if self._fifo else None
                        broken = True
        runtime, target = self._runtime, self._target
        arrived = not broken and incarnation == runtime.incarnation(target) and runtime.tell(target, message)
        if not arrived and lost is not None:
            lost(message)
