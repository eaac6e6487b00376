"""`surge`: requests of a load arrive `by` times as often.

What is added comes from an independent copy of the load, (`by` − 1) times as fast, so that the load's own
requests are those that would come without the fault. Of a closed load's users there are `by` times as many.
"""

from collections.abc import Callable

from scenarios.arrivals import Arrivals, Closed, Open
from scenarios.loads import Added, LoadRule, Loads
from scenarios.randomness import Stream, Streams
from scenarios.scenario import Fault


class Surge(LoadRule):
    """Adds requests if `by` is above 1; below 1 it keeps each with that probability."""

    def __init__(self, by: float, stream: Stream) -> None:
        self._by = by
        self._stream = stream

    def added(self, load: Arrivals) -> Added | None:
        """See `LoadRule`."""
        more = self._by - 1.0
        if isinstance(load, Open) and more > 0.0:
            return Added(load.quickened(more), self._streams())
        if isinstance(load, Closed) and (users := round(more * load.users)) > 0:
            return Added(Closed(users, load.think), self._streams())
        return None

    def keeps(self, load: Arrivals, user: int | None) -> bool:
        """See `LoadRule`; of the users of a closed load it is the first ones that pause."""
        if self._by >= 1.0:
            return True
        if isinstance(load, Closed) and user is not None:
            return user >= round((1.0 - self._by) * load.users)
        return self._stream.uniform() < self._by

    def _streams(self) -> Streams:
        """Streams of its own for all that is added."""
        return Streams(self._stream.below(2**53))


def begin(fault: Fault, load: str, loads: Loads, stream: Stream) -> Callable[[], int]:
    """Touches each request that is added or left out."""
    assert isinstance(fault.by, int | float), "a surge is read with a factor in `by`"
    return loads.add_load_rule(load, Surge(fault.by, stream))
