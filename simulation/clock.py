"""The clock of virtual time: SimPy's environment, with a shorter way for what is only a call.

SimPy's own `step` is made for events of any kind, that may fail and that many wait for. Nearly everything
here is one call at one instant, for which there is half as much to do. It reads what an environment keeps
for its subclasses (`_queue`, `_now`, `_eid`), as SimPy's own real-time environment does; SimPy's events and
processes run on it as on any other.

>>> clock = Clock(-1.0)
>>> clock.call_in(0.5, Call(lambda: print("called at", clock.now_s)))
>>> clock.run_before(0.0)
called at -0.5
>>> clock.now_s
0.0
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL

if TYPE_CHECKING:
    from collections.abc import Callable


class Call:
    """A call that is due at an instant; None in `act` takes it back. Once made, it may be scheduled again."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act


class Clock(simpy.Environment):
    """An environment that can be handed `Call`s; `now_s` is `now`, at less than the price of a property."""

    def __init__(self, start_s: float) -> None:
        super().__init__(start_s)
        self.now_s = start_s

    def call_in(self, delay: float, call: Call) -> None:
        """Put a call on the clock, `delay` seconds from now."""
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), call))  # type: ignore[misc]

    def run_before(self, until: float) -> None:
        """Let everything happen that is due before `until`, and be there."""
        queue: list[Any] = self._queue
        while queue and queue[0][0] < until:
            # What `step` does, without the call: everything comes this way.
            call = queue[0][3]
            if type(call) is not Call:
                self.step()
                continue
            self._now = self.now_s = heappop(queue)[0]
            act, call.act = call.act, None
            if act is not None:
                act()
        self._now = self.now_s = until

    def step(self) -> None:
        """Make the next call, or let SimPy process the next event; see SimPy."""
        queue: list[Any] = self._queue
        if queue and type(queue[0][3]) is Call:
            self.now_s, _, _, call = heappop(queue)
            self._now = self.now_s
            act, call.act = call.act, None
            if act is not None:
                act()
        else:
            if queue:
                self.now_s = queue[0][0]
            super().step()
