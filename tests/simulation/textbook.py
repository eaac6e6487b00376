"""Scenarios that make the system a textbook queue, and what came of each event at the summary."""

from pathlib import Path
from typing import Any

import numpy as np

from actors.policy import ConsumerPolicy, Policy
from actors.trace import Recorder
from reports.evidence.following import Following, following
from scenarios.arrivals import parse as arrivals
from scenarios.distributions import Distribution
from scenarios.distributions import parse as distribution
from scenarios.scenario import Fault, Load, Phases, Population, Scenario, Span
from simulation.run import Simulated, simulate

HERE = Path()


def times(**texts: str) -> dict[str, Distribution]:
    return {name: distribution(text, HERE) for name, text in texts.items()}


def queue(
    orders: str = "poisson(70/s)",
    *,
    seed: int = 1,
    warm: float = 5.0,
    run: float = 10.0,
    settle: float = 5.0,
    poll: float = 0.0,
    link: dict[str, Distribution] | None = None,
    link_order: Any = "fifo",
    faults: tuple[Fault, ...] = (),
    **service: str,
) -> Scenario:
    """Everything not named takes no time, so that the summary is one server fed by the orders."""
    return Scenario(
        name="textbook",
        seed=seed,
        phases=Phases(warm=warm, run=run, settle=settle),
        population=Population(lines=Span(1, 1)),
        load=Load(orders=arrivals(orders, HERE)),
        policy=Policy(stock="none", poll=poll, consumer=ConsumerPolicy(join="carried")),
        time=times(**service),
        link=link or {},
        link_order=link_order,
        faults=faults,
    )


def column(recorder: Recorder, table: str, name: str) -> Any:
    return np.array(recorder.column(table, name))


def committed_s(recorder: Recorder, source: str = "orders") -> Any:
    """When each event of a log was committed, by position."""
    mine = column(recorder, "events", "source") == recorder.intern(source)
    return column(recorder, "events", "committed_s")[mine]


def applied_s(recorder: Recorder, consumer: str = "summary") -> Any:
    """When each event of the orders' log was applied, by position; NaN: never."""
    mine = column(recorder, "applied", "consumer") == recorder.intern(consumer)
    result = np.full(len(committed_s(recorder)), np.nan)
    result[column(recorder, "applied", "position")[mine] - 1] = column(recorder, "applied", "applied_s")[mine]
    return result


def followed(simulated: Simulated, scenario: Scenario) -> Following:
    """The orders' events at the summary."""
    end_s = scenario.phases.run + scenario.phases.settle
    return following(committed_s(simulated.recorder), applied_s(simulated.recorder), end_s=end_s)


def observe(scenario: Scenario) -> Following:
    """Run the scenario and tell what came of each event at the summary."""
    return followed(simulate(scenario), scenario)
