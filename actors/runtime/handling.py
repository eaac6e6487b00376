"""What a fault may decide about the handling of a message: a bug in a node, a poisonous or altered message.

As with links and stores, a rule only decides. Who handles a message (a consumer an event, any actor a
command, the relay what it relays) asks the rules of its node, and does as they say.
"""

import threading
from typing import Any, NamedTuple, Protocol


class Handling(NamedTuple):
    """How a message is handled: it fails with `error`, or takes effect `times` times (0: not at all).

    `message`, unless it is None, is handled in its place.
    """

    error: Exception | None = None
    times: int = 1
    message: Any = None


class HandlingRule(Protocol):
    """Decides about the messages that one node handles while a fault is active."""

    def on_handling(self, message: Any) -> Handling | None:
        """How the message is handled; None leaves it as it is."""
        ...


class ActiveHandlingRule:
    """A rule that a fault has put on a node, and how often it has decided something."""

    __slots__ = ("_lock", "hits", "rule")

    def __init__(self, rule: HandlingRule) -> None:
        self.rule = rule
        self.hits = 0
        self._lock = threading.Lock()  # a node may have several threads of control

    def decide(self, message: Any) -> Handling | None:
        """What the rule says about the message; counted if it says anything."""
        with self._lock:
            handling = self.rule.on_handling(message)
            if handling is not None:
                self.hits += 1
        return handling


class HandlingRules:
    """The rules of one node in the order in which they came; `active` while there are any."""

    __slots__ = ("_rules", "active")

    def __init__(self) -> None:
        self.active = False
        self._rules: list[ActiveHandlingRule] = []

    def add(self, active: ActiveHandlingRule) -> None:
        """Let the rule decide from now on."""
        self._rules = [*self._rules, active]
        self.active = True

    def remove(self, active: ActiveHandlingRule) -> None:
        """Let it decide no more."""
        self._rules = [other for other in self._rules if other is not active]
        self.active = bool(self._rules)

    def decide(self, message: Any) -> Handling:
        """What all rules together decide: each sees the message as the one before it has left it.

        Raises:
            Exception: the error with which the handling fails.

        """
        times = 1
        for active in self._rules:
            handling = active.decide(message)
            if handling is None:
                continue
            if handling.error is not None:
                raise handling.error
            times *= handling.times
            if handling.message is not None:
                message = handling.message
        return Handling(None, times, message)
