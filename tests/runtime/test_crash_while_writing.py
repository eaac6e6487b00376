"""A thread cannot be killed in a store call; still no dead actor writes once its successor has looked."""

import threading
import time
from typing import Any

import pykka
from actor_types import Slow

from actors.runtime.gated import GatedStore
from actors.runtime.live import LiveRuntime
from actors.stores.memory import MemoryStore
from actors.stores.port import Put
from actors.tables import CATALOG, CatalogRow

WORK_S = 0.1


class CatalogStore(MemoryStore):
    """Takes so many seconds before a write lands, and counts the writes."""

    def __init__(self, seconds: float) -> None:
        super().__init__("catalog", (CATALOG,))
        self.writing = threading.Event()
        self.writes = 0
        self._seconds = seconds

    def write(self, changes: Any, events: Any = ()) -> list[int]:
        self.writes += 1
        self.writing.set()
        time.sleep(self._seconds)
        return super().write(changes, events)


class Counter(pykka.ThreadingActor):
    """Counts its messages in a store, of which it knows the number from there."""

    def __init__(self, store: Any, thinking: threading.Event | None = None) -> None:
        super().__init__()
        self._store = store
        self._thinking = thinking
        self._count = 0

    def on_start(self) -> None:
        row = self._store.get(CATALOG, (1,))
        self._count = row.price_minor if row is not None else 0

    def on_receive(self, _message: Any) -> int:
        if self._thinking is not None:
            self._thinking.set()
            time.sleep(WORK_S)
        self._count += 1
        self._store.write([Put(CATALOG, CatalogRow(1, "", self._count))])
        return self._count


def test_the_next_incarnation_sees_what_the_last_one_was_writing_when_it_crashed() -> None:
    store = CatalogStore(WORK_S)
    with LiveRuntime() as runtime:
        runtime.start(Counter, GatedStore(store, runtime.gate("catalog")), name="counter")
        runtime.tell("counter", 1)
        assert store.writing.wait(10.0)
        runtime.crash("counter")
        runtime.revive("counter")
        assert runtime.ask("counter", 2) == 2


def test_what_a_crashed_actor_would_have_written_later_is_never_written() -> None:
    store = CatalogStore(0.0)
    thinking = threading.Event()
    with LiveRuntime() as runtime:
        runtime.start(Counter, GatedStore(store, runtime.gate("catalog")), thinking, name="counter")
        runtime.tell("counter", 1)
        assert thinking.wait(10.0)
        runtime.crash("counter")
        runtime.revive("counter")
        assert runtime.ask("counter", 2) == 1
        assert store.writes == 1


def test_a_revival_waits_no_longer_than_a_second_for_a_thread_that_does_not_end() -> None:
    class Stubborn(pykka.ThreadingActor):
        def on_receive(self, message: threading.Event) -> bool:
            return message.wait(30.0)

    done = threading.Event()
    with LiveRuntime() as runtime:
        for name in ("one", "other"):
            runtime.start(Stubborn, name=name, node="node")
            runtime.tell(name, done)
        runtime.start(Slow, runtime, 1000.0, [], name="waiting", node="node")
        runtime.tell("waiting", 1)
        while runtime.depth("node"):
            runtime.sleep(0.002)
        runtime.crash("node")
        begun_s = runtime.now()
        runtime.revive("node")
        assert 0.9 < runtime.now() - begun_s < 2.0
        assert runtime.is_alive("one")
        done.set()
