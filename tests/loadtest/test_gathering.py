"""Readers that come together ask together, and nothing else changes for any of them."""

import asyncio
from collections.abc import Sequence

import pytest

from loadtest.api import gathering
from loadtest.api.gathering import Gathering


class Question:
    """A question whose answer is the key's tenfold, once it may be given; `asked` are the groups so far."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, keys: Sequence[int]) -> list[int]:
        self.asked.append(list(keys))
        if 0 in keys:
            raise ZeroDivisionError
        if 9 in keys:
            await asyncio.Event().wait()
        await self.may_answer.wait()
        return [10 * key for key in keys]


async def under_way(question: Question, groups: int) -> None:
    while len(question.asked) < groups:
        await asyncio.sleep(0)


def test_those_who_come_together_ask_once_and_each_has_its_own_answer() -> None:
    async def law() -> None:
        question = Question()
        gathered = Gathering(question.ask)
        keys = [3, 1, 3, 2]
        assert await asyncio.gather(*map(gathered.answer, keys)) == [30, 10, 30, 20]
        assert question.asked == [[3, 1, 2]]

    asyncio.run(law())


def test_nobody_joins_a_group_that_is_on_its_way_and_the_next_begins_when_it_is_back() -> None:
    async def law() -> None:
        question = Question()
        question.may_answer.clear()
        gathered = Gathering(question.ask)
        first = asyncio.create_task(gathered.answer(1))
        await under_way(question, 1)
        later = [asyncio.create_task(gathered.answer(key)) for key in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert question.asked == [[1]]
        question.may_answer.set()
        assert await asyncio.gather(first, *later) == [10, 10, 20]
        assert question.asked == [[1], [1, 2]]
        assert await gathered.answer(4) == 40, "and one who comes alone waits for nobody"

    asyncio.run(law())


def test_a_group_has_no_more_keys_than_a_question_may_ask_for() -> None:
    async def law() -> None:
        question = Question()
        gathered = Gathering(question.ask)
        keys = [key + 10 for key in range(gathering.GROUP_MAX + 5)]
        assert await asyncio.gather(*map(gathered.answer, keys)) == [10 * key for key in keys]
        assert [len(group) for group in question.asked] == [gathering.GROUP_MAX, 5]

    asyncio.run(law())


def test_an_error_is_the_answer_of_its_group_alone() -> None:
    async def law() -> None:
        question = Question()
        gathered = Gathering(question.ask)
        failed = await asyncio.gather(*map(gathered.answer, (0, 1)), return_exceptions=True)
        assert [type(one) for one in failed] == [ZeroDivisionError, ZeroDivisionError]
        assert await gathered.answer(1) == 10

    asyncio.run(law())


def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    async def law() -> None:
        question = Question()
        question.may_answer.clear()
        gathered = Gathering(question.ask)
        gone, stays = (asyncio.create_task(gathered.answer(1)) for _ in range(2))
        await under_way(question, 1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        question.may_answer.set()
        assert await stays == 10

    asyncio.run(law())


def test_a_group_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_S", 0.001)

    async def law() -> None:
        question = Question()
        gathered = Gathering(question.ask)
        hangs = asyncio.create_task(gathered.answer(9))
        await under_way(question, 1)
        assert await gathered.answer(1) == 10
        assert await gathered.answer(2) == 20
        assert not hangs.done()

    asyncio.run(law())
