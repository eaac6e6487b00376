"""`unavailable`: every call to a store fails at once."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from actors.stores.port import StoreUnavailable
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Unavailable:
    """Fails every call."""

    rank = Rank.UNREACHABLE

    def on_call(self, store: str, call: StoreCall) -> Treatment:
        """See `actors.runtime.rules.StoreRule`."""
        return Treatment(
            StoreUnavailable(f"store:{store} is unavailable; the {call.operation} may succeed later")
        )


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each call."""
    return runtime.add_store_rule(target.removeprefix("store:"), Unavailable())
