"""The deterministic outage: every number of it can be worked out by hand."""

import numpy as np
import pytest
from textbook import applied_s, committed_s, followed, queue

from reports.measures import backlog
from scenarios.scenario import Fault
from simulation.run import simulate

SERVICE_S = 0.005


@pytest.fixture(scope="module")
def outage():
    scenario = queue(
        "every(10ms)",
        warm=0.0,
        run=5.0,
        settle=1.0,
        summary="5ms",
        faults=(Fault(kind="pause", on="summary", at=1.0, for_=1.0),),
    )
    return scenario, simulate(scenario)


def test_lags_are_what_arithmetic_says_to_a_nanosecond(outage) -> None:
    _, simulated = outage
    committed, applied = committed_s(simulated.recorder), applied_s(simulated.recorder)
    lag = applied - committed
    assert lag.max() == pytest.approx(1.005, abs=1e-9)
    assert committed[lag.argmax()] == pytest.approx(1.0, abs=1e-9)
    late = lag > SERVICE_S + 1e-9
    assert late.sum() == 200
    assert (lag[late] - SERVICE_S).sum() == pytest.approx(100.5, abs=1e-9)
    at_two = np.abs(committed - 2.0).argmin()
    assert lag[at_two] == pytest.approx(0.505, abs=1e-9)


def test_the_backlog_is_gone_one_second_after_the_pause(outage) -> None:
    scenario, simulated = outage
    events = followed(simulated, scenario)
    last_late = np.flatnonzero(events.applied_s - events.committed_s > SERVICE_S + 1e-9)[-1]
    assert events.committed_s[last_late] == pytest.approx(2.99, abs=1e-9)
    assert events.applied_s[last_late] == pytest.approx(3.0, abs=1e-9)
    assert backlog.at(events, np.array([1.999_999])) == 100


def test_the_pause_is_recorded_with_what_it_held_up(outage) -> None:
    _, simulated = outage
    trace = simulated.recorder
    assert trace.count("faults") == 1
    start, end, hits = (trace.column("faults", name)[0] for name in ("start_s", "end_s", "hits"))
    assert (start, end) == (1.0, 2.0)
    assert hits in (100, 101)  # the order of the instant 2.0 may come just before or just after the end
