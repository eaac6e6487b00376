"""What the faults on nodes do, each begun and ended as a scenario does it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pykka
import pytest
from actor_types import Echo, Slow

from actors.messages import Poll
from actors.runtime.live import LiveRuntime
from actors.runtime.supervision import SupervisedRuntime
from scenarios.distributions import parse
from scenarios.faults import BEGIN, End
from scenarios.randomness import Streams
from scenarios.scenario import Fault
from simulation.runtime import VirtualRuntime

Eventually = Callable[[Callable[[], bool]], None]

MOMENT_S = 0.02
FOREVER_S = 1_000.0
ROUNDING_S = 1e-9


def begin(runtime: SupervisedRuntime, kind: str, node: str, **fields: Any) -> End:
    fault = Fault(kind=kind, on=node, at=0.0, **fields)
    return BEGIN[kind](fault, node, runtime, Streams(0).stream("fault"))


# -- crash and pause -----------------------------------------------------------------------------------


def test_a_crash_loses_inbox_and_memory_and_the_node_starts_again_at_its_end(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Slow, runtime, FOREVER_S, [], name="slow")
    for number in range(3):
        runtime.tell("slow", number)
    eventually(lambda: runtime.depth("slow") == 2)
    end = begin(runtime, "crash", "slow")
    assert not runtime.tell("slow", "to nobody")
    assert end() == 1 + 3
    assert (runtime.is_alive("slow"), runtime.incarnation("slow"), runtime.depth("slow")) == (True, 2, 0)


def test_a_pause_takes_nothing_loses_nothing_and_counts_what_it_holds_up(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    end = begin(runtime, "pause", "echo")
    replies = [runtime.request("echo", number) for number in range(3)]
    assert runtime.depth("echo") == 3
    with pytest.raises(pykka.Timeout):
        replies[0].get(timeout=MOMENT_S)
    assert end() == 3
    assert [reply.get() for reply in replies] == [0, 1, 2]


# -- slow ----------------------------------------------------------------------------------------------


class Worker(pykka.ThreadingActor):
    """Works for so long in a real sense,."""

    def __init__(self, runtime: SupervisedRuntime, seconds: float) -> None:
        super().__init__()
        self._runtime = runtime
        self._seconds = seconds

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, str):
            time.sleep(self._seconds)
        return message


class Charging(Worker):
    """Says itself when it works, as the relay does."""

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, str):
            self._runtime.work()
        return super().on_receive(message)


@pytest.fixture(params=["virtual", "live"])
def workshop(request: pytest.FixtureRequest) -> Iterator[SupervisedRuntime]:
    """A runtime whose node `worker` takes a moment for a string and no time for anything else."""
    if request.param == "virtual":
        with VirtualRuntime(times={"worker": parse(f"{MOMENT_S}s", Path())}) as runtime:
            runtime.start(Worker, runtime, 0.0, name="worker", works=(str,))
            yield runtime
    else:
        with LiveRuntime() as runtime:
            runtime.start(Worker, runtime, MOMENT_S, name="worker", works=(str,))
            yield runtime


def moments(runtime: SupervisedRuntime, message: Any, name: str = "worker") -> float:
    """How many moments the answer takes; on threads never fewer than the work itself."""
    begun_s = runtime.now()
    runtime.ask(name, message)
    taken = (runtime.now() - begun_s) / MOMENT_S
    return round(taken) if isinstance(runtime, VirtualRuntime) else taken


def takes(runtime: SupervisedRuntime, message: Any, at_least: float, name: str = "worker") -> bool:
    taken = moments(runtime, message, name)
    return taken == at_least if isinstance(runtime, VirtualRuntime) else taken >= at_least * 0.99


def test_slowness_stretches_what_takes_service_and_counts_it(workshop: SupervisedRuntime) -> None:
    assert takes(workshop, "work", 1)
    end = begin(workshop, "slow", "worker", by=4.0)
    assert takes(workshop, "work", 4)
    assert takes(workshop, "work", 4)
    assert moments(workshop, 7) < 4
    assert end() == 2
    assert moments(workshop, "work") < 4


def test_two_slownesses_multiply(workshop: SupervisedRuntime) -> None:
    end_one, end_other = (begin(workshop, "slow", "worker", by=factor) for factor in (2.0, 3.0))
    assert takes(workshop, "work", 6)
    assert end_one() == 1
    assert takes(workshop, "work", 3)
    assert end_other() == 2


def test_slowness_lasts_over_a_restart(workshop: SupervisedRuntime) -> None:
    end = begin(workshop, "slow", "worker", by=3.0)
    workshop.crash("worker")
    workshop.revive("worker")
    assert takes(workshop, "work", 3)
    assert end() == 1


def test_slowness_stretches_a_failing_handler_too(workshop: SupervisedRuntime) -> None:
    class Failing(Worker):
        def on_receive(self, message: Any) -> Any:
            super().on_receive(message)
            raise ValueError(message)

    seconds = 0.0 if isinstance(workshop, VirtualRuntime) else MOMENT_S
    workshop.start(Failing, workshop, seconds, name="failing", node="worker")
    end = begin(workshop, "slow", "worker", by=3.0)
    begun_s = workshop.now()
    with pytest.raises(ValueError, match="work"):
        workshop.ask("failing", "work")
    assert workshop.now() - begun_s >= 2.99 * MOMENT_S
    assert end() == 1


def test_slowness_stretches_the_work_that_an_actor_charges_itself(workshop: SupervisedRuntime) -> None:
    seconds = 0.0 if isinstance(workshop, VirtualRuntime) else MOMENT_S
    workshop.start(Charging, workshop, seconds, name="charging", node="worker", works=())
    end = begin(workshop, "slow", "worker", by=3.0)
    assert takes(workshop, "work", 3, "charging")
    assert moments(workshop, 7, "charging") < 3
    assert end() == 1


def test_a_node_without_service_time_is_not_slowed_in_virtual_time() -> None:
    with VirtualRuntime() as runtime:
        runtime.start(Echo, name="echo")
        end = begin(runtime, "slow", "echo", by=3.0)
        assert runtime.ask("echo", 1) == 1
        assert runtime.now() == 0.0
        assert end() == 0


def test_a_message_in_service_keeps_its_time() -> None:
    with VirtualRuntime(times={"echo": parse("2s", Path())}) as runtime:
        runtime.start(Echo, name="echo")
        first, second = runtime.request("echo", 1), runtime.request("echo", 2)
        runtime.run(1.0)
        end = begin(runtime, "slow", "echo", by=3.0)
        first.get()
        assert runtime.now() == 2.0
        second.get()
        assert runtime.now() == 8.0
        assert end() == 1


# -- skew ----------------------------------------------------------------------------------------------


def test_a_nodes_clock_reads_the_time(runtime: SupervisedRuntime) -> None:
    before = runtime.now()
    assert before <= runtime.clock("echo") <= runtime.now()


def test_skews_add_on_their_node_alone_and_count_the_readings(runtime: SupervisedRuntime) -> None:
    ahead, behind = begin(runtime, "skew", "echo", by=500.0), begin(runtime, "skew", "echo", by=-100.0)
    assert 400.0 <= runtime.clock("echo") - runtime.now() + 1.0 <= 402.0
    assert runtime.clock("other") <= runtime.now()
    assert behind() == 1
    assert runtime.clock("echo") >= 500.0
    assert ahead() == 2
    assert runtime.clock("echo") <= runtime.now()


# -- exhaust -------------------------------------------------------------------------------------------


def test_an_exhausted_node_takes_so_many_messages_and_counts_the_others(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    runtime.pause("echo")
    end = begin(runtime, "exhaust", "echo", to=2)
    assert [runtime.tell("echo", n) for n in (0, 1, Poll(), 2, 3)] == [True, True, True, False, False]
    assert end() == 2
    assert runtime.tell("echo", 4)
    runtime.resume("echo")
    assert runtime.ref("echo").proxy().seen.get() == [0, 1, Poll(), 4]
