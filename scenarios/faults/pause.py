"""`pause`: a node takes no further message; one in service keeps its remaining time; nothing is lost."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches the messages that it holds up."""
    runtime.pause(target)
    return lambda: runtime.resume(target)
