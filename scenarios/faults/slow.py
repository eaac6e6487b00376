"""`slow`: a node's service times, or the times of the calls to a store, are `by` times as long."""

from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Slow:
    """Stretches every call."""

    rank = Rank.ANSWERING

    def __init__(self, times: float) -> None:
        self._treatment = Treatment(times=times)

    def on_call(self, _store: str, _call: StoreCall) -> Treatment:
        """See `actors.runtime.rules.StoreRule`."""
        return self._treatment


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each message or call that takes any time."""
    assert isinstance(fault.by, int | float), "slowness is read with a factor in `by`"
    if target.startswith("store:"):
        return runtime.add_store_rule(target.removeprefix("store:"), Slow(fault.by))
    return runtime.slow(target, fault.by)
