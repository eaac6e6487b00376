"""How far each consumer has applied each log, for readers that wait until a view has reached a position."""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Place:
    """The position up to which one consumer has applied everything of one log; it never goes back."""

    __slots__ = ("_lock", "_numbers", "_waiting", "reached")

    def __init__(self) -> None:
        self.reached = 0
        self._waiting: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._lock = threading.Lock()

    def advance(self, watermark: int) -> None:
        """Note how far the consumer is, and call those who wait for that."""
        if watermark > self.reached:
            self.reached = watermark
            if self._waiting:
                self._call()

    def when_reached(self, position: int, call: Callable[[], object]) -> None:
        """Call once the position is reached, at once if it is; the call must not wait.

        It runs where the position was reached: in the consumer.
        """
        with self._lock:
            heapq.heappush(self._waiting, (position, next(self._numbers), call))
        # Only now: a consumer that advanced just before may have seen nobody waiting.
        self._call()

    def _call(self) -> None:
        due = []
        with self._lock:
            while self._waiting and self._waiting[0][0] <= self.reached:
                due.append(heapq.heappop(self._waiting)[2])
        for call in due:
            call()


class Positions:
    """The place of each (consumer, source). Any thread may call it: consumers advance, readers wait.

    >>> positions = Positions()
    >>> positions.advance("summary", "orders", 3)
    >>> positions.reached("summary", "orders", 3), positions.reached("summary", "orders", 4)
    (True, False)
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, consumer: str, source: str) -> Place:
        """How far this consumer is with this log; for who asks or tells it often."""
        return self._places.get((consumer, source)) or self._places.setdefault((consumer, source), Place())

    def advance(self, consumer: str, source: str, watermark: int) -> None:
        """See `Place`."""
        self.place(consumer, source).advance(watermark)

    def reached(self, consumer: str, source: str, position: int) -> bool:
        """Whether everything up to the position is applied."""
        return self.place(consumer, source).reached >= position

    def when_reached(self, consumer: str, source: str, position: int, call: Callable[[], object]) -> None:
        """See `Place`."""
        self.place(consumer, source).when_reached(position, call)
