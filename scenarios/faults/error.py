"""`error`: some calls to a store fail at once: each with probability `p`, or the `first` n, or both.

`where` restricts it to writes that change a row or append an event in which each of its fields has the value.
A consumer's handling of one event is one call to its own store.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from actors.messages import Record
from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from actors.stores.port import Delete, StoreError
from scenarios.faults.matching import matches
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Error:
    """Fails the calls that it chooses."""

    rank = Rank.REFUSING

    def __init__(self, fault: Fault, stream: Stream) -> None:
        self._fault = fault
        self._stream = stream
        self._failed = 0

    def on_call(self, store: str, call: StoreCall) -> Treatment | None:
        """See `actors.runtime.rules.StoreRule`."""
        fault = self._fault
        if fault.where is not None and not concerns(call, fault.where):
            return None
        if fault.p is not None and self._stream.uniform() >= fault.p:
            return None
        if fault.first is not None and self._failed >= fault.first:
            return None
        self._failed += 1
        return Treatment(StoreError(f"store:{store} failed the {call.operation}; another try may succeed"))


def concerns(call: StoreCall, where: Mapping[str, Any]) -> bool:
    """Whether a row or an event that the call writes has each of these fields with this value."""
    return any(matches(where, row) for row in _rows(call)) or any(
        matches(where, Record("", 0, new.key, new.recorded_at, new.event)) for new in call.events
    )


def _rows(call: StoreCall) -> list[Any]:
    """The rows that a write changes; of one to delete, its key."""
    return [
        SimpleNamespace(**dict(zip(change.table.key, change.key, strict=True)))
        if isinstance(change, Delete)
        else change.row
        for change in call.changes
    ]


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each call that it lets fail."""
    return runtime.add_store_rule(target.removeprefix("store:"), Error(fault, stream))
