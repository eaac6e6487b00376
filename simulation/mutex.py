"""A lock in virtual time: who waits for it is parked, and gets it in the order of asking."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from actors.runtime.inbox import Killed
from actors.runtime.port import RuntimeFailure
from simulation.process import THE_LOCK, Process

if TYPE_CHECKING:
    from simulation.clock import Clock


class VirtualMutex:
    """A lock for `with`; not to be taken twice by one holder. A crash of the holder frees it at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line: deque[Process | None] = deque()  # the holder, then who waits

    def __enter__(self) -> None:
        caller, line = self._clock.running, self._line
        line.append(caller)
        if len(line) == 1:
            return
        if caller is None:
            line.pop()
            raise RuntimeFailure("cannot wait for a lock outside of any actor; take it in one, or spawn")
        try:
            caller.wait_for(THE_LOCK, _name(line[0]))
        except Killed:
            if line[0] is caller:  # it was freed for the caller at this very instant
                self.__exit__()
            else:
                line.remove(caller)
            raise

    def __exit__(self, *exc_info: object) -> None:
        line = self._line
        line.popleft()
        if not line:
            return
        following, *others = line
        assert following is not None, "only processes wait"
        for other in others:
            assert other is not None, "only processes wait"
            other.waits_for = following.name
        following.waits_for = None
        following.wake_after(0.0)


def _name(holder: Process | None) -> str:
    return holder.name if holder is not None else ""
