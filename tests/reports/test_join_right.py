"""Names are held against what the catalogue and the Products read model had, by their plain definition."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.trace import name_number
from reports.evidence.naming import had, in_catalogue, in_products
from reports.judging.checked import Question
from reports.judging.join_right import join_right
from reports.measures import gaps
from scenarios.scenario import Phases, Scenario

SCENARIO = Scenario(name="x", phases=Phases(warm=0.0, run=30.0, settle=10.0))
CONSUMERS = {"summary": ["orders"], "products": ["catalog"], "products/2": ["catalog"]}

instants = st.integers(0, 12).map(float)
renames = st.lists(
    st.tuples(st.integers(1, 2), st.sampled_from("abc"), st.lists(instants, min_size=0, max_size=2)),
    max_size=6,
)


def catalogue(history):
    """Two products called `a`, and renames a second apart, each applied by one replica at those instants."""
    tables = {
        "catalogue": [(number, number, name_number("a"), 100) for number in (1, 2)],
        "events": [],
        "applied": [],
    }
    for at_s, (product, name, applied) in enumerate(history, 1):
        position = at_s + 2
        tables["catalogue"].append((position, product, name_number(name), -1))
        tables["catalogue"].append((position + 100, product, -1, 7))  # a price says nothing of the name
        tables["events"].append(("catalog", position, "ProductRenamed", product, -1, float(at_s)))
        for late_s in applied:
            instant_s = at_s + late_s
            tables["applied"].append(("products", "catalog", position, 0.0, instant_s, 1, "applied"))
    return tables


def spells(changes):
    """From when to when each product had which name, given (instant, product, name) in order."""
    found = []
    for product in (1, 2):
        mine = [(-math.inf, "a"), *((at_s, name) for at_s, other, name in changes if other == product)]
        ends = [at_s for at_s, _ in mine[1:]] + [math.inf]
        found += [(product, name, at_s, end_s) for (at_s, name), end_s in zip(mine, ends, strict=True)]
    return found


@settings(max_examples=60, deadline=None)
@given(
    renames, st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abcd"), instants, instants), max_size=8)
)
def test_a_product_had_a_name_if_some_spell_of_it_meets_the_interval(in_memory, history, questions):
    run = in_memory(catalogue(history), scenario=SCENARIO, consumers=CONSUMERS)
    decided = [(float(at_s), product, name) for at_s, (product, name, _) in enumerate(history, 1)]
    handled = sorted(
        (at_s + late_s, at_s, product, name)
        for at_s, (product, name, applied) in enumerate(history, 1)
        for late_s in applied
    )
    followed = [(at_s, product, name) for at_s, _, product, name in handled]
    asked = [np.array(column) for column in zip(*questions, strict=True)] if questions else [np.empty(0)] * 4
    product_id, since_s, until_s = asked[0].astype(np.int64), np.minimum(*asked[2:]), np.maximum(*asked[2:])
    name = np.array([name_number(text) for _, text, _, _ in questions], dtype=np.int64)
    # The second replica of Products has handled nothing: there everything still has its first name.
    for found, expected in (
        (in_catalogue(run), spells(decided)),
        (in_products(run), spells(followed) + spells([])),
    ):
        answers = had(found, product_id, name, since_s, until_s)
        assert answers.tolist() == [
            any(
                (p, n) == (product, text) and s <= max(one, two) and e >= min(one, two)
                for p, n, s, e in expected
            )
            for product, text, one, two in questions
        ]


@pytest.fixture(scope="module")
def shown(in_memory):
    """Judges a row of product 1, ordered at 5 and followed at 8; it was renamed at 2, in Products at 6."""

    def shown(name, *, pending=0, total=100, quantity=2, repaired_s=None, until_s=8.0, engine="simulated"):
        tables = catalogue([(1, "b", [4.0])])
        tables["events"] = [
            ("catalog", 3, "ProductRenamed", 1, -1, 2.0),
            ("orders", 1, "OrderPlaced", 7, 1, 5.0),
        ]
        tables["applied"] = [
            ("products", "catalog", 3, 5.9, 6.0, 1, "applied"),
            ("summary", "orders", 1, 5.1, until_s, 1, "applied"),
        ]
        if repaired_s is not None:
            tables["applied"].append(("summary", "orders", 1, repaired_s, repaired_s, 1, "repaired"))
        tables["lines"] = [(1, 1, 2)]
        tables["orders"] = [(1, 7, 100, 1, "confirmed")]
        tables["summaries"] = [("summary", 1, 7, total, 1, "confirmed")]
        tables["items"] = [(0, 1, quantity, name_number(name), pending)]
        run = in_memory(tables, scenario=SCENARIO, consumers={"summary": ["orders"], "products": ["catalog"]})
        run = replace(run, info={**run.info, "engine": engine})
        checked = join_right(Question(run, SCENARIO, run.phases.window("always")))
        return checked, gaps.counts(run)["wrong"]

    return shown


def test_a_name_is_right_that_products_had_from_the_commit_to_the_apply(shown):
    assert shown("a")[0].held is True, "Products had it until 6"
    assert shown("b")[0].held is True, "Products had it from 6 on"
    assert shown("b", until_s=5.5)[0].held is False, "Products did not have it yet at 5.5"
    assert shown("c")[0].held is False


def test_on_a_wall_clock_a_name_may_be_read_from_when_its_handling_began(shown):
    assert shown("b", until_s=5.95, engine="live")[0].held is True, "Products took it at 5.9, noted it at 6"
    assert shown("b", until_s=5.95)[0].held is False
    assert shown("b", until_s=5.5, engine="live")[0].held is False
    assert shown("a", engine="live")[0].held is True


def test_the_catalogue_decides_whether_a_name_is_wrong_for_good(shown):
    assert shown("a")[1] == 1, "it was renamed at 2, before the order"
    assert shown("b", until_s=5.5)[1] == 0


def test_a_wrong_name_is_told_with_its_order_and_why(shown):
    (example,) = shown("b", until_s=5.5)[0].counter_examples
    assert example == {
        "replica": "summary",
        "order_id": 1,
        "position": 1,
        "product_id": 1,
        "committed_s": 5.0,
        "applied_s": 5.5,
        "expected": "a name that Products had from the commit to the apply",
        "found": "a name that Products had only before or after that",
    }
    assert shown("c")[0].counter_examples[0]["found"] == "a name that the product never had"


def test_a_line_that_is_marked_pending_is_right_whatever_it_shows(shown):
    checked, wrong = shown("1", pending=1)
    assert (checked.held, wrong) == (True, 0)
    assert shown("1")[0].held is False


def test_a_repaired_name_is_right_up_to_its_repair(shown):
    assert shown("b", until_s=5.5, repaired_s=7.0)[0].held is True


def test_a_wrong_total_is_a_wrong_price(shown):
    checked, wrong = shown("b", total=99)
    assert (checked.held, checked.count, wrong) == (False, 1, 1)
    assert checked.counter_examples[0]["found"] == "a total of 99 cents"


def test_a_line_that_the_order_does_not_have_is_wrong(shown):
    checked, wrong = shown("b", quantity=3)
    assert (checked.held, wrong) == (True, 1)


def test_without_rows_there_is_nothing_to_judge(in_memory):
    run = in_memory({}, scenario=SCENARIO)
    assert join_right(Question(run, SCENARIO, run.phases.window("always"))).held is None
