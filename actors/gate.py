"""The gate before a store: what a call costs in virtual time, and how faults make it fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.link import ActiveRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.rules import StoreOperation, StoreRule
    from actors.runtime import Runtime


class RuleGate:
    """Stands before one store; `active` while calls take time (`time` draws it) or a fault may touch them."""

    def __init__(self, runtime: Runtime, store: str, time: Callable[[], float] | None = None) -> None:
        self.active = time is not None
        self._runtime = runtime
        self._store = store
        self._time = time
        self._rules: list[ActiveRule] = []

    def enter(self, operation: StoreOperation) -> None:
        """Fail as a fault says, else let the calling actor wait as long as the call takes."""
        for active in self._rules:
            error = active.rule.on_call(self._store, operation)
            if error is not None:
                active.hits += 1
                raise error
        if self._time is not None:
            self._runtime.sleep(self._time())

    def add(self, rule: StoreRule) -> Callable[[], int]:
        """Let the rule decide from now on; the function returned ends that and gives the number of hits."""
        active = ActiveRule(rule)
        self._rules = [*self._rules, active]
        self.active = True

        def remove() -> int:
            self._rules = [other for other in self._rules if other is not active]
            self.active = self._time is not None or bool(self._rules)
            return active.hits

        return remove
