"""`skew`: a node's clock reads so many seconds more than it should, or fewer."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each reading of the clock."""
    assert isinstance(fault.by, float | int), "a skew is read with a duration in `by`"
    return runtime.skew(target, fault.by)
