"""`full`: a store refuses writes for want of space, and serves reads."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from actors.stores.port import StoreFull
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Full:
    """Fails every write."""

    rank = Rank.REFUSING

    def on_call(self, store: str, call: StoreCall) -> Treatment | None:
        """See `actors.runtime.rules.StoreRule`."""
        if call.operation == "read":
            return None
        return Treatment(StoreFull(f"store:{store} is full; the write may succeed once there is room again"))


def begin(_fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each write."""
    return runtime.add_store_rule(target.removeprefix("store:"), Full())
