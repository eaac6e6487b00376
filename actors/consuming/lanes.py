"""Lanes: several threads of control that share one consumer's work, each event in one of them.

By a key, all events of one key go through one lane and keep their order. Without one the lanes compete for
one queue, as servers do at one counter, and order is lost.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import pykka

from actors.messages import Again, Event, LaneFree, OrderPlaced, Record
from actors.policy import PartitionBy
from actors.runtime.port import Runtime


class Lane(pykka.Actor):
    """Handles one event after the other; a competing lane says when it waits for the next."""

    def __init__(self, handle: Callable[[Any], object], on_free: Callable[[], object] | None) -> None:
        super().__init__()
        self._handle = handle
        self._on_free = on_free

    def on_receive(self, message: Any) -> None:
        """Handle an event, or try one again."""
        self._handle(message)
        if self._on_free is not None and type(message) is Record:
            self._on_free()


class Lanes:
    """The lanes of one consumer, which owns them. Only the consumer's own thread of control calls them."""

    def __init__(
        self,
        runtime: Runtime,
        consumer: str,
        node: str,
        number: int,
        by: PartitionBy,
        inbox: int,
        works: tuple[type, ...],
        handle: Callable[[Any], object],
    ) -> None:
        self._runtime = runtime
        self._by: Final = by
        self._names = [f"{consumer}/lane {index}" for index in range(1, number + 1)]
        self._idle = deque(range(number))
        self._waiting: deque[Any] = deque()
        for index, name in enumerate(self._names):
            on_free = self._when_free(consumer, index) if by == "none" else None
            # A full lane lets the consumer wait, and so fills the consumer's own inbox.
            runtime.start(
                Lane,
                handle,
                on_free,
                name=name,
                node=node,
                works=works,
                inbox=inbox,
                overflow="block",
                owner=consumer,
            )

    def take(self, record: Record) -> None:
        """Hand an event to its lane, or to the first that is free."""
        if self._by != "none":
            self._runtime.tell(self._of(record), record)
        elif self._idle:
            self._runtime.tell(self._names[self._idle.popleft()], record)
        else:
            self._waiting.append(record)

    def try_again(self, message: Again) -> None:
        """Hand an event that has failed before to its lane, behind what waits there."""
        self._runtime.tell(self._of(message.record), message)

    def free(self, message: LaneFree) -> None:
        """A lane has nothing to do: it gets what has waited longest."""
        if self._waiting:
            self._runtime.tell(self._names[message.lane], self._waiting.popleft())
        else:
            self._idle.append(message.lane)

    def _of(self, record: Record) -> str:
        return self._names[key_of(record, self._by) % len(self._names)]

    def _when_free(self, consumer: str, index: int) -> Callable[[], object]:
        return lambda: self._runtime.tell(consumer, LaneFree(index))


def key_of(record: Record, by: PartitionBy) -> int:
    """What decides about the lane; an event that has no such field goes by the key of its record.

    >>> from actors.messages import InventoryUpdated
    >>> key_of(Record("inventory", 3, 7, 0.0, InventoryUpdated(product_id=7, available=5)), "customer")
    7
    """
    event: Event = record.event
    if by == "product":
        if isinstance(event, OrderPlaced):
            return event.lines[0].product_id
        return getattr(event, "product_id", record.key)
    key: int = getattr(event, f"{by}_id", record.key)
    return key
