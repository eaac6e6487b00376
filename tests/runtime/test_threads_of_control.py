"""Threads of control beside the actors, and the locks that keep two of them apart."""

import logging
from collections.abc import Callable
from typing import Any

import pykka
import pytest
from actor_types import Asker, Echo

from actors.runtime.live import LiveRuntime
from actors.runtime.port import Deadlock, Runtime, RuntimeFailure
from actors.runtime.supervision import SupervisedRuntime
from simulation.runtime import VirtualRuntime

Eventually = Callable[[Callable[[], bool]], None]

MOMENT_S = 0.02
FOREVER_S = 1_000.0


# -- spawned -------------------------------------------------------------------------------------------


def test_a_thread_of_control_may_wait_and_others_go_on(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Echo, name="echo")
    seen: list[Any] = []

    def client(item: str, seconds: float) -> None:
        runtime.sleep(seconds)
        seen.append(runtime.ask("echo", item))

    runtime.spawn(client, "late", 3 * MOMENT_S)
    runtime.spawn(client, "early", MOMENT_S)
    eventually(lambda: len(seen) == 2)
    assert seen == ["early", "late"]


def test_a_timer_of_a_thread_of_control_rings_although_it_has_ended(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    rung: list[int] = []
    runtime.spawn(runtime.after, MOMENT_S, rung.append, 1)
    eventually(lambda: rung == [1])


def test_a_thread_of_control_that_waits_does_not_keep_the_runtime_from_closing(
    runtime: SupervisedRuntime,
) -> None:
    runtime.start(Echo, name="echo")
    runtime.pause("echo")
    ends: list[str] = []

    def client(wait: Callable[[], object], name: str) -> None:
        try:
            wait()
        finally:
            ends.append(name)

    runtime.spawn(client, lambda: runtime.sleep(FOREVER_S), "sleeps")
    runtime.spawn(client, lambda: runtime.request("echo", 1).get(), "asks")
    runtime.sleep(MOMENT_S)
    begun_s = runtime.now()
    runtime.close()
    assert sorted(ends) == ["asks", "sleeps"]
    assert runtime.now() - begun_s < 4.0


def test_an_actor_that_waits_for_an_answer_does_not_keep_the_runtime_from_closing(
    runtime: SupervisedRuntime,
) -> None:
    runtime.start(Echo, name="echo", inbox=1, overflow="drop")
    runtime.start(Asker, runtime, "echo", name="asker")
    runtime.pause("echo")
    runtime.tell("echo", "fills the inbox")
    runtime.tell("asker", "is dropped, and never answered")
    runtime.sleep(MOMENT_S)
    begun_s = runtime.now()
    runtime.close()
    assert runtime.now() - begun_s < 4.0


def test_an_error_in_a_live_thread_of_control_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def client() -> None:
        raise ZeroDivisionError("a bug of the client")

    with caplog.at_level(logging.ERROR), LiveRuntime() as runtime:
        runtime.spawn(client)
        deadline = runtime.now() + 10.0
        while not caplog.records and runtime.now() < deadline:
            runtime.sleep(0.002)
    assert "a bug of the client" in caplog.text


# -- locks ---------------------------------------------------------------------------------------------


class Holder(pykka.ThreadingActor):
    """Holds the lock until `may_leave` says something, and writes down when it got and left it."""

    def __init__(self, runtime: Runtime, name: str, lock: Any, book: list[str]) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = name
        self._lock = lock
        self._book = book

    def on_receive(self, may_leave: list[bool]) -> str:
        with self._lock:
            self._book.append(f"{self._name} in")
            while not may_leave:
                self._runtime.sleep(0.002)
            self._book.append(f"{self._name} out")
        return self._name


class Line:
    """Actors that ask for one lock, one after the other."""

    def __init__(self, runtime: SupervisedRuntime, eventually: Eventually, *names: str) -> None:
        self.lock: Any = runtime.mutex()
        self.book: list[str] = []
        self.may_leave: list[bool] = []
        self.replies = []
        for number, name in enumerate(names, 1):
            runtime.start(Holder, runtime, name, self.lock, self.book, name=name)
            self.replies.append(runtime.request(name, self.may_leave))
            eventually(lambda number=number: len(self.lock._line) == number)

    def answers(self, *numbers: int) -> list[str]:
        """What these say once the first may leave."""
        self.may_leave.append(True)
        return [self.replies[number].get(timeout=10.0) for number in numbers]


def test_one_holds_a_lock_at_a_time_and_who_asked_first_gets_it_first(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    line = Line(runtime, eventually, "a", "b", "c")
    assert line.answers(0, 1, 2) == ["a", "b", "c"]
    assert line.book == ["a in", "a out", "b in", "b out", "c in", "c out"]


def test_a_crash_of_the_holder_frees_the_lock(runtime: SupervisedRuntime, eventually: Eventually) -> None:
    line = Line(runtime, eventually, "a", "b")
    runtime.crash("a")
    assert line.answers(1) == ["b"]
    assert line.book == ["a in", "b in", "b out"]


def test_a_crash_of_one_who_waits_leaves_the_others_in_their_order(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    line = Line(runtime, eventually, "a", "b", "c")
    runtime.crash("b")
    assert line.answers(0, 2) == ["a", "c"]
    assert line.book == ["a in", "a out", "c in", "c out"]


def test_an_error_under_a_lock_frees_it(runtime: SupervisedRuntime, eventually: Eventually) -> None:
    lock = runtime.mutex()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    runtime.start(Holder, runtime, "a", lock, [], name="a")
    assert runtime.ask("a", [True], timeout=10.0) == "a"


def test_a_lock_that_was_freed_for_one_who_crashes_goes_to_the_next() -> None:
    with VirtualRuntime() as runtime:
        lock: Any = runtime.mutex()
        book: list[str] = []
        may_leave: list[bool] = []
        for name in "abc":
            runtime.start(Holder, runtime, name, lock, book, name=name)
            runtime.tell(name, may_leave)
        runtime.run(0.5)
        may_leave.append(True)
        runtime.crash("a")  # which frees the lock for b, at this instant
        runtime.crash("b")
        runtime.run(10.0)
        assert book == ["a in", "c in", "c out"]


def test_locks_taken_in_a_circle_are_a_deadlock_that_names_who_holds_them() -> None:
    class Both(pykka.ThreadingActor):
        def on_receive(self, locks: Any) -> None:
            first, second = locks
            with first:
                runtime.sleep(1.0)
                with second:
                    pass

    with VirtualRuntime() as runtime:
        one, other = runtime.mutex(), runtime.mutex()
        for name, locks in (("a", (one, other)), ("b", (other, one))):
            runtime.start(Both, name=name)
            runtime.tell(name, locks)
        with pytest.raises(Deadlock, match="a waits for a lock held by b; b waits for a lock held by a"):
            runtime.run(10.0)


def test_outside_of_any_actor_a_lock_that_is_held_cannot_be_waited_for_in_virtual_time() -> None:
    with VirtualRuntime() as runtime:
        lock = runtime.mutex()
        runtime.start(Holder, runtime, "a", lock, [], name="a")
        runtime.tell("a", [])
        runtime.run(0.5)
        with pytest.raises(RuntimeFailure, match="outside of any actor"), lock:
            pass
