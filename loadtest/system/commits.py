"""When the events of one log were committed, as long as somebody has not applied them.

What is committed together has one instant, and is kept as one stretch of the log, whatever its length.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STRETCHES_MAX: Final = 1_000_000
"""So many stretches of a log are kept at most; of more the oldest are given up, but for the very first: who
is furthest behind is told since when.
"""

_GIVEN_UP_AT_ONCE: Final = STRETCHES_MAX // 100

_SPENT_MAX: Final = 1_000
"""So many stretches that are gone lie about at most, or as many as there are others."""


class Commits:
    """Stretches of one log, which do not overlap, by position.

    >>> commits = Commits()
    >>> commits.note(1, 3, at_s=0.5)
    >>> commits.note(4, 4, at_s=0.7)
    >>> list(commits.among(2, 5))
    [(2, 3, 0.5), (4, 4, 0.7)]
    >>> commits.forget_up_to(3)
    >>> commits.since_s(1)
    0.7
    """

    __slots__ = ("_begin", "_firsts", "_instants", "_lasts")

    def __init__(self) -> None:
        self._begin = 0  # what lies before is gone
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._instants: list[float] = []

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self._lasts) - self._begin

    def note(self, first: int, last: int, at_s: float) -> None:
        """Keep that the events at these positions were committed at this instant (s)."""
        place = len(self._lasts)
        if place > self._begin and first < self._lasts[-1]:  # another writer has come to say so earlier
            place = self._place(first)
        self._firsts.insert(place, first)
        self._lasts.insert(place, last)
        self._instants.insert(place, at_s)
        if len(self) > STRETCHES_MAX:
            self._delete(self._begin + 1, self._begin + 1 + _GIVEN_UP_AT_ONCE)

    def among(self, first: int, last: int) -> Iterator[tuple[int, int, float]]:
        """The parts of these positions whose commit is known: first, last, and the instant (s)."""
        for place in range(self._place(first), len(self._lasts)):
            begin = self._firsts[place]
            if begin > last:
                break
            yield max(first, begin), min(last, self._lasts[place]), self._instants[place]

    def at_s(self, position: int) -> float | None:
        """When (s) the event at this position was committed; None: it is not known."""
        return next((instant for _, _, instant in self.among(position, position)), None)

    def since_s(self, position: int) -> float | None:
        """When (s) the event at this position was committed, or else the first known after it, if any."""
        place = self._place(position)
        return self._instants[place] if place < len(self._instants) else None

    def forget_up_to(self, position: int) -> None:
        """Nobody will ask for what lies up to here."""
        self._go_on_at(self._place(position + 1))

    def _place(self, position: int) -> int:
        """Where the first stretch is that ends at the position or after it."""
        return bisect_left(self._lasts, position, self._begin)

    def _go_on_at(self, place: int) -> None:
        self._begin = place
        if place > max(_SPENT_MAX, len(self)):
            self._delete(0, place)
            self._begin = 0

    def _delete(self, begin: int, end: int) -> None:
        del self._firsts[begin:end], self._lasts[begin:end], self._instants[begin:end]
