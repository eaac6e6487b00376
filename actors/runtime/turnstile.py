"""The end of a link, where messages wait for their turn while a fault spaces their arrivals."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.runtime.port import Runtime
    from actors.runtime.rules import ActiveRule

ROUNDING_S = 1e-9
"""Instants that should be the same differ by less: sums of times are rounded."""


class Turnstile:
    """Lets messages pass in the order of their coming, as far apart as the widest spacing in force says.

    So that nothing overtakes, `take` is to be called on the runtime's clock, as it calls `let_pass` there.
    """

    def __init__(self, runtime: Runtime, let_pass: Callable[[Any], object]) -> None:
        self.in_use = False  # a message that comes must be handed to `take`
        self._runtime = runtime
        self._let_pass = let_pass
        self._lock = threading.Lock()
        self._spacings: list[ActiveRule] = []
        self._spacing_s = 0.0
        self._waiting: deque[Any] = deque()
        self._last_s = -math.inf  # when a message passed last since there is a spacing
        self._turn = 0  # the number of the next turn; what was scheduled for an earlier one is void

    def add(self, active: ActiveRule) -> None:
        """Put a `Spacing` in force; it touches what waits already, too."""
        with self._lock:
            active.touch(len(self._waiting))
            self._change([*self._spacings, active])

    def remove(self, active: ActiveRule) -> None:
        """Let a spacing hold no longer; what waits for no other passes now."""
        with self._lock:
            self._change([other for other in self._spacings if other is not active])

    def take(self, message: Any) -> None:
        """Let the message pass when its turn comes, at once if that is now."""
        with self._lock:
            now = self._runtime.now()
            waits = bool(self._waiting) or self._due_s() > now + ROUNDING_S
            if waits:
                for active in self._spacings:
                    active.touch()
                self._waiting.append(message)
                if len(self._waiting) == 1:
                    self._schedule()
            else:
                self._last_s = max(now, self._due_s())
        if not waits:
            self._let_pass(message)

    def discard(self, is_meant: Callable[[Any], bool]) -> list[Any]:
        """Take out those that wait and are meant, in the order of their coming."""
        with self._lock:
            out = [message for message in self._waiting if is_meant(message)]
            self._waiting = deque(message for message in self._waiting if not is_meant(message))
            self.in_use = bool(self._spacings or self._waiting)
            if out:
                self._schedule()
        return out

    def _change(self, spacings: list[ActiveRule]) -> None:
        if not self._spacings:
            self._last_s = -math.inf
        self._spacings = spacings
        self._spacing_s = max((active.rule.spacing_s for active in spacings), default=0.0)
        self.in_use = bool(spacings or self._waiting)
        self._schedule()

    def _due_s(self) -> float:
        """The instant from which on the next message may pass."""
        return math.inf if self._spacing_s == math.inf else self._last_s + self._spacing_s

    def _schedule(self) -> None:
        self._turn += 1
        due_s = self._due_s()
        if self._waiting and due_s < math.inf:
            self._runtime.call_at(max(due_s, self._runtime.now()), self._pass_next, self._turn)

    def _pass_next(self, turn: int) -> None:
        """Let one message pass, or all that wait if nothing spaces them any more."""
        while True:
            with self._lock:
                if turn != self._turn:
                    return
                message = self._waiting.popleft()
                self._last_s = max(self._due_s(), self._runtime.now())
                if self._spacing_s or not self._waiting:
                    self._schedule()  # this turn is over
                self.in_use = bool(self._spacings or self._waiting)
            self._let_pass(message)
