"""The simulator against closed forms: known quantities must read right (see docs/ground-truth.md).

Each case is one textbook queue. The short version (20 seeds of some hundred events) runs always; the long one
(20 seeds, a million events in all, percentiles too) is marked `truth`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from textbook import observe, queue, times

from reports.evidence.following import Following
from reports.evidence.window import Window
from reports.measures import backlog
from reports.measures.time_behind import time_behind

SEEDS = range(1, 21)
SHORT_RUN_S = 10.0
LONG_RUN_S = 720.0  # at 70/s and 20 seeds a little over a million events

Measure = Callable[[Following, Window], float]


def lags(events: Following, window: Window) -> Any:
    inside = (events.committed_s >= window.start_s) & (events.committed_s < window.end_s)
    return (events.applied_s - events.committed_s)[inside]


def mean_lag(events: Following, window: Window) -> float:
    return float(lags(events, window).mean())


def mean_backlog(events: Following, window: Window) -> float:
    mean = backlog.mean(events, window)
    assert mean is not None
    return mean


def mean_time_behind(events: Following, window: Window) -> float:
    mean = time_behind(events, window).mean
    assert mean is not None
    return mean


def share_behind(events: Following, window: Window) -> float:
    share = time_behind(events, window).share_behind
    assert share is not None
    return share


def invisible_after_100_ms(events: Following, window: Window) -> float:
    return float((lags(events, window) > 0.1).mean())


@dataclass(frozen=True)
class Case:
    settings: dict[str, Any]
    means: dict[Measure, float]
    percentiles: dict[float, float]


CASES = {
    # M/M/1: the sojourn time is exponential with rate mu - lambda = 30/s.
    "M/M/1": Case(
        {"summary": "exp(10ms)"},
        {
            mean_lag: 1 / 30,
            mean_backlog: 7 / 3,
            mean_time_behind: 0.7 / 30,
            share_behind: 0.7,
            invisible_after_100_ms: math.exp(-3),
        },
        {0.5: 0.0231049, 0.95: 0.0998577, 0.99: 0.153506, 0.999: 0.230259},
    ),
    # M/D/1, Erlang-4: Pollaczek-Khinchine.
    "M/D/1": Case({"summary": "10ms"}, {mean_lag: 0.0216667}, {0.95: 0.0510290, 0.99: 0.0748550}),
    "M/E4/1": Case({"summary": "erlang(10ms, 4)"}, {mean_lag: 0.0245833}, {}),
    # A Jackson tandem: two exponential sojourns (rates 80/s and 30/s) and a constant between them.
    "tandem": Case(
        {"relay": "exp(6.6667ms)", "link": times(**{"orders->summary": "5ms"}), "summary": "exp(10ms)"},
        {mean_lag: 0.0508333},
        {0.99: 0.174170},
    ),
    # A uniform wait for the poll and an exponential delay.
    "polled outbox": Case(
        {"poll": 0.1, "link": times(**{"orders->summary": "exp(10ms)"}), "link_order": "free"},
        {mean_lag: 0.06},
        {0.5: 0.0599750, 0.95: 0.106931, 0.99: 0.123025},
    ),
}


def observed(case: Case, run_s: float) -> list[Following]:
    return [observe(queue(seed=seed, run=run_s, **case.settings)) for seed in SEEDS]


PRECISION = 0.01
TAIL_PRECISION = 0.04  # of a probability in the tail, as of percentiles


def assert_means_agree(case: Case, runs: list[Following], run_s: float, *, precise: bool) -> None:
    window = Window(0.0, run_s)
    for measure, exact in case.means.items():
        values = np.array([measure(events, window) for events in runs])
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - exact) <= 4 * error, (measure.__name__, values.mean(), exact, error)
        if precise:
            precision = TAIL_PRECISION if measure is invisible_after_100_ms else PRECISION
            assert error <= precision * exact, (measure.__name__, error / exact)


@pytest.mark.parametrize("name", CASES)
def test_short_runs_agree_with_the_closed_form(name: str) -> None:
    assert_means_agree(CASES[name], observed(CASES[name], SHORT_RUN_S), SHORT_RUN_S, precise=False)


@pytest.mark.truth
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CASES)
def test_a_million_events_agree_with_the_closed_form(name: str) -> None:
    case = CASES[name]
    runs = observed(case, LONG_RUN_S)
    assert_means_agree(case, runs, LONG_RUN_S, precise=True)
    everything = np.sort(np.concatenate([lags(events, Window(0.0, LONG_RUN_S)) for events in runs]))
    assert len(everything) > 990_000
    for share, exact in case.percentiles.items():
        measured = everything[math.ceil(share * len(everything)) - 1]
        assert abs(measured - exact) <= 0.04 * exact, (share, measured, exact)
