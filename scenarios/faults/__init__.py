"""What each kind of fault does, one file a kind; `BEGIN` is the table of those that take effect.

A fault begins on one target of a runtime and returns the function that ends it, which says how many
messages, calls or nodes it has touched. It decides, and leaves the carrying out to the runtime port, so that
it holds on every clock.
"""

from collections.abc import Callable
from typing import Protocol

from actors.runtime import Runtime
from scenarios.faults import crash, cut, delay, pause, unavailable
from scenarios.randomness import Stream
from scenarios.scenario import Fault

End = Callable[[], int]


class Begin(Protocol):
    """Begins a fault on the named target now, with random choices from the stream."""

    def __call__(self, fault: Fault, target: str, runtime: Runtime, stream: Stream, /) -> End:
        """Return the function that ends the fault and counts what it touched."""
        ...


BEGIN: dict[str, Begin] = {
    "crash": crash.begin,
    "cut": cut.begin,
    "delay": delay.begin,
    "pause": pause.begin,
    "unavailable": unavailable.begin,
}
