"""One run of a scenario in virtual time, from empty stores to the finished trace."""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actors import topology
from actors.consuming.positions import Positions
from actors.ends import record_end, record_start
from actors.querying.queries import unasked
from actors.querying.reading import Reader
from actors.runtime.gated import GatedStore
from actors.stores.memory import MemoryStore
from actors.system import seed, start
from actors.tables import tables_of
from actors.trace import Recorder
from scenarios.catalogue import catalogue
from scenarios.injection import inject
from scenarios.randomness import Streams
from simulation.clock import Call
from simulation.runtime import VirtualRuntime, uncollected
from simulation.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.stores.port import Store
    from scenarios.scenario import Scenario

LEFT_ROWS_MAX: Final = 1_000_000
"""Runs whose traces have more rows together are freed before the next one begins; that is some 100 MB."""

SLICES, SHORTEST_SLICE_S = 200, 2.0
"""In how many steps at most a run goes on, each of which is reported, and how long one is at least."""

SAMPLES = 500
"""How often the inbox depths are sampled in a run."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a run leaves: its trace, and actors' failures as (s, name, error)."""

    recorder: Recorder
    failures: list[tuple[float, str, BaseException]]


@uncollected()
def simulate(scenario: Scenario, on_progress: Callable[[float], object] | None = None) -> Simulated:
    """Run the scenario; `on_progress` is told the share of the horizon that is done, in [0, 1].

    Raises:
        Deadlock: the actors wait for each other; says who for whom.

    """
    _leftovers.remove_many()
    phases = scenario.phases
    end_s = phases.run + phases.settle
    streams = Streams(scenario.seed)
    runtime = VirtualRuntime(
        streams=streams,
        times=scenario.time,
        delays=scenario.link,
        fifo=scenario.link_order == "fifo",
        start_s=-phases.warm,
        recorder=Recorder(settles=False),
    )
    raw: dict[str, Store] = {
        name: MemoryStore(name, tables_of(name), unasked(scenario.policy))
        for name in topology.stores(scenario.policy)
    }
    gated = _gated(scenario)
    stores: dict[str, Store] = {
        name: GatedStore(store, runtime.gate(topology.node_of(name)))
        if topology.node_of(name) in gated
        else store
        for name, store in raw.items()
    }
    try:
        seed(raw, catalogue(scenario.population, streams), runtime.now())
        record_start(runtime.recorder, raw)
        positions = Positions()
        start(runtime, stores, scenario.policy, positions)
        reader = Reader(runtime, stores, scenario.policy, positions)
        workload = Workload(runtime, scenario, reader, streams)
        end_faults = inject(runtime, scenario.faults, streams, phases.run, workload)
        workload.start()
        _sample_queues(runtime, end_s)
        horizon_s = phases.warm + end_s
        slices = min(SLICES, math.ceil(horizon_s / SHORTEST_SLICE_S))
        for step in range(1, slices + 1):
            runtime.run(end_s if step == slices else -phases.warm + horizon_s * step / slices)
            runtime.recorder.settle()
            if on_progress is not None:
                on_progress(step / slices)
        end_faults()  # without a settle phase nothing happens any more at the end of the run phase
        workload.finish()
    finally:
        runtime.close()
        gc.collect(1)  # sets aside what the run leaves; to free it at once makes the next one slower
    record_end(runtime.recorder, raw, topology.replicas(scenario.policy, "summary"))
    _leftovers.add(runtime.recorder.rows)
    return Simulated(runtime.recorder, runtime.failures)


class _Leftovers:
    """What runs leave in memory: actors, their runtime and their stores refer to each other.

    Python finds such cycles in its own time, which may be late, as most of what a run holds is in none. To
    look for them after each run would take a short one as long as the run itself.
    """

    def __init__(self) -> None:
        self._rows = 0

    def add(self, rows: int) -> None:
        """A run with a trace of so many rows has ended."""
        self._rows += rows

    def remove_many(self) -> None:
        """Free what runs have left, if it is much."""
        if self._rows > LEFT_ROWS_MAX:
            self._rows = 0
            gc.collect()


_leftovers = _Leftovers()


def _gated(scenario: Scenario) -> set[str]:
    """The services whose store calls take time or may meet a fault; the others' stores need no gate."""
    names = [name for name, time in scenario.time.items() if not time.zero]
    names += [target for fault in scenario.faults for target in fault.targets]
    return {name.removeprefix("store:") for name in names if name.startswith("store:")}


def _sample_queues(runtime: VirtualRuntime, end_s: float) -> None:
    """Write down each inbox depth that has changed, at `SAMPLES` fixed instants of the run."""
    row = runtime.recorder.row("queues")
    ids = {node: runtime.recorder.intern(node) for node in runtime.nodes()}
    known: dict[str, int] = {}
    start_s = runtime.now()
    every_s = (end_s - start_s) / SAMPLES
    instants = iter(range(1, SAMPLES))

    def sample() -> None:
        depths = runtime.depths()
        if depths != known:
            for node, depth in depths.items():
                if node in ids and known.get(node) != depth:
                    row((ids[node], runtime.now(), depth))
            known.update(depths)
        following()

    def following() -> None:
        number = next(instants, None)
        if number is not None:
            runtime.schedule(Call(sample), start_s + number * every_s - runtime.now())

    following()
