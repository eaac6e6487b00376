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

A call may wait (`park`) without holding up the others. Calls are made on a greenlet, their carrier. Who waits
keeps it, with all that is on its stack; another carrier goes on with the calls that are due. So a call that
does not wait costs no change of greenlets.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import simpy
from greenlet import getcurrent, greenlet
from simpy.events import NORMAL

from actors.runtime.port import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Call:
    """A call that is due at an instant; None in `act` takes it back. Once made, it may be scheduled again."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act


_END = object()
"""In the queue in the place of a call: here those who make the calls stop."""

_BEFORE_ALL = -2
"""A priority above those of SimPy."""


class Clock(simpy.Environment):
    """An environment that can be handed `Call`s; `now_s` is `now`, at less than the price of a property.

    `running` is for who makes use of it: whatever is put there, while it waits nothing is.
    """

    def __init__(self, start_s: float) -> None:
        self.now_s = start_s
        super().__init__(start_s)
        self.running: Any = None
        self._outside: greenlet | None = None  # where the clock was set going
        self._spare: list[greenlet] = []  # carriers that have no calls to make, as another one makes them

    @property
    def _now(self) -> float:
        """What SimPy keeps the instant in."""
        return self.now_s

    @_now.setter
    def _now(self, now_s: float) -> None:
        self.now_s = now_s

    @property
    def line(self) -> tuple[list[Any], Iterator[int]]:
        """What `call_in` puts a call on, and what numbers the calls; for who cannot afford to call that."""
        return self._queue, self._eid

    def call_in(self, delay: float, call: Call) -> None:
        """Put a call on the clock, `delay` seconds from now."""
        heappush(self._queue, (self.now_s + delay, NORMAL, next(self._eid), call))  # type: ignore[misc]

    def run_before(self, until: float) -> None:
        """Let everything happen that is due before `until`, and be there."""
        self._only_from_outside()
        self._carry_on(until)
        self.now_s = until

    def step(self) -> None:
        """Make the next call, or let SimPy process the next event; see SimPy."""
        self._only_from_outside()
        queue: list[Any] = self._queue
        if queue and type(queue[0][3]) is Call:
            self.now_s, _, _, call = heappop(queue)
            act, call.act = call.act, None
            if act is not None:
                self._carry_on(self.now_s, act)
        else:
            super().step()

    def _only_from_outside(self) -> None:
        if self._outside is not None:
            raise RuntimeFailure("a call of the clock cannot wait for the clock; spawn what waits")

    # -- carriers --------------------------------------------------------------------------------------

    def park(self) -> None:
        """In a call: wait on its carrier, until that is resumed."""
        spare = self._spare
        carrier = spare.pop() if spare else greenlet(self._make_calls, self._outside)
        self.running = None
        carrier.switch()

    def resume(self, carrier: greenlet) -> None:
        """In a call: let go on what waits on the carrier, which then goes on making calls."""
        carrier.parent = self._outside  # type: ignore[assignment]  # calls are made: the clock was set going
        self._spare.append(getcurrent())
        carrier.switch()

    def _carry_on(self, until: float, first: Callable[[], object] | None = None) -> None:
        """Let calls be made until then, on carriers."""
        queue: list[Any] = self._queue
        end = (until, _BEFORE_ALL, next(self._eid), _END)
        heappush(queue, end)
        self._outside = outside = getcurrent()
        try:
            greenlet(self._make_calls, outside).switch(first)
        except BaseException:
            queue.remove(end)
            heapify(queue)
            raise
        finally:
            self._outside = self.running = None
            while self._spare:
                carrier = self._spare.pop()
                carrier.parent = outside
                carrier.throw()

    def _make_calls(self, first: Callable[[], object] | None = None) -> None:
        """Be a carrier, until the end."""
        if first is not None:
            first()
        queue: list[Any] = self._queue
        while True:
            self.now_s, priority, number, call = heappop(queue)
            try:  # costs nothing as long as it is a call, and to ask whether it is one does
                act, call.act = call.act, None
            except AttributeError:
                if call is _END:
                    return
                heappush(queue, (self.now_s, priority, number, call))
                super().step()
                continue
            if act is not None:
                act()
