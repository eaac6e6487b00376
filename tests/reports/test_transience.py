"""Gaps over time: what closed was late, what is open at the end is lost, and the two are never mixed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.trace import name_number
from reports.measures import gaps, stock
from reports.measures.transience import gaps_over_time, largest_transient, late
from scenarios.scenario import Phases, Scenario

END_S = 20.0
SCENARIO = Scenario(name="x", phases=Phases(warm=0.0, run=16.0, settle=4.0))
CONSUMERS = {"summary": ["orders"], "summary/2": ["orders"]}

instants = st.integers(0, 15).map(float)
delays = st.one_of(st.integers(0, 6).map(float), st.none())  # None: it never comes
told = st.one_of(st.integers(0, 3).map(float), st.none())  # after the commit; None: nobody is told
placed = st.lists(st.tuples(instants, told, delays, delays), max_size=8)


def shop(orders):
    """Orders committed at an instant, told after a while, and followed by two replicas after a delay."""
    tables = {name: [] for name in ("events", "commands", "applied", "orders", "summaries")}
    for number, (commit_s, answer_s, *delays) in enumerate(orders, 1):
        tables["events"].append(("orders", number, "OrderPlaced", 7, number, commit_s))
        tables["orders"].append((number, 7, 100, 0, "confirmed"))
        if answer_s is not None:
            at_s = commit_s + answer_s
            tables["commands"].append(
                ("orders", 7, number, number, commit_s, at_s, "acknowledged", "", -1, -1)
            )
        for replica, delay_s in zip(CONSUMERS, delays, strict=True):
            if delay_s is not None and commit_s + delay_s <= END_S:
                instant_s = commit_s + delay_s
                tables["applied"].append((replica, "orders", number, instant_s, instant_s, 1, "applied"))
                tables["summaries"].append((replica, number, 7, 100, 0, "confirmed"))
    return tables


def missing_spans(orders):
    """From when to when each order was missing in each replica."""
    for commit_s, answer_s, *delays in orders:
        since_s = commit_s + (answer_s or 0.0)
        for delay_s in delays:
            lost = delay_s is None or commit_s + delay_s > END_S
            until_s = math.inf if lost else commit_s + delay_s
            if until_s > since_s:
                yield since_s, until_s


def counted(run, kind, instants=21):
    frame = gaps_over_time(run, instants)
    return frame[frame["kind"] == kind]["count"].tolist()


@settings(max_examples=60, deadline=None)
@given(placed)
def test_an_order_is_missing_from_the_answer_to_its_row(in_memory, orders):
    run = in_memory(shop(orders), scenario=SCENARIO, consumers=CONSUMERS)
    spans = list(missing_spans(orders))
    expected = [sum(s <= t < e for s, e in spans) for t in range(21)]
    assert counted(run, "missing") == expected
    assert counted(run, "missing")[-1] == gaps.counts(run)["missing"]
    closed = [(s, e) for s, e in spans if e < math.inf]
    at_once = [sum(s <= t < e for s, e in closed) for t in (s for s, _ in closed)]
    assert largest_transient(run)["missing"] == max(at_once, default=0)


@settings(max_examples=60, deadline=None)
@given(placed)
def test_an_order_came_late_if_a_replica_showed_it_only_after_its_customer_was_told(in_memory, orders):
    run = in_memory(shop(orders), scenario=SCENARIO, consumers=CONSUMERS)
    assert late(run) == sum(
        answer_s is not None and any(d is not None and d > answer_s and commit_s + d <= END_S for d in delays)
        for commit_s, answer_s, *delays in orders
    )


sales = st.lists(st.tuples(instants, st.integers(1, 2), st.integers(1, 4)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(sales, sales)
def test_units_are_oversold_from_the_sale_until_enough_is_added(in_memory, sold, added):
    start = 3
    tables = {
        "levels": [(1, 1, start), (2, 2, start)],
        "events": [("orders", n, "OrderPlaced", 7, n, t) for n, (t, _, _) in enumerate(sold, 1)],
        "lines": [(n, product, units) for n, (_, product, units) in enumerate(sold, 1)],
        "commands": [
            ("restock", -1, -1, -1, t, t, "acknowledged", "", product, units) for t, product, units in added
        ],
    }
    run = in_memory(tables, scenario=SCENARIO, consumers=CONSUMERS)

    def short(t, product):
        out = sum(units for at_s, p, units in sold if p == product and at_s <= t)
        there = sum(units for at_s, p, units in added if p == product and at_s <= t)
        return max(0, out - start - there)

    assert counted(run, "oversold") == [short(t, 1) + short(t, 2) for t in range(21)]
    assert stock.oversold(run) == {p: short(20, p) for p in (1, 2) if short(20, p)}
    passing = [sum(max(0, short(t, p) - short(20, p)) for p in (1, 2)) for t in range(21)]
    assert largest_transient(run)["oversold"] == max(passing)


@pytest.fixture
def of_one_order(in_memory):
    """The gaps of one order, committed and told of at 1, with these handlings and rows."""

    def made(handled, rows=1, pending=0, **more):
        tables = {
            "events": [("orders", 1, "OrderPlaced", 7, 1, 1.0)],
            "lines": [(1, 3, 2)],
            "orders": [(1, 7, 100, 1, "confirmed")],
            "commands": [("orders", 7, 1, 1, 0.0, 1.0, "acknowledged", "", -1, -1)],
            "catalogue": [(1, 3, name_number("a"), 50)],
            "summaries": [("summary", 1, 7, 100, 1, "confirmed")] * rows,
            "items": [(row, 3, 2, name_number("a"), pending) for row in range(rows)],
            "applied": [("summary", "orders", 1, t, t, 1, outcome) for t, outcome in handled],
        }
        return in_memory(tables | more, scenario=SCENARIO, consumers={"summary": ["orders"]})

    return made


def over_time(run, kind):
    """The instants at which there is a gap of this kind."""
    return [t for t, n in enumerate(counted(run, kind)) if n]


def test_a_doubled_row_is_there_from_the_handling_that_wrote_it_for_good(of_one_order):
    run = of_one_order([(3.0, "applied"), (6.0, "applied")], rows=2)
    assert over_time(run, "doubled") == list(range(6, 21))
    assert (gaps.counts(run)["doubled"], largest_transient(run)["doubled"]) == (1, 0)
    twice_at_once = of_one_order([(3.0, "applied")], rows=2)
    assert over_time(twice_at_once, "doubled") == list(range(3, 21))


def test_a_name_is_pending_until_it_is_repaired(of_one_order):
    run = of_one_order([(3.0, "applied"), (7.0, "repaired")])
    assert over_time(run, "pending") == [3, 4, 5, 6]
    assert (gaps.counts(run)["pending"], largest_transient(run)["pending"]) == (0, 1)
    never = of_one_order([(3.0, "applied")], pending=1)
    assert over_time(never, "pending") == list(range(3, 21))
    assert (gaps.counts(never)["pending"], largest_transient(never)["pending"]) == (1, 0)


def test_an_event_is_parked_until_it_is_replayed(of_one_order):
    run = of_one_order([(3.0, "parked"), (4.0, "duplicate"), (7.0, "applied")])
    assert over_time(run, "parked") == [3, 4, 5, 6]
    assert (gaps.counts(run)["parked"], largest_transient(run)["parked"]) == (0, 1)
    never = of_one_order([(3.0, "parked"), (4.0, "duplicate")], rows=0)
    assert over_time(never, "parked") == list(range(3, 21))
    assert (gaps.counts(never)["parked"], largest_transient(never)["parked"]) == (1, 0)


def test_a_row_is_wrong_while_it_does_not_show_what_became_of_its_order(of_one_order):
    events = [("orders", 1, "OrderPlaced", 7, 1, 1.0), ("orders", 2, "OrderConfirmed", 7, 1, 4.0)]
    applied = [("summary", "orders", n, t, t, 1, "applied") for n, t in ((1, 3.0), (2, 6.0))]
    run = of_one_order([], events=events, applied=applied)
    assert over_time(run, "wrong") == [4, 5]
    assert (gaps.counts(run)["wrong"], largest_transient(run)["wrong"]) == (0, 1)
    summaries = [("summary", 1, 7, 100, 1, "pending")]
    never = of_one_order([], events=events, applied=applied[:1], summaries=summaries)
    assert over_time(never, "wrong") == list(range(3, 21))
    assert (gaps.counts(never)["wrong"], largest_transient(never)["wrong"]) == (1, 0)


def test_a_row_without_an_order_is_known_at_the_end(of_one_order):
    rows = [("summary", 1, 7, 100, 1, "confirmed"), ("summary", 9, 7, 100, 1, "confirmed")]
    run = of_one_order([(3.0, "applied")], summaries=rows)
    assert over_time(run, "extra") == [20]
    assert gaps.counts(run)["extra"] == 1
