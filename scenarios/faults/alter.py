"""`alter`: events come as a newer producer would write them, with fields renamed or removed.

While the fault lasts, those who handle such an event find it so: what they must have and do not find is an
error, what they can do without is left out. A consumer that is mended, at the end of the fault, reads both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.messages import Record
from actors.runtime.handling import Handling
from actors.runtime.port import Runtime
from actors.topology import CONSUMERS
from scenarios.faults.marking import Marked, mark
from scenarios.faults.rewriting import rewritten
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Unreadable(Exception):
    """What a consumer raises that does not find in an event what it needs."""


class Altered:
    """Gives consumers the marked events with other fields."""

    def __init__(self, marked: Marked, names: Mapping[str, Any]) -> None:
        self._marked = marked
        self._names = names

    def on_handling(self, message: Any) -> Handling | None:
        """See `actors.runtime.handling.HandlingRule`."""
        if message not in self._marked:
            return None
        assert isinstance(message, Record), "only records are marked"
        touched: set[str] = set()

        def renamed(field: str, value: Any) -> tuple[str, Any] | None:
            if field not in self._names:
                return field, value
            touched.add(field)
            name = self._names[field]
            return (str(name), value) if name != "" else None

        try:
            event = rewritten(message.event, renamed)
        except msgspec.ValidationError as error:
            return Handling(Unreadable(f"{message.source} {message.position}: {error}"))
        return Handling(message=msgspec.structs.replace(message, event=event)) if touched else None


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches each handling of such an event."""
    marked, end_marking = mark(fault, target, runtime, stream)
    ends = [runtime.add_handling_rule(consumer, Altered(marked, fault.set or {})) for consumer in CONSUMERS]

    def end() -> int:
        end_marking()
        return sum(end_one() for end_one in ends)

    return end
