"""`hold`: a link keeps all messages, and releases them in their order at the end.

It keeps them where they would arrive: also those that left before it began.
"""

import math
from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Spacing
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each message that it keeps."""
    return runtime.add_link_rule(target, Spacing(math.inf))
