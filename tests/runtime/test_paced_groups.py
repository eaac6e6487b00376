"""An actor may ask for time between its groups, as one under load does: fewer and larger ones cost less."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pykka
import pytest

from actors.runtime.live import LiveRuntime
from actors.runtime.port import MANY

PACE_S = 0.4
SOON_S = 10.0


class Counter(pykka.ThreadingActor):
    """Notes how many messages it is handed, when, and since when they count as taken."""

    def __init__(self, runtime: LiveRuntime, groups: list[tuple[int, float, float]]) -> None:
        super().__init__()
        self._runtime = runtime
        self._groups = groups

    @property
    def pace_s(self) -> float:
        return PACE_S if self._groups and self._groups[-1][0] >= MANY else 0.0

    def may_group(self, kind: type) -> Collection[type]:
        return (kind,)

    def on_group(self, messages: Sequence[Any]) -> list[Any]:
        self._groups.append((len(messages), self._runtime.now(), self._runtime.taken()))
        return [None] * len(messages)

    def on_receive(self, message: Any) -> Any:
        return self.on_group([message])


class Counting:
    """A counter at work; `groups` is what it has noted."""

    def __init__(self, live: LiveRuntime) -> None:
        self.live = live
        self.groups: list[tuple[int, float, float]] = []
        live.start(Counter, live, self.groups, name="counter")

    def tell(self, number: int) -> None:
        """Let so many messages come at once."""
        self.live.pause("counter")
        for message in range(number):
            self.live.tell("counter", message)
        self.live.resume("counter")

    def until(self, holds: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + SOON_S
        while not holds():
            assert time.monotonic() < deadline_s, "it never came to hold"
            time.sleep(0.001)

    def until_handled(self, number: int) -> None:
        self.until(lambda: sum(size for size, _, _ in self.groups) == number)


@pytest.fixture
def counting() -> Iterator[Counting]:
    with LiveRuntime() as live:
        yield Counting(live)


def test_after_a_group_of_many_the_next_one_waits_for_company(counting: Counting) -> None:
    counting.tell(MANY + 2)
    counting.until_handled(MANY + 2)
    counting.tell(3)
    time.sleep(PACE_S / 4)
    counting.live.tell("counter", "one more, of another type")
    counting.live.tell("counter", 4)
    counting.until_handled(MANY + 7)
    (many, _, first_s), (few, handled_s, second_s), *_ = counting.groups
    assert (many, few) == (MANY + 2, 3), "only what is of one type is handled together, in its order"
    assert second_s >= first_s + PACE_S - 0.001
    assert handled_s - second_s < PACE_S / 2, "that it has waited is no part of the handling"


def test_what_comes_meanwhile_is_handled_with_it(counting: Counting) -> None:
    counting.tell(MANY + 2)
    counting.until_handled(MANY + 2)
    counting.tell(3)
    for message in range(4):
        counting.live.tell("counter", message)
    counting.until_handled(MANY + 9)
    assert [size for size, _, _ in counting.groups] == [MANY + 2, 7]


def test_after_a_group_of_few_nobody_waits(counting: Counting) -> None:
    begun_s = time.monotonic()
    for rounds in range(1, 6):
        counting.tell(3)
        counting.until_handled(3 * rounds)
    assert [size for size, _, _ in counting.groups] == [3] * 5
    assert time.monotonic() - begun_s < 4 * PACE_S


def test_a_crash_ends_the_wait(counting: Counting) -> None:
    counting.tell(MANY + 2)
    counting.until_handled(MANY + 2)
    counting.tell(3)
    lost = counting.live.crash("counter")
    assert lost == 3
    counting.live.revive("counter")
    counting.groups.clear()
    counting.live.tell("counter", 0)
    counting.until_handled(1)


def test_who_is_alone_waits_too(counting: Counting) -> None:
    counting.tell(MANY + 2)
    counting.until_handled(MANY + 2)
    counting.live.tell("counter", 0)
    time.sleep(PACE_S / 4)
    counting.live.tell("counter", 1)
    counting.until_handled(MANY + 4)
    assert [size for size, _, _ in counting.groups] == [MANY + 2, 2]
