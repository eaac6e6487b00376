"""Virtual time: the mailbox pipeline and a whole scenario, against bare SimPy in the same run.

The reference is a pipeline of three SimPy stores, each with a server process. Rates are messages per second
of processor time. Run by `make bench`.
"""

import dataclasses
import resource
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import pykka
import simpy
from ratios import compare, report

from actors.trace import Recorder
from scenarios.distributions import Constant
from scenarios.file import loads
from scenarios.scenario import Phases, Scenario
from simulation.run import simulate
from simulation.runtime import VirtualRuntime
from simulation.workload import Arrivals

ITEMS = 20_000
STAGES = 3
GAP_S, SERVICE_S = 1.0, 0.5


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

    def __init__(self, runtime: VirtualRuntime, following: str) -> None:
        super().__init__()
        self._tell = runtime.tell
        self._following = following

    def on_receive(self, message: Any) -> None:
        if self._following:
            self._tell(self._following, message)


def actor_pipeline() -> float:
    """The same with Pykka actors on the virtual runtime."""
    names = [f"stage {number}" for number in range(STAGES)]
    with VirtualRuntime(times={name: Constant(SERVICE_S) for name in names}) as runtime:
        for name, following in zip(names, [*names[1:], ""], strict=True):
            runtime.start(Stage, runtime, following, name=name)
        instants = (GAP_S * item for item in range(1, ITEMS + 1))
        Arrivals(runtime, instants, partial(runtime.tell, names[0], "item"))
        runtime.run((ITEMS + 10) * GAP_S)
    return ITEMS * STAGES


BASELINE = """
name = "baseline"
[load]
orders = "poisson(RATE/s)"
[policy]
stock = "none"
[time]
orders = "exp(2ms)"
inventory = "exp(1ms)"
products = "exp(1ms)"
summary = "exp(3ms)"
"""
"""Orders of one to three lines, three consumers, names looked up in Products, the outbox, the full trace."""


def baseline(orders: int, rate: int = 100) -> Scenario:
    """The baseline for about so many orders, at a rate per second."""
    scenario = loads(BASELINE.replace("RATE", str(rate)), source="baseline", folder=Path())
    return dataclasses.replace(scenario, phases=Phases(warm=0.0, run=orders / rate, settle=1.0))


def messages(trace: Recorder) -> int:
    """How many messages the actors took: each order, each wake-up of a relay, each delivery of an event."""
    log, instant = (trace.column("events", name) for name in ("source", "committed_s"))
    commits = len(set(zip(log, instant, strict=True)))
    return trace.count("commands") + commits + trace.count("applied")


SCENARIO = baseline(6_000)


@cache
def messages_of_scenario() -> int:
    """How many there are in each run of it."""
    return messages(simulate(SCENARIO).recorder)


def whole_scenario() -> float:
    """The baseline, from empty stores to the finished trace."""
    simulate(SCENARIO)
    return messages_of_scenario()


IDLE = "".join(
    f'[[fault]]\nkind = "{kind}"\non = "{on}"\nat = "{at}s"\nfor = "1ms"\n'
    for kind, on, at in (
        ("cut", "orders->*", 59.9),
        ("pause", "summary", 59.9),
        ("unavailable", "store:*", 59.9),
    )
)
"""Faults on every kind of target that are not active but for the last moment of the run."""

INJECTED = dataclasses.replace(
    SCENARIO, faults=loads(BASELINE.replace("RATE", "100") + IDLE, source="idle", folder=Path()).faults
)


def injected_scenario() -> float:
    """The baseline with an injector that waits."""
    simulate(INJECTED)
    return messages_of_scenario()


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:  # no Linux; on Linux a child's `ru_maxrss` begins with what its parent has held
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


FLAT_PROGRAM = """
import sys, time
sys.path[:0] = {paths!r}
from bench_virtual_time import baseline, peak_bytes
from simulation.run import simulate
scenario = baseline({orders})
simulate(baseline(100))
base = peak_bytes()
begun = time.process_time()
trace = simulate(scenario).recorder
spent = time.process_time() - begun
print(trace.count("orders"), spent, peak_bytes() - base, trace.rows)
"""


def measured(orders: int) -> tuple[float, float, float]:
    """Seconds per order, bytes of peak memory above the base, and trace rows; in a process of its own."""
    program = FLAT_PROGRAM.format(paths=sys.path, orders=orders)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, spent, peak, rows = (float(part) for part in result.stdout.split())
    return spent / count, peak, rows


def main() -> None:
    messages_of_scenario()  # so that no round has to count them
    compare("mailbox pipeline / bare SimPy stores", actor_pipeline, bare_pipeline, at_least=2.0)
    compare("whole baseline scenario / bare SimPy stores", whole_scenario, bare_pipeline, at_least=0.5)
    compare("the same with idle faults / without any", injected_scenario, whole_scenario, at_least=0.95)
    few, _, _ = min(measured(10_000) for _ in range(3))
    many, peak, rows = measured(1_000_000 if "--quick" not in sys.argv else 100_000)
    detail = f"{few * 1e6:.0f} and {many * 1e6:.0f} µs"
    report("cost of an order, 10⁶ orders / 10⁴ orders", many / few, at_most=1.3, detail=detail)
    report("peak memory per trace row, bytes", peak / rows, at_most=150, detail=f"{rows:,.0f} rows")


if __name__ == "__main__":
    main()
