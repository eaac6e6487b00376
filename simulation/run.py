"""One run of a scenario in virtual time, from empty stores to the finished trace."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from actors import topology
from actors.stores.gated import GatedStore
from actors.stores.memory import MemoryStore
from actors.system import Catalogue, seed, start
from actors.tables import ORDER_ITEMS, ORDERS, SUMMARIES, TABLES_OF_SERVICE
from scenarios.injection import inject
from scenarios.randomness import Streams
from simulation.process import Call
from simulation.runtime import VirtualRuntime
from simulation.workload import PRICE_MINOR_MAX, PRICE_MINOR_MIN, Workload, product_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.stores.port import Store
    from actors.trace import Recorder
    from scenarios.scenario import Scenario

SLICES = 200
"""In how many steps progress is reported."""

SAMPLES = 500
"""How often the inbox depths are sampled in a run."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a run leaves: its trace, who followed which logs, and actors' failures as (s, name, error)."""

    recorder: Recorder
    consumers: Mapping[str, tuple[str, ...]]
    failures: list[tuple[float, str, BaseException]]


def simulate(scenario: Scenario, on_progress: Callable[[float], object] | None = None) -> Simulated:
    """Run the scenario; `on_progress` is told the share of the horizon that is done, in [0, 1].

    Raises:
        Deadlock: the actors wait for each other; says who for whom.

    """
    phases = scenario.phases
    end_s = phases.run + phases.settle
    streams = Streams(scenario.seed)
    runtime = VirtualRuntime(
        streams=streams,
        times=scenario.time,
        delays=scenario.link,
        fifo=scenario.link_order == "fifo",
        start_s=-phases.warm,
    )
    raw = {name: MemoryStore(name, tables) for name, tables in TABLES_OF_SERVICE.items()}
    stores: dict[str, Store] = {name: GatedStore(store, runtime.gate(name)) for name, store in raw.items()}
    try:
        seed(raw, _catalogue(scenario, streams), runtime.now())
        start(runtime, stores, scenario.policy)
        inject(runtime, scenario.faults, streams, phases.run)
        workload = Workload(runtime, scenario, stores, streams)
        workload.start()
        _sample_queues(runtime, end_s)
        for step in range(1, SLICES + 1):
            runtime.run(end_s if step == SLICES else -phases.warm + (phases.warm + end_s) * step / SLICES)
            if on_progress is not None:
                on_progress(step / SLICES)
        workload.finish()
    finally:
        runtime.close()
        gc.collect()  # actors, their runtime and their futures refer to each other
    _record_end(runtime.recorder, raw)
    return Simulated(runtime.recorder, topology.consumers(scenario.policy), runtime.failures)


def _catalogue(scenario: Scenario, streams: Streams) -> Catalogue:
    people = scenario.population
    prices = streams.stream("catalogue/prices")
    span = PRICE_MINOR_MAX - PRICE_MINOR_MIN + 1
    return Catalogue(
        tuple(product_name(number) for number in range(1, people.products + 1)),
        tuple(PRICE_MINOR_MIN + prices.below(span) for _ in range(people.products)),
        people.stock,
    )


def _sample_queues(runtime: VirtualRuntime, end_s: float) -> None:
    """Write down each inbox depth that has changed, at `SAMPLES` fixed instants of the run."""
    row = runtime.recorder.row("queues")
    nodes = [(runtime.recorder.intern(node), node) for node in runtime.nodes()]
    known: dict[str, int] = {}
    start_s = runtime.now()
    every_s = (end_s - start_s) / SAMPLES
    instants = iter(range(1, SAMPLES))

    def sample(_event: object) -> None:
        now = runtime.now()
        for node_id, node in nodes:
            depth = runtime.depth(node)
            if known.get(node) != depth:
                known[node] = depth
                row(node_id, now, depth)
        following()

    def following() -> None:
        number = next(instants, None)
        if number is not None:
            runtime.schedule(Call([sample]), start_s + number * every_s - runtime.now())

    following()


def _record_end(recorder: Recorder, stores: Mapping[str, Store]) -> None:
    """Write down what the command side and the read model hold at the end, for the two to be compared."""
    order_row, summary_row = recorder.row("orders"), recorder.row("summaries")
    items = groupby(stores["orders"].scan(ORDER_ITEMS), attrgetter("order_id"))
    for order, (order_id, lines) in zip(stores["orders"].scan(ORDERS), items, strict=True):
        assert order.order_id == order_id, "every order has lines, and both tables are read in its order"
        order_row(order_id, order.customer_id, order.total_minor, sum(1 for _ in lines))
    for summary in stores["summary"].scan(SUMMARIES):
        summary_row(summary.order_id, summary.customer_id, summary.total_minor, len(summary.items))
