"""What each kind of fault does, one file a kind; `BEGIN` and `BEGIN_ON_LOAD` are the tables of them.

A fault begins on one target and returns the function that ends it, which says how many messages, calls,
nodes or requests it has touched. It decides, and leaves the carrying out to the runtime port, or to who makes
the requests of a load, so that it holds on every clock.
"""

from collections.abc import Callable
from typing import Protocol

from actors.runtime.port import Runtime
from scenarios.faults import (
    alter,
    bug,
    crash,
    cut,
    delay,
    drop,
    duplicate,
    error,
    exhaust,
    full,
    hold,
    hot,
    pause,
    poison,
    reorder,
    skew,
    slow,
    stale,
    surge,
    throttle,
    timeout,
    unavailable,
)
from scenarios.loads import Loads
from scenarios.randomness import Stream
from scenarios.scenario import Fault

End = Callable[[], int]


class Begin(Protocol):
    """Begins a fault on the named target now, with random choices from the stream."""

    def __call__(self, fault: Fault, target: str, runtime: Runtime, stream: Stream, /) -> End:
        """Return the function that ends the fault and counts what it touched."""
        ...


class BeginOnLoad(Protocol):
    """Begins a fault on the load of this name now, with random choices from the stream."""

    def __call__(self, fault: Fault, load: str, loads: Loads, stream: Stream, /) -> End:
        """Return the function that ends the fault and counts what it touched."""
        ...


class Prepare(Protocol):
    """Makes ready, before time starts, for a fault on the named target."""

    def __call__(self, fault: Fault, target: str, runtime: Runtime, /) -> None:
        """See the kind's own."""
        ...


BEGIN: dict[str, Begin] = {
    "alter": alter.begin,
    "bug": bug.begin,
    "poison": poison.begin,
    "crash": crash.begin,
    "cut": cut.begin,
    "delay": delay.begin,
    "drop": drop.begin,
    "duplicate": duplicate.begin,
    "hold": hold.begin,
    "reorder": reorder.begin,
    "throttle": throttle.begin,
    "error": error.begin,
    "exhaust": exhaust.begin,
    "full": full.begin,
    "pause": pause.begin,
    "skew": skew.begin,
    "slow": slow.begin,
    "stale": stale.begin,
    "timeout": timeout.begin,
    "unavailable": unavailable.begin,
}

BEGIN_ON_LOAD: dict[str, BeginOnLoad] = {"hot": hot.begin, "surge": surge.begin}

PREPARE: dict[str, Prepare] = {"stale": stale.prepare}
"""The kinds that are to be known of before they begin."""
