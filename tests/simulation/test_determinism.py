"""Equal scenario and seed, equal trace; and a fault taken away moves no arrival."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from textbook import HERE, column, queue

from scenarios.arrivals import parse as arrivals
from scenarios.file import read
from scenarios.library import find, names
from scenarios.scenario import Fault, Load, Phases
from simulation.run import simulate

GOLDEN_SHA256 = "c8f2f135a7a9c04dfbad184d1c4c00423d5454755cb7e346fb9f73ad4dc3d3bb"
"""Of `golden()`; change it only with a commit that says why the trace is another one."""

PROGRAM = """
import sys
sys.path[:0] = {paths!r}
from test_determinism import golden
from simulation.run import simulate
print(simulate(golden()).recorder.sha256())
"""


def golden():
    """Ten seconds of everything that happens in the system."""
    scenario = read(find("healthy"))
    return dataclasses.replace(
        scenario,
        phases=Phases(warm=2.0, run=8.0, settle=2.0),
        faults=(
            Fault(kind="crash", on="summary", at=1.0, for_=0.5),
            Fault(kind="unavailable", on="store:products", at=2.0, for_=1.0),
            Fault(kind="cut", on="orders--inventory", at=3.5, for_=0.5),
            Fault(kind="pause", on="products", at=4.5, for_=0.5),
            Fault(kind="crash", on="relay", at=5.5, for_=0.5),
            Fault(kind="crash", on="orders", at=6.5, for_=0.5),
        ),
    )


def test_the_trace_is_the_golden_one() -> None:
    assert simulate(golden()).recorder.sha256() == GOLDEN_SHA256


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_trace_does_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    program = PROGRAM.format(paths=sys.path)
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.strip() == GOLDEN_SHA256


def test_another_seed_gives_another_trace() -> None:
    one, other = (simulate(queue(seed=seed, summary="exp(10ms)")).recorder.sha256() for seed in (1, 2))
    assert one != other


def test_what_was_simulated_before_in_this_process_leaves_no_trace() -> None:
    scenario = queue(summary="exp(10ms)")
    first = simulate(scenario).recorder.sha256()
    simulate(queue(seed=9, run=1.0))
    assert simulate(scenario).recorder.sha256() == first


def ledger(scenario) -> list[np.ndarray]:
    trace = simulate(scenario).recorder
    columns = ["kind", "customer_id", "arrived_s"]
    commands = np.rec.fromarrays([column(trace, "commands", name) for name in columns], names=columns)
    reads = np.rec.fromarrays([column(trace, "reads", name) for name in ("kind", "key", "arrived_s")])
    return [np.sort(commands, order="arrived_s"), np.sort(reads, order="f2")]


def test_taking_a_fault_away_leaves_every_arrival_bit_equal() -> None:
    load = Load(orders=arrivals("poisson(50/s)", HERE), history=arrivals("poisson(50/s)", HERE))
    whole = dataclasses.replace(
        queue(summary="exp(10ms)", orders="none", run=20.0),
        load=load,
        faults=(
            Fault(kind="crash", on="summary", at=1.0, for_=2.0),
            Fault(kind="crash", on="orders", at=4.0, for_=2.0),
            Fault(kind="cut", on="orders->summary", at=7.0, for_=2.0),
        ),
    )
    with_faults = ledger(whole)
    for taken_away in range(3):
        faults = tuple(fault for n, fault in enumerate(whole.faults) if n != taken_away)
        without = ledger(dataclasses.replace(whole, faults=faults))
        for one, other in zip(with_faults, without, strict=True):
            assert (one == other).all()


@pytest.mark.parametrize("name", names())
def test_every_scenario_of_the_library_runs_twice_alike(name: str) -> None:
    scenario = read(find(name))
    scenario = dataclasses.replace(
        scenario,
        phases=Phases(warm=2.0, run=20.0, settle=5.0),
        faults=tuple(dataclasses.replace(fault, at=5.0, for_=5.0) for fault in scenario.faults),
    )
    assert simulate(scenario).recorder.sha256() == simulate(scenario).recorder.sha256()
