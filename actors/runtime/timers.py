"""The live runtime's timers: calls that are made at their instants, all on one thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("cqrs_lab.live.run")

_CLOSE_TIMEOUT_S: Final = 5.0


class LiveTimer:
    """A call that will happen on the clock's thread."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """See `actors.runtime.port.Timer`."""
        self.call = None


class Clock:
    """One thread that makes calls at their instants (of `time.monotonic`)."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, LiveTimer]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="cqrs-lab clock", daemon=True)
        self._thread.start()

    def call_at(self, instant: float, call: Callable[[], object]) -> LiveTimer:
        """Make the call at the instant."""
        timer = LiveTimer(call)
        with self._changed:
            heapq.heappush(self._due, (instant, next(self._numbers), timer))
            self._changed.notify()
        return timer

    def stop(self) -> None:
        """Make no further call."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped:
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    if wait is not None and wait <= 0.0:
                        break
                    self._changed.wait(wait)
                if self._stopped:
                    return
                timer = heapq.heappop(self._due)[2]
            call, timer.call = timer.call, None
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("a timer's call failed")
