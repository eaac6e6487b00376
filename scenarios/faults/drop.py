"""`drop`: each message on a link is lost with probability `p`; what an outbox delivers is tried again."""

from collections.abc import Callable
from typing import Any

from actors.runtime.port import Runtime
from actors.runtime.rules import Passage
from scenarios.faults.choosing import Choice
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Drop:
    """Loses the messages chosen."""

    stops_arrivals = False

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def on_message(self, message: Any) -> Passage | None:
        """See `actors.runtime.rules.LinkRule`."""
        return Passage(lost=True) if self._choice.takes(message) else None


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each message that it loses; one that is tried again is another message."""
    return runtime.add_link_rule(target, Drop(Choice(fault, stream)))
