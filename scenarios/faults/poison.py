"""`poison`: handling the nth event of a type always raises, wherever and however often it is tried.

The events are counted as they are committed, from the beginning of the fault.
"""

from collections.abc import Callable
from typing import Any

from actors.runtime.handling import Handling
from actors.runtime.port import Runtime
from actors.topology import CONSUMERS
from scenarios.faults.marking import Marked, mark
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Poisoned(Exception):
    """What handling a poisonous event raises."""


class Poison:
    """Lets every handling of the marked events fail."""

    def __init__(self, marked: Marked) -> None:
        self._marked = marked

    def on_handling(self, message: Any) -> Handling | None:
        """See `actors.runtime.handling.HandlingRule`."""
        if message not in self._marked:
            return None
        return Handling(Poisoned(f"{message.source} {message.position} cannot be handled"))


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each handling of the event."""
    marked, end_marking = mark(fault, target, runtime, stream)
    ends = [runtime.add_handling_rule(consumer, Poison(marked)) for consumer in CONSUMERS]

    def end() -> int:
        end_marking()
        return sum(end_one() for end_one in ends)

    return end
