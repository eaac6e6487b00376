"""A request is begun at once, goes on when what it waits for is there, and can be given up like a task."""

import asyncio
from collections.abc import Awaitable, Callable

from loadtest.api.answering import Answering


def begun(work: Callable[[], Awaitable[object]], others: set[Answering], said: list[object]) -> None:
    """Begin the work; what it returns, or that it is given up, is said."""

    async def life() -> None:
        try:
            said.append(await work())
        except asyncio.CancelledError:
            said.append("given up")

    Answering(asyncio.get_running_loop(), life(), others)


def test_what_waits_for_nothing_ends_where_it_begins_and_others_go_on_later() -> None:
    async def law() -> None:
        others: set[Answering] = set()
        said: list[object] = []
        come: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def at_once() -> str:
            return "at once"

        async def later() -> str:
            await asyncio.sleep(0)
            return await come

        begun(later, others, said)
        begun(at_once, others, said)
        assert said == ["at once"]
        assert len(others) == 1
        await asyncio.sleep(0.001)
        come.set_result("later")
        await asyncio.sleep(0)
        assert said == ["at once", "later"]
        assert not others

    asyncio.run(law())


def test_who_does_not_care_to_be_given_up_is_gone_too() -> None:
    async def law() -> None:
        others: set[Answering] = set()

        async def life() -> None:
            await asyncio.Event().wait()

        Answering(asyncio.get_running_loop(), life(), others)
        for one in others:
            one.cancel()
        await asyncio.sleep(0)
        assert not others

    asyncio.run(law())


def test_who_waits_can_be_given_up() -> None:
    async def law() -> None:
        others: set[Answering] = set()
        said: list[object] = []
        begun(asyncio.Event().wait, others, said)
        for one in others:
            one.cancel()
        await asyncio.sleep(0)
        assert said == ["given up"]
        assert not others

    asyncio.run(law())
