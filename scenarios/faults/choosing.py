"""Which messages a fault touches: of those that `where` means the `nth`, the `first` n, each with `p`."""

from typing import Any

from scenarios.faults.matching import matches
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Choice:
    """Chooses messages one by one; the draw about one does not depend on how many were chosen before."""

    def __init__(self, fault: Fault, stream: Stream) -> None:
        self._fault = fault
        self._stream = stream
        self._meant = 0
        self._chosen = 0

    def takes(self, message: Any) -> bool:
        """Whether the fault touches this message."""
        fault = self._fault
        if fault.where is not None and not matches(fault.where, message):
            return False
        self._meant += 1
        if fault.nth is not None and self._meant != fault.nth:
            return False
        if fault.p is not None and self._stream.uniform() >= fault.p:
            return False
        if fault.first is not None and self._chosen >= fault.first:
            return False
        self._chosen += 1
        return True


def apart(stream: Stream) -> Stream:
    """A stream of its own, seeded by another, for what a fault draws besides its choices."""
    return Stream(stream.below(2**53))
