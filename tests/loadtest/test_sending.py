"""What is answered in one turn of the loop goes out in a row, each to whom it is for, and in its order."""

import asyncio
from typing import Any, cast

from loadtest.api.sending import Sending


class Wire(asyncio.Transport):
    """A connection that writes down what it sends, in a list that others share."""

    def __init__(self, name: str, sent: list[tuple[str, bytes]]) -> None:
        super().__init__()
        self.name, self.sent, self.closing = name, sent, False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: Any) -> None:
        assert not self.closing
        self.sent.append((self.name, cast("bytes", data)))


def test_answers_of_one_turn_go_out_in_its_end_and_in_their_order() -> None:
    async def law() -> None:
        sending, loop = Sending(), asyncio.get_running_loop()
        sent: list[tuple[str, bytes]] = []
        ann, bob = Wire("ann", sent), Wire("bob", sent)
        for transport, data in ((ann, b"1"), (bob, b"2"), (ann, b"3")):
            sending.send(loop, transport, data)
        assert sent == []
        await asyncio.sleep(0)
        assert sent == [("ann", b"1"), ("bob", b"2"), ("ann", b"3")]
        sending.send(loop, bob, b"4")
        await asyncio.sleep(0)
        assert sent[3:] == [("bob", b"4")]

    asyncio.run(law())


def test_who_cannot_wait_for_the_end_of_the_turn_sends_everything_before() -> None:
    async def law() -> None:
        sending, loop = Sending(), asyncio.get_running_loop()
        sent: list[tuple[str, bytes]] = []
        ann = Wire("ann", sent)
        sending.send(loop, ann, b"1")
        sending.flush()
        assert sent == [("ann", b"1")]
        await asyncio.sleep(0)
        assert sent == [("ann", b"1")], "and once"

    asyncio.run(law())


def test_who_has_gone_keeps_nothing_from_the_others() -> None:
    async def law() -> None:
        sending, loop = Sending(), asyncio.get_running_loop()
        sent: list[tuple[str, bytes]] = []
        gone, stays = Wire("gone", sent), Wire("stays", sent)
        sending.send(loop, gone, b"1")
        sending.send(loop, stays, b"2")
        gone.closing = True
        await asyncio.sleep(0)
        assert sent == [("stays", b"2")]

    asyncio.run(law())
