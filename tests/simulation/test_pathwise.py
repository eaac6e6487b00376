"""The same draws through the actors and through a recursion on paper: equal per event, not on average."""

import numpy as np
import pytest
from textbook import applied_s, committed_s, queue, times

from scenarios.randomness import Streams
from scenarios.scenario import Scenario
from simulation.run import simulate

TOLERANCE_S = 1e-9


def lindley(arrivals_s: np.ndarray, services_s: np.ndarray) -> np.ndarray:
    """Departures of one FIFO server: d[n] = max(d[n-1], a[n]) + s[n] (Lindley 1952)."""
    departures = np.empty(len(arrivals_s))
    last = -np.inf
    for n, (arrival, service) in enumerate(zip(arrivals_s, services_s, strict=True)):
        last = departures[n] = max(last, arrival) + service
    return departures


def draws(scenario: Scenario, name: str, n: int) -> np.ndarray:
    kind, _, part = name.partition("/")
    distribution = (scenario.time if kind == "time" else scenario.link)[part.split("/")[0]]
    return distribution.draws(Streams(scenario.seed).stream(name), n)


@pytest.mark.parametrize("service", ["exp(10ms)", "10ms", "gamma(10ms, scv 4)", "lognormal(8ms, p99 40ms)"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_event_of_one_server_leaves_when_lindley_says(service: str, seed: int) -> None:
    scenario = queue(seed=seed, run=60.0, summary=service)
    trace = simulate(scenario).recorder
    arrived_s = committed_s(trace)
    expected_s = lindley(arrived_s, draws(scenario, "time/summary", len(arrived_s)))
    assert len(arrived_s) > 4_000
    assert np.abs(applied_s(trace) - expected_s).max() < TOLERANCE_S


def test_each_event_of_a_tandem_leaves_when_two_recursions_say() -> None:
    scenario = queue(
        run=60.0, relay="exp(6.6667ms)", summary="exp(10ms)", link=times(**{"orders->summary": "exp(5ms)"})
    )
    trace = simulate(scenario).recorder
    committed = committed_s(trace)
    n = len(committed)
    relayed_s = lindley(committed, draws(scenario, "time/relay/orders", n))
    # A FIFO link delivers no message before an earlier one.
    arrived_s = np.maximum.accumulate(relayed_s + draws(scenario, "link/orders->summary", n))
    expected_s = lindley(arrived_s, draws(scenario, "time/summary", n))
    assert np.abs(applied_s(trace) - expected_s).max() < TOLERANCE_S


def test_a_free_link_delays_each_message_by_its_own_draw() -> None:
    scenario = queue(run=60.0, link=times(**{"orders->summary": "exp(5ms)"}), link_order="free")
    trace = simulate(scenario).recorder
    committed = committed_s(trace)
    expected_s = committed + draws(scenario, "link/orders->summary", len(committed))
    assert np.abs(applied_s(trace) - expected_s).max() < TOLERANCE_S
    assert (np.diff(expected_s) < 0).any(), "some message overtook another, or nothing was tested"
