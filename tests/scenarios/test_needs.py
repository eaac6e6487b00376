import json
from pathlib import Path

import pytest

from scenarios import names
from scenarios.errors import ScenarioError
from scenarios.expectations import MEASURES, Expectation, parse
from scenarios.file import loads
from scenarios.scenario import Scenario

FAULT = '[[fault]]\nkind = "crash"\non = "summary"\n'
EVERYTHING = "".join(f'{load} = "poisson(1/s)"\n' for load in names.LOADS) + 'own_read = "1s"\n'


def scenario(claim: str, load: str = "", fault: str = "", policy: str = "", when: str = "run") -> Scenario:
    text = f'name = "x"\n[load]\n{load}\n[policy]\n{policy}\n{fault}\n'
    text += f'[[expect]]\nwhen = "{when}"\nthat = [{json.dumps(claim)}]\n'
    return loads(text, source="x.toml", folder=Path())


def claims() -> list[str]:
    """Every measure, with each of its parts."""
    found = []
    for name, measure in MEASURES.items():
        for part in measure.names or (None,):
            statistic = measure.statistics[0] if measure.statistics else None
            argument = 2.0 if measure.argument else None
            found.append(Expectation(name, part, "<", 0.5, statistic, argument).text)
    return found


@pytest.mark.parametrize("claim", claims())
def test_a_measure_of_what_nobody_asks_for_is_refused(claim: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(claim)
    assert f"x.toml: expect.0.that = {json.dumps([claim])}" in str(caught.value)
    assert f"{json.dumps(claim)} measures nothing: " in str(caught.value)
    assert "write " in str(caught.value)


@pytest.mark.parametrize("claim", claims())
def test_every_measure_measures_something_where_everything_happens(claim: str) -> None:
    assert scenario(claim, EVERYTHING, FAULT).expect[0].that == (parse(claim),)


@pytest.mark.parametrize(
    ("claim", "load", "cure"),
    [
        ("latency.p99{checkouts} < 1s", 'orders = "poisson(1/s)"', "write load.checkouts"),
        ("latency.p99{GET /products} < 1s", 'orders = "poisson(1/s)"', "write load.browse"),
        ("stale_reads{own} < 0.1", 'orders = "poisson(1/s)"', 'write load.own_read = "exp(500ms)"'),
        ("stale_reads{own} < 0.1", 'own_read = "1s"', "write load.orders"),
        ("read_your_writes < 0.1", 'orders = "poisson(1/s)"', "write load.own_read"),
        ("read_your_writes < 0.1", 'history = "poisson(1/s)"', "write load.orders"),
        ("monotonic_reads <= 0", 'stock = "poisson(1/s)"', "write load.own_read"),
        ("monotonic_reads <= 0", 'own_read = "1s"', "write load.orders"),
        ("lag.p99{summary} < 1s", 'restock = "poisson(1/s)"', "none of the loads orders, checkouts"),
        ("recovery{summary} < 1s", 'orders = "poisson(1/s)"', "write a [[fault]]"),
    ],
)
def test_what_is_missing_is_named(claim: str, load: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(claim, load)
    assert cure in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "load"),
    [
        ("lag.p99{summary} < 1s", 'checkouts = "poisson(1/s)"'),
        ("lag.p99{products} < 1s", 'catalogue = "poisson(1/s)"'),
        ("lag.p99{products} < 1s", 'restock = "poisson(1/s)"'),
        ("lag.p99{orders} < 1s", 'restock = "poisson(1/s)"'),
        ("monotonic_reads <= 0", 'history = "poisson(1/s)"'),
        ("dead_letters <= 0", 'restock = "poisson(1/s)"'),
    ],
)
def test_what_may_be_measured_is_let_through(claim: str, load: str) -> None:
    assert scenario(claim, load)


def test_an_order_service_that_does_not_follow_the_inventory_does_not_lag_behind_it() -> None:
    restock = 'restock = "poisson(1/s)"'
    assert scenario("lag.max{orders} < 1s", restock, policy='stock = "saga"')
    with pytest.raises(ScenarioError, match=r"write load\.catalogue"):
        scenario("lag.max{orders} < 1s", restock, policy='stock = "none"')


@pytest.mark.parametrize("when", ["warm", "settle"])
def test_a_phase_that_lasts_no_time_has_nothing_to_measure(when: str) -> None:
    with pytest.raises(ScenarioError, match=f"phases.{when} a duration"):
        scenario("oversold <= 0", EVERYTHING, f'[phases]\n{when} = "0s"', when=when)


def test_an_attrition_that_spares_every_node_is_something_to_recover_from() -> None:
    rare = '[[fault]]\nkind = "attrition"\non = "*"\nevery = "10h"\nfor = "1s"\nmost = 1'
    assert scenario("recovery{summary} < 1s", EVERYTHING, rare)


def test_a_fault_on_a_load_needs_that_load() -> None:
    surge = '[[fault]]\nkind = "surge"\non = "load:{}"\nby = 3'
    assert scenario("no lost", EVERYTHING, surge.format("restock"))
    assert scenario("no lost", 'orders = "poisson(1/s)"', surge.format("*"))
    with pytest.raises(ScenarioError, match=r'fault\.0\.on = "load:restock".*write load\.restock'):
        scenario("no lost", 'orders = "poisson(1/s)"', surge.format("restock"))
