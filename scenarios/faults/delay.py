"""`delay`: each message on a link takes longer, by a time drawn from `by`."""

from collections.abc import Callable
from typing import Any

from actors.runtime.port import Runtime
from actors.runtime.rules import Passage
from scenarios.distributions import Distribution
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Delay:
    """Adds a time to every message."""

    stops_arrivals = False

    def __init__(self, by: Callable[[], float]) -> None:
        self._by = by

    def on_message(self, _message: Any) -> Passage:
        """See `actors.runtime.rules.LinkRule`."""
        return Passage(after=self._by())


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each message sent."""
    assert isinstance(fault.by, Distribution), "a delay is read with a distribution in `by`"
    return runtime.add_link_rule(target, Delay(fault.by.sampler(stream)))
