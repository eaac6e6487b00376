"""`exhaust`: a node's inboxes hold at most `to` messages; its own policy says what becomes of one more."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each message that finds the inbox full."""
    assert isinstance(fault.to, int), "an exhausted node is read with a count in `to`"
    return runtime.bound(target, fault.to)
