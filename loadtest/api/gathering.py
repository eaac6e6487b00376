"""Gathering: readers that come together ask together.

A question costs a server, and the way to it and back, about as much for many keys as for one. What is asked
while a group of questions is on its way, or in the same turn of the loop, therefore makes the next group: a
reader alone waits for nobody, and many share what a question costs. It is what the order service does with
orders, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")

GROUP_MAX: Final = 100
"""So many keys at most are asked for together."""

PATIENCE_S: Final = 0.05
"""A group that takes longer does not hold up the next one any more."""


class Gathering(Generic[T]):
    """Asks one question for keys; `ask` does it for several different ones, and has an answer for each.

    It is used in one loop. What is asked sees what was committed before it was asked: no reader joins a group
    that is on its way.
    """

    def __init__(self, ask: Callable[[Sequence[int]], Awaitable[list[T]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[int, asyncio.Future[T]]] = []
        self._is_held = False  # somebody will see to those who wait
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, key: int) -> T:
        """The answer for this key.

        Raises:
            Exception: whatever asking raises.

        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append((key, answer))
        if not self._is_held:
            self._is_held = True
            loop.call_soon(self._begin, loop)
        return await answer

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask for those who wait, if there are any."""
        group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        self._is_held = bool(group)
        if group:
            task = loop.create_task(self._make(loop, group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _make(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[tuple[int, asyncio.Future[T]]]
    ) -> None:
        patience = loop.call_later(PATIENCE_S, self._begin, loop)
        keys = list(dict.fromkeys([key for key, _ in group]))
        try:
            answers = dict(zip(keys, await self._ask(keys), strict=True))
        except Exception as error:  # noqa: BLE001  # it is the answer for everybody
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for key, future in group:
                if not future.done():
                    future.set_result(answers[key])
        finally:
            if patience.when() > loop.time():
                patience.cancel()
                self._begin(loop)
