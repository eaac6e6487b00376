"""`throttle`: at most `to` messages a second pass a link, 1/`to` apart; the rest wait until it ends."""

import math
from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Spacing
from scenarios.randomness import Stream
from scenarios.scenario import Fault


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each message that it lets wait."""
    assert fault.to is not None, "a throttle is read with a rate in `to`"
    return runtime.add_link_rule(target, Spacing(1.0 / fault.to if fault.to else math.inf))
