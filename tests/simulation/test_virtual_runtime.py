"""What only virtual time can promise: exact instants, service times, and a deadlock that says so."""

import gc
import weakref
from functools import partial
from typing import Any

import pykka
import pytest
import simpy
from greenlet import getcurrent, greenlet

from actors.runtime.port import Deadlock, RuntimeFailure
from scenarios.distributions import Constant
from simulation.clock import Call, Clock
from simulation.runtime import VirtualRuntime


class Clerk(pykka.ThreadingActor):
    """Writes down when it handles what."""

    def __init__(self, runtime: VirtualRuntime, other: str = "") -> None:
        super().__init__()
        self._runtime = runtime
        self._other = other
        self.done: list[tuple[float, Any]] = []

    def on_receive(self, message: Any) -> Any:
        if self._other:
            return self._runtime.ask(self._other, message)
        self.done.append((self._runtime.now(), message))
        return message


def served(seconds: float, **more: Any) -> VirtualRuntime:
    return VirtualRuntime(times={"clerk": Constant(seconds)}, **more)


def done(runtime: VirtualRuntime) -> list[tuple[float, Any]]:
    found: list[tuple[float, Any]] = runtime.ref("clerk")._actor_weakref().done
    return found


def test_messages_are_served_one_after_another() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        for item in "abc":
            runtime.tell("clerk", item)
        runtime.run(100.0)
        assert done(runtime) == [(2.0, "a"), (4.0, "b"), (6.0, "c")]


def test_only_the_messages_that_are_work_take_the_service_time() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk", works=(str,))
        for item in (1, "a", 2, "b", 3):
            runtime.tell("clerk", item)
        runtime.run(100.0)
        assert done(runtime) == [(0.0, 1), (2.0, "a"), (2.0, 2), (4.0, "b"), (4.0, 3)]


def test_a_pause_keeps_the_remaining_service_time() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        runtime.tell("clerk", "a")
        runtime.tell("clerk", "b")
        runtime.run(0.5)
        runtime.pause("clerk")
        runtime.run(10.0)
        assert done(runtime) == []
        assert runtime.resume("clerk") == 2
        runtime.run(20.0)
        assert done(runtime) == [(11.5, "a"), (13.5, "b")]


def test_a_pause_within_a_pause_adds_nothing() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        runtime.tell("clerk", "a")
        runtime.run(0.5)
        runtime.pause("clerk")
        runtime.run(1.0)
        runtime.pause("clerk")
        runtime.run(2.0)
        runtime.resume("clerk")
        runtime.run(5.0)
        runtime.resume("clerk")
        runtime.run(20.0)
        assert done(runtime) == [(6.5, "a")]


def test_a_run_covers_its_start_and_not_its_end() -> None:
    with VirtualRuntime() as runtime:
        rung: list[float] = []
        for instant in (0.0, 1.0, 2.0):
            runtime.call_at(instant, rung.append, instant)
        runtime.run(2.0)
        assert rung == [0.0, 1.0]
        runtime.run(2.5)
        assert rung == [0.0, 1.0, 2.0]


def test_time_does_not_go_back() -> None:
    with VirtualRuntime(start_s=5.0) as runtime, pytest.raises(RuntimeFailure, match="past"):
        runtime.call_at(4.0, print)


def test_actors_that_wait_for_each_other_are_named() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Clerk, runtime, "inventory", name="orders")
        runtime.start(Clerk, runtime, "orders", name="inventory")
        runtime.tell("orders", "have you got it?")
        with pytest.raises(Deadlock) as caught:
            runtime.run(10.0)
    message = str(caught.value)
    assert "orders waits for a reply from inventory" in message
    assert "inventory waits for a reply from orders" in message


def test_a_deadlock_is_found_although_others_go_on() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Clerk, runtime, "b", name="a")
        runtime.start(Clerk, runtime, "a", name="b")
        runtime.tell("a", 1)

        def tick() -> None:
            runtime.call_at(runtime.now() + 1.0, tick)

        tick()
        with pytest.raises(Deadlock, match="a waits for a reply from b"):
            runtime.run(10.0)


class Patient(pykka.ThreadingActor):
    """Waits for an answer that nobody owes."""

    def __init__(self, runtime: VirtualRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def on_receive(self, _message: Any) -> None:
        self._runtime.promise().get()


def test_who_waits_when_nothing_can_happen_any_more_is_named() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Patient, runtime, name="patient")
        runtime.tell("patient", 1)
        with pytest.raises(Deadlock, match="patient waits for a reply from nobody"):
            runtime.run(10.0)


def test_what_a_fault_holds_up_is_no_deadlock() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Clerk, runtime, "stock", name="orders")
        runtime.start(Patient, runtime, name="stock")
        runtime.pause("stock")
        runtime.tell("orders", 1)
        runtime.run(10.0)
        runtime.resume("stock")
        with pytest.raises(Deadlock, match="orders waits for a reply from stock"):
            runtime.run(20.0)


class Doubler(pykka.ThreadingActor):
    """Tells another twice what it is told."""

    def __init__(self, runtime: VirtualRuntime, other: str) -> None:
        super().__init__()
        self._runtime = runtime
        self._other = other

    def on_receive(self, message: Any) -> None:
        for _ in range(2):
            self._runtime.tell(self._other, message)


def test_actors_that_wait_for_room_in_each_others_inboxes_are_named() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Doubler, runtime, "b", name="a", inbox=2, overflow="block")
        runtime.start(Doubler, runtime, "a", name="b", inbox=2, overflow="block")
        runtime.tell("a", 1)
        with pytest.raises(Deadlock) as caught:
            runtime.run(10.0)
    message = str(caught.value)
    assert "a waits for room in the inbox of b" in message
    assert "b waits for room in the inbox of a" in message


def test_waiting_for_room_in_ones_own_inbox_is_a_deadlock() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Doubler, runtime, "a", name="a", inbox=1, overflow="block")
        runtime.tell("a", 1)
        with pytest.raises(Deadlock, match="a waits for room in the inbox of a"):
            runtime.run(10.0)


def test_waiting_for_room_that_a_fault_has_taken_away_is_no_deadlock() -> None:
    class Forwarder(Doubler):
        def on_receive(self, message: Any) -> None:
            if message:
                for _ in range(2):
                    self._runtime.tell(self._other, message - 1)

    with VirtualRuntime() as runtime:
        runtime.start(Forwarder, runtime, "b", name="a", overflow="block")
        runtime.start(Forwarder, runtime, "a", name="b", overflow="block")
        ends = [runtime.bound(name, 1) for name in "ab"]
        for _ in range(2):
            runtime.tell("a", 5)
        runtime.after(5.0, lambda: [end() for end in ends])
        runtime.run(2.0)
        assert runtime.depth("a") == runtime.depth("b") == 1
        runtime.run(10.0)
        assert runtime.depth("a") == runtime.depth("b") == 0


def test_waiting_from_outside_for_what_never_comes_is_a_deadlock() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Clerk, runtime, "self", name="self")
        with pytest.raises(Deadlock, match="self waits for a reply from self"):
            runtime.ask("self", 1)


def test_a_wait_with_a_timeout_is_no_deadlock() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Clerk, runtime, "self", name="self")
        with pytest.raises(pykka.Timeout):
            runtime.ask("self", 1, timeout=3.0)
        assert runtime.now() == 3.0


def test_an_answer_and_the_end_of_the_wait_at_one_instant_wake_the_asker_once() -> None:
    class Impatient(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            try:
                return runtime.ask("clerk", message, timeout=2.0)
            except pykka.Timeout:
                return "gave up"

    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        runtime.start(Impatient, name="impatient")
        answers = [runtime.ask("impatient", number) for number in range(5)]
    assert set(answers) <= {0, 1, 2, 3, 4, "gave up"}
    assert len(answers) == 5


def test_an_interrupt_inside_a_handler_interrupts_the_run_and_stops_nobody_else() -> None:
    class Interrupted(pykka.ThreadingActor):
        def on_receive(self, _message: Any) -> None:
            raise KeyboardInterrupt

    with VirtualRuntime() as other, VirtualRuntime() as runtime:
        bystander = other.start(Clerk, other, name="clerk")
        runtime.start(Interrupted, name="interrupted")
        runtime.tell("interrupted", 1)
        with pytest.raises(KeyboardInterrupt):
            runtime.run(1.0)
        assert bystander.is_alive()


def test_a_client_in_a_thread_of_its_own_may_wait() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        seen: list[tuple[float, Any]] = []

        def client(item: str) -> None:
            answer = runtime.ask("clerk", item)
            runtime.sleep(1.0)
            seen.append((runtime.now(), answer))

        runtime.spawn(client, "a")
        runtime.spawn(client, "b")
        runtime.run(10.0)
        assert seen == [(3.0, "a"), (5.0, "b")]


def test_an_error_in_a_client_ends_the_run() -> None:
    def client() -> None:
        raise ZeroDivisionError("a bug of the lab itself")

    with VirtualRuntime() as runtime:
        runtime.spawn(client)
        with pytest.raises(ZeroDivisionError):
            runtime.run(1.0)


# -- calls that wait, and the carriers that they keep ---------------------------------------------------


class Sleeper(pykka.ThreadingActor):
    """Sleeps as long as it is told to, and writes down when it wakes."""

    def __init__(self, runtime: VirtualRuntime, woken: list[Any]) -> None:
        super().__init__()
        self._runtime = runtime
        self._woken = woken

    def on_receive(self, seconds: float) -> None:
        try:
            self._runtime.sleep(seconds)
        finally:
            self._woken.append((self._runtime.now(), seconds))


def test_handlers_that_wait_hold_up_neither_each_other_nor_the_end_of_a_run() -> None:
    woken: list[Any] = []
    with VirtualRuntime() as runtime:
        for number in range(10):
            runtime.start(Sleeper, runtime, woken, name=f"sleeper {number}")
        for number in range(10):
            runtime.tell(f"sleeper {number}", 1.0 + 0.5 * (number % 5))
            runtime.tell(f"sleeper {number}", 0.25)
        runtime.run(1.2)
        assert woken == [(1.0, 1.0)] * 2
        runtime.run(10.0)
    assert len(woken) == 20
    assert woken == sorted(woken, key=lambda one: one[0])


def test_what_waits_when_a_runtime_is_closed_is_ended_where_it_stands() -> None:
    woken: list[Any] = []
    with VirtualRuntime() as runtime:
        runtime.start(Sleeper, runtime, woken, name="sleeper")
        runtime.tell("sleeper", 100.0)
        runtime.run(2.0)
    assert woken == [(2.0, 100.0)]


def test_an_error_leaves_the_clock_and_those_who_wait_as_they_are() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    woken: list[Any] = []
    with VirtualRuntime() as runtime:
        runtime.start(Sleeper, runtime, woken, name="sleeper")
        runtime.tell("sleeper", 2.0)
        runtime.call_at(1.0, fail)
        with pytest.raises(ZeroDivisionError):
            runtime.run(5.0)
        assert runtime.now() == 1.0
        runtime.run(5.0)
    assert woken == [(2.0, 2.0)]


def test_a_call_of_the_clock_cannot_wait_for_the_clock() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        runtime.call_at(1.0, runtime.ask, "clerk", "a")
        with pytest.raises(RuntimeFailure, match="spawn what waits"):
            runtime.run(5.0)
        runtime.run(10.0)
        assert done(runtime) == [(3.0, "a")]


def test_processes_of_simpy_and_actors_share_the_clock() -> None:
    with served(2.0) as runtime:
        runtime.start(Clerk, runtime, name="clerk")
        seen: list[float] = []

        def process(env: simpy.Environment) -> Any:
            for _ in range(3):
                yield env.timeout(1.0)
                seen.append(env.now)
                runtime.tell("clerk", env.now)

        runtime.env.process(process(runtime.env))
        runtime.env.run(2.5)
        assert (seen, done(runtime), runtime.now()) == ([1.0, 2.0], [], 2.5)
        runtime.run(10.0)
        assert done(runtime) == [(3.0, 1.0), (5.0, 2.0), (7.0, 3.0)]


def test_carriers_that_nobody_waits_on_end_with_the_run() -> None:
    carriers: list[weakref.ref[greenlet]] = []
    clock = Clock(0.0)

    def wait(number: int) -> None:
        carriers.append(weakref.ref(getcurrent()))
        clock.call_in(1.0, Call(partial(clock.resume, carriers[number]())))
        clock.park()

    for number in range(3):
        clock.call_in(0.0, Call(partial(wait, number)))
    clock.run_before(10.0)
    gc.collect()
    assert [carrier() for carrier in carriers] == [None, None, None]
