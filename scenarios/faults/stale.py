"""`stale`: reads of a store, its log included, answer as of `by` ago, while writes land.

What a store was before the fault began is known only to one who has kept it: `prepare` sees to that.
"""

from collections.abc import Callable

from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Stale:
    """Sends every read to the past."""

    rank = Rank.ANSWERING

    def __init__(self, ago_s: float) -> None:
        self._treatment = Treatment(ago_s=ago_s)

    def on_call(self, _store: str, call: StoreCall) -> Treatment | None:
        """See `actors.runtime.rules.StoreRule`."""
        return self._treatment if call.operation == "read" else None


def prepare(fault: Fault, target: str, runtime: Runtime) -> None:
    """Let the store remember from now on what it was `by` ago; without it, no further back than the fault."""
    runtime.gate(target.removeprefix("store:")).remember(_ago_s(fault))


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each read."""
    prepare(fault, target, runtime)
    return runtime.add_store_rule(target.removeprefix("store:"), Stale(_ago_s(fault)))


def _ago_s(fault: Fault) -> float:
    assert isinstance(fault.by, int | float), "staleness is read with a duration in `by`"
    return fault.by
