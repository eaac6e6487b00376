"""Simulated runs: what is right is found right, and what a bug or a design breaks by its checker."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from actors.topology import consumers
from reports.judging.verdict import judge
from reports.measures import gaps
from reports.measures.transience import gaps_over_time
from reports.sentence import HAPPENED, SUBJECTS
from reports.summary import summarise
from scenarios.faultkinds import KINDS, NAMES
from scenarios.file import loads
from simulation.run import simulate

SCENARIO = """
name = "shop"
[phases]
warm = "2s"
run = "10s"
settle = "10s"
[population]
products = 10
stock = {stock}
[load]
orders = "poisson(20/s)"
checkouts = "poisson(2/s)"
restock = "poisson(2/s)"
catalogue = "poisson({renames}/s)"
[policy]
{policy}
[time]
inventory = "2ms"
summary = "{service}"
"store:products" = "exp(1ms)"
[link]
"catalog->products" = "exp(50ms)"
{faults}
[[expect]]
when = "always"
that = [
    "no lost", "no phantom", "no doubled", "no reordered", "join right", "stock conserved", "converged",
    "in bounds", "oversold <= 0", "dead_letters <= 0",
]
"""


def fault(kind, on, more="", at="2s", length="2s"):
    return f'[[fault]]\nkind = "{kind}"\non = "{on}"\nat = "{at}"\nfor = "{length}"\n{more}\n'


@pytest.fixture(scope="module")
def ran(in_memory):
    """Runs the shop; gives the run, its summary and its verdict, both of which JSON can hold."""

    def ran(policy="", faults="", service="exp(5ms)", stock=100_000, renames=4):
        text = SCENARIO.format(policy=policy, faults=faults, service=service, stock=stock, renames=renames)
        scenario = loads(text, source="shop.toml", folder=Path())
        simulated = simulate(scenario)
        run = in_memory(simulated.recorder, scenario=scenario, consumers=consumers(scenario.policy))
        summary = summarise(run)
        verdict = judge(run, scenario, summary)
        json.dumps([summary, asdict(verdict)], allow_nan=False)
        return run, summary, verdict

    return ran


def broken(verdict):
    """The claims that do not hold, each with its counter-examples counted."""
    assert all(result.held is not None for result in verdict.results)
    return {result.text for result in verdict.results if not result.held}


HEALTHY = {
    "as it is": {},
    "told directly": {"policy": 'publish = "direct"'},
    "down in turn": {
        "faults": fault("crash", "summary")
        + fault("crash", "inventory", at="3s")
        + fault("crash", "orders", at="5s")
        + fault("crash", "products", at="6s")
    },
    "in three copies": {"policy": "replicas = 3", "faults": fault("crash", "summary")},
    "with placeholders": {"policy": 'join = "placeholder"', "faults": fault("unavailable", "store:products")},
    "reserving": {"policy": 'stock = "reserve"', "stock": 20, "faults": fault("crash", "inventory")},
    "as a saga": {"policy": 'stock = "saga"', "stock": 20, "faults": fault("crash", "inventory")},
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_checker_finds_fault_with_a_design_that_protects_itself(ran, name):
    _, _, verdict = ran(**HEALTHY[name])
    assert broken(verdict) == set(), [r.counter_examples for r in verdict.results if not r.held]


BROKEN = {
    "a name from before the order": ('join = "carried"', "", {"join right"}),
    "a name that nobody gave": (
        "", fault("bug", "products", 'form = "wrong"\nset = { name = "?" }'), {"join right"},
    ),
    "another total": (
        "", fault("bug", "summary", 'form = "wrong"\np = 0.2\nset = { total_minor = 1 }'), {"join right"},
    ),
    "units taken twice": ("", fault("bug", "inventory", 'form = "twice"\np = 0.2'), {"stock conserved"}),
    "other units taken": (
        "", fault("bug", "inventory", 'form = "wrong"\np = 0.2\nset = { quantity = 9 }'), {"stock conserved"},
    ),
    "a row written twice": ("", fault("bug", "summary", 'form = "twice"\np = 0.2'), {"no doubled"}),
    "a row never written": ("", fault("bug", "summary", 'form = "skip"\np = 0.2'), {"no lost", "converged"}),
    "a row put aside": (
        'on_error = "park"', fault("bug", "summary", 'form = "raise"\np = 0.2'),
        {"converged", "dead_letters <= 0"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_by_the_checkers_meant_for_it(ran, name):
    policy, faults, expected = BROKEN[name]
    _, _, verdict = ran(policy, faults, renames=20)
    assert broken(verdict) == expected
    assert all(result.counter_examples for result in verdict.results if result.held is False and result.count)


def test_stock_that_is_sold_beyond_what_there_is_goes_below_zero_and_is_counted(ran):
    _, summary, verdict = ran('stock = "none"', stock=5)
    assert broken(verdict) == {"stock conserved", "oversold <= 0"}
    assert summary["stock"]["oversold_units"] > 0


def test_orders_that_come_late_are_transient_gaps_and_lost_ones_permanent(ran):
    down = fault("crash", "summary")
    run, late, _ = ran(faults=down)
    assert late["gaps"]["summary"]["missing"] == 0
    assert late["gaps"]["summary"]["transient"]["missing"] > 20
    run, lost, _ = ran('publish = "direct"', faults=down)
    assert lost["gaps"]["summary"]["missing"] > 20
    assert lost["gaps"]["summary"]["transient"]["missing"] < 10
    frame = gaps_over_time(run)
    at_end = dict(zip(frame["kind"][frame["t_s"] == 20.0], frame["count"][frame["t_s"] == 20.0], strict=True))
    assert {kind: at_end[kind] for kind in gaps.KINDS} == gaps.counts(run)
    assert set(frame["kind"]) == {*gaps.KINDS, "oversold"}
    assert len(frame) == 200 * len(at_end)


def test_placeholders_are_pending_until_their_repair(ran):
    _, summary, _ = ran('join = "placeholder"', fault("unavailable", "store:products"))
    assert summary["gaps"]["summary"]["pending"] == 0
    assert summary["gaps"]["summary"]["transient"]["pending"] > 20


def test_a_warm_phase_in_which_the_backlog_grows_makes_the_verdict_unknown(ran):
    _, _, verdict = ran(service="100ms")
    assert verdict.verdict == "unknown"
    assert verdict.unknown_because[0].startswith("warm was not steady: the backlog of summary kept growing")


def test_a_fault_that_never_meets_anything_makes_the_verdict_unknown(ran):
    _, _, verdict = ran(faults=fault("poison", "message:OrderPlaced", "nth = 1000000"))
    assert verdict.verdict == "unknown"
    assert verdict.unknown_because[0].startswith("fault 0 (poison on message:OrderPlaced) touched nothing")


@pytest.mark.parametrize("kind", [kind for kind, about in KINDS.items() if not about.pattern])
def test_the_sentence_has_words_for_every_kind_of_fault(kind):
    assert kind in HAPPENED


@pytest.mark.parametrize("name", [*NAMES["node"], *NAMES["store"], *NAMES["load"]])
def test_the_sentence_has_words_for_every_node_store_and_load(name):
    assert name in SUBJECTS
