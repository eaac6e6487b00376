"""Sweeps of a small scenario: what a seed costs, from reading to verdict, in bare SimPy messages.

The scenario is 60 s of 2 orders a second and three faults; the reference is the pipeline of three SimPy
stores of `bench_virtual_time`. On a machine that passes 200,000 bare messages a second, 8,000 of them are
40 ms, which is 25 seeds a second and core. How many cores a sweep really gets shows by the clock, so that
the second ratio is only meant for a machine with nothing else to do. Run by `make bench`.
"""

import gc
import statistics
import time
from concurrent.futures import Executor

from bench_virtual_time import bare_pipeline
from ratios import ROUNDS, rate, report

from cqrs_lab.source import Source
from cqrs_lab.sweeps.executors import cores, processes
from cqrs_lab.sweeps.replication import Replication, replicate
from cqrs_lab.sweeps.sweep import sweep

SMALL = Source(
    name="small",
    text="""
name = "small"
[phases]
warm = "10s"
run = "60s"
settle = "10s"
[population]
customers = 50
products = 20
[load]
orders = "poisson(2/s)"
history = "poisson(4/s)"
[time]
orders = "lognormal(2ms, p99 10ms)"
inventory = "1ms"
products = "1ms"
summary = "lognormal(4ms, p99 20ms)"
[link]
"orders->summary" = "exp(2ms)"
[[fault]]
kind = "unavailable"
on = "store:products"
at = "10s"
for = "5s"
[[fault]]
kind = "crash"
on = "summary"
at = "20s"
for = "3s"
[[fault]]
kind = "delay"
on = "orders->inventory"
by = "200ms"
at = "30s"
for = "10s"
[[expect]]
that = ["lag.max{summary} < 20s"]
[[expect]]
when = "always"
that = ["no lost", "no phantom", "faults fired", "converged within 5s"]
""",
)

SEEDS = range(1, 21)


def one_process() -> float:
    """The seeds one after the other, here."""
    for seed in SEEDS:
        result = replicate(Replication(str(seed), SMALL, seed))
        assert result.verdict is not None, result.error
    return len(SEEDS)


def wall_rate(seeds: range, executor: Executor) -> float:
    """Seeds a second of wall time on the executor."""
    begun = time.perf_counter()
    table = sweep(SMALL, seeds, executor=executor)
    assert not table["errors"], table["errors"]
    return len(seeds) / (time.perf_counter() - begun)


def main() -> None:
    one_process()
    gc.collect()
    gc.freeze()  # as the processes of a sweep do
    pairs = [(rate(one_process), rate(bare_pipeline)) for _ in range(ROUNDS)]
    costs = sorted(bare / mine for mine, bare in pairs)
    mine, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    detail = f"{mine:.1f} seeds/s against {bare:,.0f} messages/s of a core"
    report("cost of a seed in bare SimPy messages", statistics.median(costs), at_most=8_000, detail=detail)
    print(f"{'':46}rounds from {costs[0]:,.0f} to {costs[-1]:,.0f}")

    count = cores()
    with processes(1) as one, processes(count) as every:
        wall_rate(SEEDS, one), wall_rate(SEEDS, every)  # the processes come up
        rates = [(wall_rate(range(40 * count), every), wall_rate(SEEDS, one)) for _ in range(3)]
    share = statistics.median(many / (count * single) for many, single in rates)
    detail = f"{statistics.median(many for many, _ in rates) / count:.1f} seeds/s and core on {count} cores"
    report("a core of all / one alone, by the clock", share, at_least=0.8, detail=detail)


if __name__ == "__main__":
    main()
