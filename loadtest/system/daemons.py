"""Threads for calls that may never return: whoever waits gives up, and the end of the process waits for none.

The pools of `concurrent.futures` are waited for when the interpreter ends, so that one question to a
database that hangs would keep a stopped server alive for as long. And each of their answers wakes an event
loop by itself; here those that come together wake it once.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.system.bridge import LoopReply


END_WAIT_S: Final = 0.5
"""So long at most all threads together are waited for; those that hang are left behind."""


class DaemonThreads:
    """So many threads, which take one call after the other."""

    def __init__(self, number: int, name: str) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], LoopReply] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} {count}", daemon=True)
            for count in range(1, number + 1)
        ]
        for thread in self._threads:
            thread.start()

    def call(self, make: Callable[[], Any], reply: LoopReply) -> None:
        """Have one of them make the call, and its result be the reply."""
        self._calls.put((make, reply))

    def shutdown(self) -> None:
        """Make no call that has not begun, and wait a moment for calls to return; each ends its thread."""
        while True:
            try:
                self._calls.get_nowait()
            except Empty:
                break
        for _ in self._threads:
            self._calls.put(None)
        deadline_s = time.monotonic() + END_WAIT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            make, reply = call
            if reply.arrival.done():
                continue  # nobody waits for it any more
            try:
                answer = make()
            except Exception:  # noqa: BLE001  # it is the answer
                reply.set_exception()
            else:
                reply.set(answer)
            del call, make, reply
