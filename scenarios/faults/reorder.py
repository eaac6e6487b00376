"""`reorder`: each message on a link is held with probability `p` for a time drawn from `by`; later ones pass.

It is held aside even on a link that keeps the order.
"""

from collections.abc import Callable
from typing import Any

from actors.runtime.port import Runtime
from actors.runtime.rules import Passage
from scenarios.distributions import Distribution
from scenarios.faults.choosing import Choice, apart
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Reorder:
    """Holds the messages chosen aside."""

    stops_arrivals = False

    def __init__(self, choice: Choice, by: Callable[[], float]) -> None:
        self._choice = choice
        self._by = by

    def on_message(self, message: Any) -> Passage | None:
        """See `actors.runtime.rules.LinkRule`."""
        return Passage(aside=self._by()) if self._choice.takes(message) else None


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each message that it holds."""
    assert isinstance(fault.by, Distribution), "a reorder is read with a distribution in `by`"
    by = fault.by.sampler(apart(stream))
    return runtime.add_link_rule(target, Reorder(Choice(fault, stream), by))
