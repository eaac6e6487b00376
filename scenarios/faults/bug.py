"""`bug`: a node handles messages wrongly: it raises, applies nothing, applies twice, or sets fields wrong.

It concerns events at their consumers, the relay's deliveries, and commands; a command of which nothing is
applied is acknowledged all the same. Whatever has no such field as `set` names is handled as it should be.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.messages import Record
from actors.runtime.handling import Handling
from actors.runtime.port import Runtime
from scenarios.faults.choosing import Choice
from scenarios.faults.rewriting import rewritten
from scenarios.randomness import Stream
from scenarios.scenario import Fault


class Bug(Exception):
    """What a handler with a bug raises."""


class Buggy:
    """Chooses the messages that go wrong, and says how."""

    def __init__(self, fault: Fault, node: str, stream: Stream) -> None:
        self._fault = fault
        self._node = node
        self._choice = Choice(fault, stream)

    def on_handling(self, message: Any) -> Handling | None:
        """See `actors.runtime.handling.HandlingRule`."""
        if self._fault.form != "wrong":
            if not self._choice.takes(message):
                return None
            if self._fault.form == "raise":
                return Handling(Bug(f"a bug in {self._node}"))
            return Handling(times=0 if self._fault.form == "skip" else 2)
        wrong = _with_wrong_fields(message, self._fault.set or {})
        return Handling(message=wrong) if wrong is not None and self._choice.takes(message) else None


def _with_wrong_fields(message: Any, wrong: Any) -> Any:
    """The message with these fields set; None if it has none of them, or they cannot hold such values."""
    content = message.event if isinstance(message, Record) else message
    if not isinstance(content, msgspec.Struct):
        return None
    try:
        altered = rewritten(content, lambda field, value: (field, wrong.get(field, value)))
    except msgspec.ValidationError:
        return None
    if altered == content:
        return None
    return msgspec.structs.replace(message, event=altered) if isinstance(message, Record) else altered


def begin(fault: Fault, target: str, runtime: Runtime, stream: Stream) -> Callable[[], int]:
    """Touches the messages that go wrong."""
    return runtime.add_handling_rule(target, Buggy(fault, target, stream))
