"""Virtual time: the mailbox pipeline and a whole scenario, against bare SimPy in the same run.

The reference is a pipeline of three SimPy stores, each with a server process. Rates are messages per second
of processor time. Run by `make bench`.
"""

import dataclasses

import subprocess
import sys
from typing import Any

import pykka
import simpy
from ratios import compare, report

from scenarios.distributions import Constant
from scenarios.file import read
from scenarios.library import find
from scenarios.scenario import Phases, Scenario
from simulation.run import simulate
from simulation.runtime import VirtualRuntime
from simulation.workload import Arrivals

ITEMS = 20_000
STAGES = 3
GAP_S, SERVICE_S = 1.0, 0.5
BASELINE = "healthy"


def bare_pipeline() -> float:
    """A source and three servers, each a SimPy process behind a SimPy store."""
    env = simpy.Environment()
    stores = [simpy.Store(env) for _ in range(STAGES)]

    def source() -> Any:
        for item in range(ITEMS):
            yield env.timeout(GAP_S)
            stores[0].put(item)

    def server(stage: int) -> Any:
        while True:
            item = yield stores[stage].get()
            yield env.timeout(SERVICE_S)
            if stage + 1 < STAGES:
                stores[stage + 1].put(item)

    env.process(source())
    for stage in range(STAGES):
        env.process(server(stage))
    env.run()
    return ITEMS * STAGES


class Stage(pykka.ThreadingActor):
    """Hands each message on to the next stage."""

    def __init__(self, following: pykka.ActorRef[Any] | None) -> None:
        super().__init__()
        self._following = following

    def on_receive(self, message: Any) -> None:
        if self._following is not None:
            self._following.tell(message)


def actor_pipeline() -> float:
    """The same with Pykka actors on the virtual runtime."""
    names = [f"stage {number}" for number in range(STAGES)]
    with VirtualRuntime(times={name: Constant(SERVICE_S) for name in names}) as runtime:
        following = None
        for name in reversed(names):
            following = runtime.start(Stage, following, name=name)
        first = following
        assert first is not None

        Arrivals(runtime, (GAP_S * item for item in range(1, ITEMS + 1)), lambda: first.tell("item"))
        runtime.run((ITEMS + 10) * GAP_S)
    return ITEMS * STAGES


def baseline(run_s: float) -> Scenario:
    return dataclasses.replace(read(find(BASELINE)), phases=Phases(warm=0.0, run=run_s, settle=1.0))


def messages(scenario: Scenario) -> float:
    """How many messages its actors handle and its views answer, counted from the trace."""
    trace = simulate(scenario).recorder
    # A command, a wake-up of the relay per commit, an event at each of its consumers; and the reads.
    commits = len(set(zip(trace.column("events", "source"), trace.column("events", "committed_s"), strict=True)))
    return trace.count("commands") + commits + trace.count("applied") + trace.count("reads")


def whole_scenario() -> float:
    scenario = baseline(60.0)
    simulate(scenario)
    return COUNTED


COUNTED = messages(baseline(60.0))

FLAT_PROGRAM = """
import sys, time, resource
sys.path[:0] = {paths!r}
from bench_virtual_time import orders_only
from simulation.run import simulate
scenario = orders_only({orders})
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
trace = simulate(scenario).recorder
spent = time.process_time() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(trace.count("orders"), spent, (peak - base) * 1024, trace.rows)
"""


def orders_only(orders: int) -> Scenario:
    """The baseline with nothing but orders, for about so many of them."""
    scenario = baseline(orders / 200.0)
    load = dataclasses.replace(
        read(find(BASELINE), ["load.orders=poisson(200/s)"]).load, **dict.fromkeys(OTHER_LOADS, NOTHING)
    )
    time = {name: value for name, value in scenario.time.items() if name not in ("summary", "orders")}
    return dataclasses.replace(scenario, load=load, time=time)


OTHER_LOADS = ("checkouts", "history", "stock", "browse", "restock", "catalogue", "own_read")
NOTHING = read(find("polled-slowly")).load.restock


def measured(orders: int) -> tuple[float, float, float]:
    """Seconds per order, bytes of peak memory above the base, and trace rows; in a process of its own."""
    program = FLAT_PROGRAM.format(paths=sys.path, orders=orders)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, spent, peak, rows = (float(part) for part in result.stdout.split())
    return spent / count, peak, rows


def main() -> None:
    compare("mailbox pipeline / bare SimPy stores", actor_pipeline, bare_pipeline, at_least=2.0)
    compare("whole baseline scenario / bare SimPy stores", whole_scenario, bare_pipeline, at_least=0.5)
    few, _, _ = min(measured(10_000) for _ in range(3))
    many, peak, rows = measured(1_000_000 if "--quick" not in sys.argv else 100_000)
    report("cost of an order, 10⁶ orders / 10⁴ orders", many / few, at_most=1.3, detail=f"{many * 1e6:.0f} µs")
    report("peak memory per trace row, bytes", peak / rows, at_most=150, detail=f"{rows:,.0f} rows")


if __name__ == "__main__":
    main()
