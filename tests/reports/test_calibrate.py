"""Times fitted to a trace are those that made it: known distributions go in and come out again."""

from pathlib import Path

import numpy as np
import pytest

from cqrs_lab.experiment import measure_simulated
from reports.comparing.calibrate import durations_s
from reports.comparing.calibrate_fit import fitted
from scenarios.distributions import Constant, Empirical, Exponential, parse
from scenarios.file import loads
from scenarios.randomness import Streams

BUSY = """
name = "known"
[phases]
warm = "5s"
run = "120s"
settle = "10s"
[load]
orders = "poisson(40/s)"
catalogue = "poisson(30/s)"
restock = "poisson(5/s)"
[time]
orders = "lognormal(3ms, p99 15ms)"
catalog = "exp(2ms)"
inventory = "exp(8ms)"
summary = "gamma(10ms, scv 0.5)"
products = "2ms"
[link]
"orders->summary" = "exp(4ms)"
"orders->inventory" = "uniform(1ms, 3ms)"
"inventory->orders" = "exp(5ms)"
"""

OUTAGE = """
[[fault]]
kind = "slow"
on = "summary"
by = 2.0
at = "20s"
for = "20s"

[[fault]]
kind = "delay"
on = "orders->inventory"
by = "30ms"
at = "60s"
for = "20s"
"""

MEANS_S = {
    "time.orders": 0.00375,
    "time.catalog": 0.002,
    "time.inventory": 0.008,
    "time.summary": 0.010,
    "time.products": 0.002,
    "link.orders->summary": 0.004,
    "link.orders->inventory": 0.002,
    "link.inventory->orders": 0.005,
    "link.inventory->products": 0.0,
    "link.catalog->orders": 0.0,
}


def simulated(text, *settings):
    scenario = loads(text, source="known.toml", folder=Path(), settings=settings)
    return measure_simulated(scenario).run, scenario


@pytest.fixture(scope="module", params=["calm", "with faults"])
def known(request):
    return durations_s(*simulated(BUSY + (OUTAGE if request.param == "with faults" else "")))


@pytest.mark.parametrize("key", MEANS_S)
def test_each_time_is_found_without_the_waiting_and_without_the_faults(known, key):
    assert len(known[key]) >= 100
    assert known[key].mean() == pytest.approx(MEANS_S[key], rel=0.06, abs=1e-9)


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("time.inventory", "exp"),
        ("time.summary", "gamma"),
        ("time.orders", "lognormal"),
        ("link.orders->summary", "exp"),
        ("link.orders->inventory", "uniform"),
    ],
)
def test_the_family_that_made_the_durations_is_the_one_that_is_found(known, key, family):
    found = fitted(known[key], "file.csv")
    assert str(found.distribution).startswith(family)
    assert found.distance < 0.05


def test_a_constant_comes_out_as_it_went_in(known):
    assert fitted(known["time.products"], "file.csv").distribution == Constant(0.002)


def test_events_of_one_transaction_share_its_time(in_memory):
    rows = [("summary", "orders", position, 1.0, 1.4, 1, "applied") for position in (1, 2, 3, 4)]
    events = [("orders", position, "OrderPlaced", 1, position, 0.9) for position in (1, 2, 3, 4)]
    run = in_memory({"events": events, "applied": rows})
    assert durations_s(run, run.scenario())["time.summary"] == pytest.approx([0.1] * 4)


def test_what_failed_at_first_tells_nothing_of_the_service_time(in_memory):
    rows = [
        ("summary", "orders", 1, 1.0, 1.1, 1, "applied"),
        ("summary", "orders", 2, 2.0, 9.0, 7, "applied"),
        ("summary", "orders", 3, 9.0, 9.1, 1, "parked"),
    ]
    events = [("orders", position, "OrderPlaced", 1, position, 0.9) for position in (1, 2, 3)]
    run = in_memory({"events": events, "applied": rows})
    assert durations_s(run, run.scenario())["time.summary"] == pytest.approx([0.1])


def test_a_link_is_timed_only_when_nothing_else_kept_the_consumer(in_memory):
    events = [
        ("orders", position, "OrderPlaced", 1, position, float(at))
        for position, at in ((1, 1), (2, 2), (3, 3))
    ]
    rows = [
        ("summary", "orders", 1, 1.25, 2.5, 1, "applied"),
        ("summary", "orders", 2, 2.5, 2.75, 1, "applied"),  # it had come while the first was in hand
        ("summary", "orders", 3, 3.5, 3.75, 1, "applied"),
    ]
    run = in_memory({"events": events, "applied": rows})
    assert durations_s(run, run.scenario())["link.orders->summary"].tolist() == [0.25, 0.5]


def test_orders_of_one_commit_share_its_time(in_memory):
    commands = [
        ("orders", 7, 1, 1, 1.0, 1.5, "acknowledged", "", -1, -1),
        ("orders", 7, 2, 2, 1.2, 1.75, "acknowledged", "", -1, -1),
        ("orders", 7, 3, 3, 1.3, 2.0, "acknowledged", "", -1, -1),
        ("orders", 7, -1, -1, 1.3, 2.5, "rejected", "", -1, -1),
    ]
    events = [
        ("orders", position, "OrderPlaced", 7, position, at_s)
        for position, at_s in ((1, 1.4), (2, 1.4), (3, 1.9))
    ]
    run = in_memory({"commands": commands, "events": events})
    assert durations_s(run, run.scenario())["time.orders"] == pytest.approx([0.2, 0.2, 0.5])


# -- fits ----------------------------------------------------------------------------------------------


def drawn(text, n=4000):
    return parse(text, Path()).draws(Streams(5).stream("sample"), n)


@pytest.mark.parametrize(
    "text",
    [
        "exp(10ms)",
        "uniform(2ms, 5ms)",
        "lognormal(3ms, p99 15ms)",
        "gamma(10ms, scv 0.3)",
        "hyperexp(10ms, scv 6)",
        "pareto(1ms, 3)",
        "7ms",
    ],
)
def test_a_sample_of_each_family_is_fitted_by_it(text):
    found, made = fitted(drawn(text), "file.csv"), parse(text, Path())
    assert type(found.distribution) is type(made)
    assert found.distribution.mean == pytest.approx(made.mean, rel=0.1)


def test_what_no_family_fits_is_taken_as_it_was_measured():
    two_humps = np.concatenate([drawn("exp(1ms)"), 0.5 + drawn("exp(1ms)")])
    found = fitted(two_humps, "file.csv")
    assert isinstance(found.distribution, Empirical)
    assert len(found.distribution.values) == 1000
    assert max(found.distribution.values) == pytest.approx(two_humps.max())
    assert found.distance < 0.02


def test_a_tail_that_no_family_has_is_kept():
    sample = np.concatenate([drawn("exp(1ms)"), np.full(100, 2.0)])
    assert isinstance(fitted(sample, "file.csv").distribution, Empirical)


def test_measured_durations_are_taken_where_they_are_asked_for():
    assert isinstance(fitted(drawn("exp(1ms)"), "file.csv", measured=True).distribution, Empirical)
    assert isinstance(fitted(drawn("exp(1ms)"), "file.csv").distribution, Exponential)


def test_nothing_but_zeros_is_no_time():
    assert fitted(np.zeros(50), "file.csv").distribution == Constant(0.0)
