"""`duplicate`: each message on a link arrives again with probability `p`, a time drawn from `by` later."""

from collections.abc import Callable
from typing import Any

from actors.runtime.port import Runtime
from actors.runtime.rules import Passage
from scenarios.distributions import Distribution
from scenarios.faults.choosing import Choice, apart
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Duplicate:
    """Lets a copy of the messages chosen follow them."""

    stops_arrivals = False

    def __init__(self, choice: Choice, by: Callable[[], float]) -> None:
        self._choice = choice
        self._by = by

    def on_message(self, message: Any) -> Passage | None:
        """See `actors.runtime.rules.LinkRule`."""
        return Passage(again=self._by()) if self._choice.takes(message) else None


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each message of which it makes a copy."""
    assert isinstance(fault.by, Distribution), "a duplicate is read with a distribution in `by`"
    by = fault.by.sampler(apart(stream))
    return runtime.add_link_rule(target, Duplicate(Choice(fault, stream), by))
