"""`unavailable`: every call to a store fails at once."""

from collections.abc import Callable

from actors.rules import StoreOperation
from actors.runtime import Runtime
from actors.stores.port import StoreUnavailable
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Unavailable:
    """Fails every call."""

    def on_call(self, store: str, operation: StoreOperation) -> StoreUnavailable:
        """See `actors.rules.StoreRule`."""
        return StoreUnavailable(f"store:{store} is unavailable; the {operation} may succeed later")


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each call."""
    return runtime.add_store_rule(target.removeprefix("store:"), Unavailable())
