"""`cut`: nothing passes a link; a message under way when the cut begins does not arrive either."""

from collections.abc import Callable
from typing import Any

from actors.runtime.port import Runtime
from actors.runtime.rules import Passage
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Cut:
    """Loses every message."""

    stops_arrivals = True

    def on_message(self, _message: Any) -> Passage:
        """See `actors.runtime.rules.LinkRule`."""
        return Passage(lost=True)


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each attempt to send, and what it catches under way."""
    return runtime.add_link_rule(target, Cut())
