"""`timeout`: calls to a store never answer, and do not reach it; their callers give up after `by`."""

from collections.abc import Callable
from typing import Final

from actors.runtime.port import Runtime
from actors.runtime.rules import Rank, StoreCall, Treatment
from actors.stores.port import StoreUnavailable
from scenarios.randomness import Stream
from scenarios.scenario import Fault

CALLER_TIMEOUT_S: Final = 1.0
"""After how long a caller gives up, unless the fault says otherwise."""


class TimeOut:
    """Lets every call fail after the time that its caller waits."""

    rank = Rank.SILENT

    def __init__(self, caller_timeout_s: float) -> None:
        self._caller_timeout_s = caller_timeout_s

    def on_call(self, store: str, call: StoreCall) -> Treatment:
        """See `actors.runtime.rules.StoreRule`."""
        error = StoreUnavailable(
            f"store:{store} did not answer the {call.operation} within {self._caller_timeout_s:.9g} s; "
            "it may succeed later"
        )
        return Treatment(error, wait_s=self._caller_timeout_s)


def begin(fault: Fault, target: str, runtime: Runtime, _stream: Stream) -> Callable[[], int]:
    """Touches each call that begins while it lasts."""
    by = CALLER_TIMEOUT_S if fault.by is None else fault.by
    assert isinstance(by, int | float), "a timeout is read with a duration in `by`"
    return runtime.add_store_rule(target.removeprefix("store:"), TimeOut(by))
