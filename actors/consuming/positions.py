"""How far each consumer has applied each log, for readers that wait until a view has reached a position."""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Positions:
    """The highest position up to which each (consumer, source) has applied everything; it never goes back.

    Any thread may call it: consumers advance, readers wait.

    >>> positions = Positions()
    >>> positions.advance("summary", "orders", 3)
    >>> positions.reached("summary", "orders", 3), positions.reached("summary", "orders", 4)
    (True, False)
    """

    def __init__(self) -> None:
        self._reached: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], list[tuple[int, int, Callable[[], object]]]] = {}
        self._numbers = count()
        self._lock = threading.Lock()

    def advance(self, consumer: str, source: str, watermark: int) -> None:
        """Note how far the consumer is, and call those who wait for that."""
        place = (consumer, source)
        if watermark > self._reached.get(place, 0):
            self._reached[place] = watermark
            if self._waiting:
                self._call(place)

    def reached(self, consumer: str, source: str, position: int) -> bool:
        """Whether everything up to the position is applied."""
        return self._reached.get((consumer, source), 0) >= position

    def when_reached(self, consumer: str, source: str, position: int, call: Callable[[], object]) -> None:
        """Call once the position is reached, at once if it is; the call must not wait.

        It runs where the position was reached: in the consumer.
        """
        place = (consumer, source)
        with self._lock:
            heapq.heappush(self._waiting.setdefault(place, []), (position, next(self._numbers), call))
        # Only now: a consumer that advanced just before may have seen nobody waiting.
        self._call(place)

    def _call(self, place: tuple[str, str]) -> None:
        due = []
        with self._lock:
            waiting = self._waiting.get(place)
            reached = self._reached.get(place, 0)
            while waiting and waiting[0][0] <= reached:
                due.append(heapq.heappop(waiting)[2])
            if waiting is not None and not waiting:
                del self._waiting[place]
        for call in due:
            call()
