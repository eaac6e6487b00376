"""`crash`: a node stops at once, losing inbox and memory, and starts again from its checkpoint."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches the node and the messages that are lost with it."""
    lost = runtime.crash(target)

    def end() -> int:
        runtime.revive(target)
        return 1 + lost

    return end
