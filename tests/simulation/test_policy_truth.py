"""Policies and faults against closed forms: a design decision that has a textbook model gives its number.

Each case says how one seed is observed and what theory expects on average. The short version (20 seeds of
some hundred events) runs always; the long one, marked `truth`, asks for a standard error within 1 %.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from textbook import HERE, applied_s, column, committed_s, followed, queue, times

from actors.policy import ConsumerPolicy, Policy, Retry
from reports.evidence.window import Window
from scenarios.arrivals import parse as arrivals
from scenarios.distributions import parse as distribution
from scenarios.population import Population, Span
from scenarios.scenario import Fault, Load, Phases, Scenario
from simulation.run import simulate

SEEDS = range(1, 21)
PRECISION = 0.01

Observe = Callable[[int, float], float]
"""What one seed gives in a run phase of so many seconds."""


@dataclass(frozen=True)
class Case:
    observe: Observe
    exact: float
    short_s: float
    long_s: float
    seeds: range = SEEDS
    short_seeds: range = SEEDS


def under(scenario: Scenario, **policy: Any) -> Scenario:
    """The textbook queue with other design decisions."""
    system = {key: policy.pop(key) for key in list(policy) if key in ("publish", "stock", "poll")}
    consumer = ConsumerPolicy(**({"join": "carried"} | policy))
    return replace(scenario, policy=Policy(**({"stock": "none"} | system), consumer=consumer))


def mean_lag(scenario: Scenario) -> float:
    """Over the events that were applied."""
    events = followed(simulate(scenario), scenario)
    inside = Window(0.0, scenario.phases.run).holds(events.committed_s) & np.isfinite(events.applied_s)
    return float((events.applied_s - events.committed_s)[inside].mean())


# -- competing lanes: M/M/c ----------------------------------------------------------------------------


def erlang_c(servers: int, offered: float) -> float:
    """The probability to wait in M/M/c (Erlang 1917)."""
    blocked = offered**servers / math.factorial(servers) / (1 - offered / servers)
    return blocked / (blocked + sum(offered**k / math.factorial(k) for k in range(servers)))


def competing(servers: int) -> Case:
    service_rate = 100.0 / servers
    exact = erlang_c(servers, 70.0 / service_rate) / (100.0 - 70.0) + 1 / service_rate

    def observe(seed: int, run_s: float) -> float:
        scenario = queue(seed=seed, run=run_s, summary=f"exp({10 * servers}ms)")
        return mean_lag(under(scenario, partitions=servers, partition_by="none"))

    return Case(observe, exact, 10.0, 600.0)


# -- a bounded inbox that drops: M/M/1/K -----------------------------------------------------------------


def dropped(inbox: int) -> Case:
    """So many wait and one is in service; who finds the inbox full is lost (direct publish, `drop`)."""
    rho, places = 0.7, inbox + 1

    def observe(seed: int, run_s: float) -> float:
        scenario = under(
            queue(seed=seed, run=run_s, summary="exp(10ms)"), publish="direct", inbox=inbox, overflow="drop"
        )
        trace = simulate(scenario).recorder
        inside = committed_s(trace) >= 0.0
        return float(np.isnan(applied_s(trace)[inside]).mean())

    return Case(observe, (1 - rho) * rho**places / (1 - rho ** (places + 1)), 20.0, 900.0)


# -- a closed load: machine repair -----------------------------------------------------------------------


def closed_response_s(users: int, think_s: float, service_s: float) -> float:
    """The mean response of one exponential server to a closed load (mean value analysis, exact)."""
    waiting = 0.0
    response_s = service_s
    for n in range(1, users + 1):
        response_s = service_s * (1 + waiting)
        waiting = n / (think_s + response_s) * response_s
    return response_s


def closed(users: int) -> Case:
    def observe(seed: int, run_s: float) -> float:
        scenario = queue(f"closed({users}, exp(100ms))", seed=seed, run=run_s)
        scenario = replace(scenario, time=times(orders="exp(10ms)"))
        trace = simulate(scenario).recorder
        arrived, answered = (column(trace, "commands", name) for name in ("arrived_s", "answered_s"))
        inside = (arrived >= 0.0) & np.isfinite(answered)
        return float((answered - arrived)[inside].mean())

    return Case(observe, closed_response_s(users, 0.1, 0.01), 10.0, 500.0)


# -- random breakdowns -----------------------------------------------------------------------------------


def breakdowns() -> Case:
    """M/M/1 that breaks down at rate ξ, is repaired at rate η and resumes (White and Christie 1958)."""
    arrival, service, broken, repaired = 40.0, 100.0, 1.0, 4.0
    number = (
        arrival
        * ((repaired + broken) ** 2 + service * broken)
        / ((repaired + broken) * (service * repaired - arrival * (repaired + broken)))
    )

    def observe(seed: int, run_s: float) -> float:
        fault = Fault(
            kind="pause",
            on="summary",
            every=distribution("exp(1s)", HERE),
            length=distribution("exp(250ms)", HERE),
        )
        scenario = queue(
            "poisson(40/s)", seed=seed, warm=0.0, run=run_s, settle=20.0, summary="exp(10ms)", faults=(fault,)
        )
        events = followed(simulate(scenario), scenario)
        steady = (events.committed_s >= 10.0) & (events.committed_s < run_s - 5.0)
        return float((events.applied_s - events.committed_s)[steady].mean())

    return Case(observe, number / arrival, 30.0, 5000.0)


# -- retry in line: M/G/1 --------------------------------------------------------------------------------


def retried() -> Case:
    """Each try fails with p; the waits in line belong to the service (Pollaczek, Khinchine)."""
    arrival, service_s, wait_s, p = 50.0, 0.005, 0.010, 0.3
    tries = p / (1 - p)
    mean_s = service_s + wait_s * tries
    square_s2 = service_s**2 + wait_s**2 * p / (1 - p) ** 2 + mean_s**2
    exact = mean_s + arrival * square_s2 / (2 * (1 - arrival * mean_s))

    def observe(seed: int, run_s: float) -> float:
        bug = Fault(kind="bug", on="summary", form="raise", p=p, at=0.0)
        scenario = queue("poisson(50/s)", seed=seed, warm=0.0, run=run_s, summary="exp(5ms)", faults=(bug,))
        scenario = under(scenario, retry=Retry(first=wait_s, factor=1.0, cap=wait_s))
        events = followed(simulate(scenario), scenario)
        steady = (events.committed_s >= 2.0) & (events.committed_s < run_s - 1.0)
        return float((events.applied_s - events.committed_s)[steady].mean())

    return Case(observe, exact, 20.0, 700.0)


# -- read your writes under an M/M/1 projection ------------------------------------------------------------


def own_reads_too_early() -> Case:
    """The lag is exponential with μ − λ = 30/s, the think time with 10/s: P(lag > think) = 10 / (10 + 30)."""

    def observe(seed: int, run_s: float) -> float:
        base = queue(seed=seed, run=run_s, summary="exp(10ms)")
        load = Load(orders=arrivals("poisson(70/s)", HERE), own_read=distribution("exp(100ms)", HERE))
        # So many customers that hardly one orders twice: an older order must not be taken for the new one.
        people = Population(customers=1_000_000_000, lines=Span(1, 1))
        scenario = replace(base, load=load, population=people)
        trace = simulate(scenario).recorder
        read_s, seen = column(trace, "reads", "read_s"), column(trace, "reads", "seen")
        return float((seen[read_s >= 0.0] == 0).mean())

    return Case(observe, 10.0 / 40.0, 10.0, 600.0)


# -- overselling by a view that lags -----------------------------------------------------------------------


def oversold() -> Case:
    """Until the view shows, d later, that the last unit is gone, all are promised one: λd too many."""
    rate, delay_s, stock = 100.0, 0.5, 200

    def observe(seed: int, _run_s: float) -> float:
        scenario = Scenario(
            name="oversold",
            seed=seed,
            phases=Phases(warm=0.0, run=4.0, settle=1.0),
            population=Population(
                customers=1000, products=1, lines=Span(1, 1), quantity=Span(1, 1), stock=stock
            ),
            load=Load(orders=arrivals(f"poisson({rate:g}/s)", HERE)),
            policy=Policy(stock="view", consumer=ConsumerPolicy(join="carried")),
            link=times(**{"inventory->orders": f"{delay_s * 1000:g}ms"}),
        )
        return float(simulate(scenario).recorder.count("orders") - stock)

    return Case(observe, rate * delay_s, 0.0, 0.0, range(1, 401), range(1, 41))


# -- repeats after a crash ---------------------------------------------------------------------------------


def repeats() -> Case:
    """A checkpoint every k events forgets, at a crash at no instant in particular, 0 to k − 1 of them."""
    every = 20

    def observe(seed: int, run_s: float) -> float:
        crash = Fault(
            kind="crash",
            on="summary",
            every=distribution("uniform(1s, 2s)", HERE),
            for_=0.05,
        )
        scenario = queue("poisson(100/s)", seed=seed, warm=0.0, run=run_s, faults=(crash,))
        scenario = under(scenario, checkpoint="after", checkpoint_every=every)
        trace = simulate(scenario).recorder
        repeated = column(trace, "applied", "outcome") == trace.intern("duplicate")
        return float(repeated.sum() / trace.count("faults"))

    return Case(observe, (every - 1) / 2, 20.0, 400.0)


# -- losses after a crash ----------------------------------------------------------------------------------


def losses() -> Case:
    """Who claims an event before it is in service loses it if a crash finds the server busy: ρ a crash."""

    def observe(seed: int, run_s: float) -> float:
        crash = Fault(kind="crash", on="summary", every=distribution("uniform(500ms, 1s)", HERE), for_=0.0)
        scenario = queue("poisson(50/s)", seed=seed, warm=0.0, run=run_s, summary="10ms", faults=(crash,))
        trace = simulate(under(scenario, checkpoint="before")).recorder
        return float(np.isnan(applied_s(trace)).sum() / trace.count("faults"))

    return Case(observe, 0.5, 5.0, 600.0)


def lost_while_down() -> Case:
    """What is told directly to a process that is down is lost: the share of time that it is so."""
    up_s, down_s = 4.0, 1.0

    def observe(seed: int, run_s: float) -> float:
        crash = Fault(
            kind="crash",
            on="summary",
            every=distribution(f"exp({up_s:g}s)", HERE),
            length=distribution(f"exp({down_s:g}s)", HERE),
        )
        scenario = queue("poisson(4/s)", seed=seed, warm=0.0, run=run_s, faults=(crash,))
        trace = simulate(under(scenario, publish="direct")).recorder
        steady = committed_s(trace) >= 10.0
        return float(np.isnan(applied_s(trace))[steady].mean())

    return Case(observe, down_s / (up_s + down_s), 100.0, 5_000.0)


# -- retries that run out ------------------------------------------------------------------------------------


def parked() -> Case:
    """Each of 1 + 2 independent tries fails with p: the share p³ of the events is parked."""
    p, attempts = 0.5, 2

    def observe(seed: int, run_s: float) -> float:
        bug = Fault(kind="bug", on="summary", form="raise", p=p, at=0.0)
        scenario = queue("poisson(20/s)", seed=seed, warm=0.0, run=run_s, faults=(bug,))
        retry = Retry(first=0.001, factor=1.0, attempts=attempts, then="park", in_line=False)
        trace = simulate(under(scenario, retry=retry)).recorder
        mine = column(trace, "applied", "consumer") == trace.intern("summary")
        outcome = column(trace, "applied", "outcome")[mine]
        return float((outcome == trace.intern("parked")).mean())

    return Case(observe, p ** (1 + attempts), 10.0, 300.0)


# -- a throttle ----------------------------------------------------------------------------------------------


def throttled() -> Case:
    """A link that lets one message pass every 10 ms is a server of constant service: the wait of M/D/1."""
    rho, spacing_s = 0.7, 0.01

    def observe(seed: int, run_s: float) -> float:
        throttle = Fault(kind="throttle", on="orders->summary", to=1 / spacing_s, at=0.0)
        scenario = queue("poisson(70/s)", seed=seed, warm=0.0, run=run_s, faults=(throttle,))
        events = followed(simulate(scenario), scenario)
        steady = (events.committed_s >= 2.0) & (events.committed_s < run_s - 1.0)
        return float((events.applied_s - events.committed_s)[steady].mean())

    return Case(observe, rho * spacing_s / (2 * (1 - rho)), 8.0, 700.0)


# -- a link that drops, and an outbox that tries again -------------------------------------------------------


def redelivered() -> Case:
    """Each try is lost with p and made again `redeliver` later; seldom enough that no event meets another."""
    p, again_s = 0.25, 0.1

    def observe(seed: int, run_s: float) -> float:
        drop = Fault(kind="drop", on="orders->summary", p=p, at=0.0)
        scenario = queue("every(5s)", seed=seed, warm=0.0, run=run_s, faults=(drop,))
        events = followed(simulate(scenario), scenario)
        return float((events.applied_s - events.committed_s).mean())

    return Case(observe, again_s * p / (1 - p), 500.0, 20_000.0)


# -- an outage under random load -----------------------------------------------------------------------------


def _outage(seed: int) -> tuple[float, float, float]:
    """The backlog after 10 s without the summary, the time to drain it, and the area of its excess."""
    pause = Fault(kind="pause", on="summary", at=0.0, for_=10.0)
    scenario = queue(seed=seed, warm=20.0, run=60.0, settle=5.0, summary="exp(10ms)", faults=(pause,))
    events = followed(simulate(scenario), scenario)
    waiting = (events.committed_s < 10.0) & (events.applied_s >= 10.0)
    changes_s = np.concatenate([events.committed_s, events.applied_s])
    steps = np.concatenate([np.ones(len(events.committed_s)), -np.ones(len(events.applied_s))])
    order = np.lexsort((-steps, changes_s))
    empty_s = changes_s[order][(np.cumsum(steps[order]) == 0) & (changes_s[order] >= 10.0)]
    lags = events.applied_s - events.committed_s
    area = float(lags[(events.committed_s >= 0.0) & (events.committed_s < 55.0)].sum())
    return float(waiting.sum()), float(empty_s[0] - 10.0), area - 7 / 3 * 55.0


OUTAGE = {  # mean and standard deviation; the area has only a mean
    "backlog": (702.333, 26.604),
    "time to drain": (23.4111, 2.2822),
    "excess area": (11744.44, None),
}


def assert_outage_agrees(seeds: range) -> None:
    observed = np.array([_outage(seed) for seed in seeds])
    n = len(observed)
    for column_, (name, (mean, deviation)) in zip(observed.T, OUTAGE.items(), strict=True):
        spread = column_.std(ddof=1)
        assert abs(column_.mean() - mean) <= 4 * spread / math.sqrt(n), (name, column_.mean(), mean)
        if deviation is not None:  # of a nearly normal quantity
            assert abs(spread - deviation) <= 4 * deviation / math.sqrt(2 * (n - 1)), (name, spread)


CASES = {
    "M/M/2": competing(2),
    "M/M/4": competing(4),
    "M/M/1/5": dropped(4),
    "closed load of 5": closed(5),
    "closed load of 20": closed(20),
    "breakdowns": breakdowns(),
    "retry in line": retried(),
    "read your writes": own_reads_too_early(),
    "oversold": oversold(),
    "repeats after a crash": repeats(),
    "losses after a crash": losses(),
    "lost while down": lost_while_down(),
    "retries that run out": parked(),
    "throttle": throttled(),
    "redelivered": redelivered(),
}


def observed(case: Case, seeds: range, run_s: float) -> tuple[float, float]:
    """The mean over the seeds, and its standard error."""
    values = np.array([case.observe(seed, run_s) for seed in seeds])
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("name", CASES)
def test_short_runs_agree_with_theory(name: str) -> None:
    case = CASES[name]
    mean, error = observed(case, case.short_seeds, case.short_s)
    assert abs(mean - case.exact) <= 4 * error, (mean, case.exact, error)


@pytest.mark.truth
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CASES)
def test_long_runs_agree_with_theory_within_one_percent(name: str) -> None:
    case = CASES[name]
    mean, error = observed(case, case.seeds, case.long_s)
    assert abs(mean - case.exact) <= 4 * error, (mean, case.exact, error)
    assert error <= PRECISION * case.exact, error / case.exact


def test_a_dozen_outages_agree_with_theory() -> None:
    assert_outage_agrees(range(1, 13))


@pytest.mark.truth
@pytest.mark.timeout(3600)
def test_four_hundred_outages_agree_with_theory() -> None:
    assert_outage_agrees(range(1, 401))
