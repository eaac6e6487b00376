"""Marks some of the events of one type when they are committed, so that all who handle one agree about it."""

from collections.abc import Callable
from typing import Any

from actors.messages import Record
from actors.runtime.port import Runtime
from actors.topology import SOURCES
from scenarios.faults.choosing import Choice
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Marked:
    """The events of a type that a fault has chosen: the `nth` since it began, or by `p`, `first`, `where`."""

    def __init__(self, fault: Fault, target: str, stream: Stream) -> None:
        self._type = target.removeprefix("message:")
        self._choice = Choice(fault, stream)
        self._places: set[tuple[str, int]] = set()

    def __contains__(self, message: Any) -> bool:
        return isinstance(message, Record) and (message.source, message.position) in self._places

    def on_handling(self, message: Any) -> None:
        """Hear of a committed event, and choose it or not; see `actors.runtime.handling.HandlingRule`."""
        if type(message.event).__name__ == self._type and self._choice.takes(message):
            self._places.add((message.source, message.position))


def mark(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> tuple[Marked, Callable[[], None]]:
    """Begin to mark; what is returned ends it."""
    marked = Marked(fault, target, stream)
    ends = [runtime.add_handling_rule(f"log:{source}", marked) for source in SOURCES]

    def end() -> None:
        for end_one in ends:
            end_one()

    return marked, end
