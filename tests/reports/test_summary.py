"""The numbers of summary.json for a run small enough to work out by hand, and the verdict on it."""

import json
import math
from dataclasses import asdict
from itertools import count

import pytest

from reports.evidence.following import following
from reports.evidence.window import Window
from reports.judging.verdict import decide, judge
from reports.measures.steadiness import growth_events
from reports.measures.table import Measured
from reports.sentence import duration, sentence
from reports.summary import summarise
from scenarios.expectations import parse
from scenarios.scenario import Expect, Fault, Phases, Scenario

# run [0, 10), settle [10, 12). Customer 7 orders at 1, 2 and 4, customer 8 at 3; summary paused in [2, 5).
COMMITS = {1: (7, 1.0), 2: (7, 2.0), 3: (8, 3.0), 4: (7, 4.0)}
APPLIES = {1: 1.5, 2: 5.5, 3: 6.0, 4: 6.5}
PAUSE = (0, "pause", "summary", 2.0, 5.0, 3)


def tables(**changes):
    made = {
        "commands": [
            ("orders", c, n, n, t - 0.25, t, "acknowledged", "", -1, -1) for n, (c, t) in COMMITS.items()
        ],
        "events": [("orders", n, "OrderPlaced", c, n, t) for n, (c, t) in COMMITS.items()],
        "lines": [(1, 1, 2), (2, 1, 2), (3, 2, 1), (4, 1, 1)],
        "applied": [("summary", "orders", n, t - 0.5, t, 1, "applied") for n, t in APPLIES.items()],
        "reads": [
            ("history", 7, 7, 1.2, 1.2, 0, "ok"),  # misses order 1
            ("history", 7, 7, 1.6, 1.6, 1, "ok"),
            ("history", 7, 7, 4.5, 4.5, 1, "ok"),  # misses 2 and 4
            ("own", 8, 8, 7.0, 7.0, 1, "ok"),
            ("history", 8, 8, 8.0, 8.0, -1, "failed"),
            ("stock", -1, 1, 5.0, 5.0, 1, "ok"),  # orders 1, 2 and 4 are committed: two behind
            ("stock", -1, 2, 9.0, 9.0, -1, "ok"),  # not judged
        ],
        "faults": [PAUSE],
        "levels": [(1, 1, 1000), (2, 2, 1000)],
        "orders": [(n, c, 100, 1, "confirmed") for n, (c, _) in COMMITS.items()],
        "summaries": [("summary", n, c, 100, 1, "confirmed") for n, (c, _) in COMMITS.items()],
    }
    return made | changes


def scenario(*claims, when="run", faults=True, warm=0.0):
    return Scenario(
        name="by-hand",
        phases=Phases(warm=warm, run=10.0, settle=2.0),
        faults=(Fault(kind="pause", on="summary", at=2.0, for_=3.0),) if faults else (),
        expect=(Expect(when=when, that=tuple(parse(claim) for claim in claims)),) if claims else (),
    )


@pytest.fixture
def judged(run_of):
    def judged(*claims, when="run", changes=None, info=None, **about):
        expected = scenario(*claims, when=when, **about)
        run = run_of(tables(**(changes or {})), scenario=expected, info=info)
        summary = summarise(run)
        verdict = judge(run, expected, summary)
        return verdict, sentence(run, expected, summary, verdict)

    return judged


def test_the_summary_has_the_numbers_worked_out_by_hand(run_of):
    made = summarise(run_of(tables(), scenario=scenario()))
    # lags 0.5, 3.5, 3.0, 2.5
    assert made["lag_s"]["summary"] == {
        "count": 4, "censored": 0, "mean": 2.375, "p50": 2.5, "p95": 3.5, "p99": 3.5, "p999": 3.5, "max": 3.5,
    }  # fmt: skip
    assert made["backlog_events"]["summary"] == {"mean": 0.95, "max": 3}
    # V: [1, 1.5) from 0; [2, 5.5) from 0; [5.5, 6) from 2.5; [6, 6.5) from 2
    area = 0.5**2 / 2 + 3.5**2 / 2 + (2.5 + 3.0) / 4 + (2.0 + 2.5) / 4
    assert made["time_behind_s"]["summary"] == {"mean": area / 10, "max": 3.5, "share_behind": 0.5}
    # age: [1.5, 5.5) of 1, [5.5, 6) of 2, [6, 6.5) of 3, [6.5, 10) of 4
    area = (0.5 + 4.5) / 2 * 4 + (3.5 + 4.0) / 4 + (3.0 + 3.5) / 4 + (2.5 + 6.0) / 2 * 3.5
    assert made["age_of_information_s"]["summary"] == {
        "mean": round(area / 8.5, 9), "max": 6.0, "mean_peak": round((4.5 + 4.0 + 3.5) / 3, 9),
    }  # fmt: skip
    assert made["reads"]["history"] == {
        "count": 4, "failed": 1, "marked_stale": 0, "judged": 3, "stale": 2,
        "stale_ratio": round(2 / 3, 9), "mean_versions_behind": 1.0,
    }  # fmt: skip
    assert made["reads"]["stock"]["mean_versions_behind"] == 2.0
    assert (made["reads"]["stock"]["count"], made["reads"]["stock"]["judged"]) == (2, 1)
    assert made["latency_s"]["orders"]["mean"] == 0.25
    # opportunities: every judged history or own read; violations at 1.2 and 4.5
    assert made["session"]["read_your_writes"] == {"opportunities": 4, "violations": 2}
    assert made["session"]["monotonic_reads"] == {"opportunities": 2, "violations": 0}
    assert made["gaps"]["summary"] == {
        "missing": 0, "extra": 0, "doubled": 0, "wrong": 0, "pending": 0, "parked": 0, "late": 4,
        # Orders 2 to 4 are told of at 2, 3 and 4 and shown at 5.5, 6 and 6.5.
        "transient": {"missing": 3, "extra": 0, "doubled": 0, "wrong": 0, "pending": 0, "parked": 0},
    }  # fmt: skip
    assert made["applied"]["summary"]["attempts"] == made["applied"]["summary"]["applied"] == 4
    assert made["stock"] == {"oversold_units": 0, "oversold_products": 0, "transient_oversold_units": 0}
    assert made["visible_within"]["summary"] == {
        "0.1": 0.0, "0.5": 0.25, "1": 0.25, "2": 0.25, "5": 1.0, "10": 1.0, "30": 1.0, "60": 1.0,
    }  # fmt: skip
    (fault,) = made["faults"]
    assert (fault["start_s"], fault["end_s"], fault["hits"]) == (2.0, 5.0, 3)
    assert fault["recovery_s"] == fault["recovery_at_least_s"] == {"summary": 1.5}
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_a_run_in_which_nothing_happened_has_numbers_or_none(run_of):
    made = summarise(run_of({}, scenario=scenario()))
    assert made["lag_s"]["summary"]["mean"] is None
    assert made["orders"] == {"acknowledged": 0, "rejected": 0, "failed": 0, "unanswered": 0}
    json.dumps(made, allow_nan=False)


def test_an_event_never_applied_is_censored_and_the_recovery_with_it(run_of):
    left = [row for row in tables()["applied"] if row[2] != 4]
    made = summarise(run_of(tables(applied=left), scenario=scenario()))
    assert made["lag_s"]["summary"]["censored"] == 1
    assert made["lag_s"]["summary"]["max"] == 8.0  # the horizon is at 12, the commit at 4
    (fault,) = made["faults"]
    assert fault["recovery_s"] == {"summary": None}
    assert fault["recovery_at_least_s"] == {"summary": 7.0}
    assert fault["recovery_censored"] == {"summary": "the run ended first"}


def test_duplicates_repeats_and_dead_letters_are_told_apart(run_of):
    rows = [
        ("summary", "orders", 1, 1.0, 1.5, 3, "applied"),
        ("summary", "orders", 1, 2.0, 2.0, 0, "duplicate"),
        ("summary", "orders", 2, 2.0, 2.5, 1, "applied"),
        ("summary", "orders", 2, 3.0, 3.5, 1, "applied"),
        ("summary", "orders", 3, 3.0, 3.5, 4, "parked"),
        ("summary", "orders", 4, 3.0, 4.5, 4, "parked"),
        ("summary", "orders", 4, 6.0, 6.5, 1, "applied"),
    ]
    made = summarise(run_of(tables(applied=rows), scenario=scenario()))
    assert made["applied"]["summary"] == {
        "attempts": 14, "applied": 3, "duplicates": 1, "repeats": 1,
        "failed_attempts": 10, "dead_letters": 1, "oldest_dead_letter_s": 8.5, "amplification": 3.5,
    }  # fmt: skip
    assert made["lag_s"]["summary"]["censored"] == 1
    assert made["lag_s"]["summary"]["p50"] == 0.5
    assert made["gaps"]["summary"]["parked"] == 1


def row(order_id, customer_id=7, total_minor=100, lines=1, status="confirmed", replica="summary"):
    return replica, order_id, customer_id, total_minor, lines, status


def test_the_read_model_is_held_against_the_command_side(run_of):
    rows = [row(1), row(1), row(2, total_minor=99), row(4), row(9)]
    gaps = summarise(run_of(tables(summaries=rows), scenario=scenario()))["gaps"]["summary"]
    assert (gaps["missing"], gaps["extra"], gaps["doubled"], gaps["wrong"]) == (1, 1, 1, 1)


def test_oversold_units_are_those_beyond_the_stock_and_what_was_added(run_of):
    three = [(1, 1, 3), (2, 2, 3)]  # five units of product 1 were ordered
    made = summarise(run_of(tables(levels=three), scenario=scenario()))
    assert made["stock"] == {"oversold_units": 2, "oversold_products": 1, "transient_oversold_units": 0}
    restock = ("restock", -1, -1, 5, 4.5, 4.6, "acknowledged", "", 1, 1)
    more = tables(levels=three)["commands"] + [restock]
    made = summarise(run_of(tables(levels=three, commands=more), scenario=scenario(), name="more"))
    assert made["stock"] == {"oversold_units": 1, "oversold_products": 1, "transient_oversold_units": 1}


def test_an_order_that_the_inventory_has_rejected_takes_nothing_and_is_no_event_of_a_product(run_of):
    decided = [("inventory", 11, "StockReserved", 7, 2, 2.5), ("inventory", 12, "StockRejected", 7, 1, 2.5)]
    reads = [("browse", -1, 7, 9.0, 9.0, 0, "ok")]
    three = [(1, 1, 3), (2, 2, 3)]
    saga = tables(events=tables()["events"] + decided, reads=reads, levels=three)
    made = summarise(run_of(saga, scenario=scenario()))
    assert made["stock"]["oversold_units"] == 0, "two of the five units were not sold"
    assert made["reads"]["browse"]["stale"] == 0


def test_every_claim_that_holds_makes_a_pass(judged):
    claims = [
        "lag.max{summary} <= 3.5s", "lag.mean{summary} < 3s", "backlog.max{summary} <= 3",
        "time_behind.max{summary} < 4s", "age_of_information.max{summary} < 7s",
        "visible_within(1s){summary} >= 0.25",
        "recovery{summary} < 2s", "stale_reads{history} < 0.7", "read_your_writes <= 0.5",
        "monotonic_reads <= 0",
        "success{orders} >= 1", "latency.p99{POST /orders} < 300ms", "oversold <= 0", "dead_letters <= 0",
        "no lost", "no phantom", "no doubled", "no reordered", "in bounds", "converged",
        "converged within 1s", "faults fired",
    ]  # fmt: skip
    verdict, _ = judged(*claims)
    assert [result.text for result in verdict.results if result.held is not True] == []
    assert (verdict.verdict, verdict.exit_code) == ("pass", 0)
    assert [r.margin for r in verdict.results[:3]] == [0.0, 0.625, 0.0]


def test_a_broken_limit_makes_a_fail_with_value_and_margin(judged):
    verdict, _ = judged("lag.max{summary} < 3s", "no lost")
    assert (verdict.verdict, verdict.exit_code) == ("fail", 1)
    first = verdict.results[0]
    assert (first.held, first.value, first.limit, first.margin, first.sample_size) == (
        False,
        3.5,
        3.0,
        -0.5,
        4,
    )
    json.dumps(asdict(verdict), allow_nan=False)


def test_a_lost_order_is_a_counter_example(judged):
    left = {
        "applied": [r for r in tables()["applied"] if r[2] != 3],
        "summaries": [r for r in tables()["summaries"] if r[1] != 3],
    }
    verdict, said = judged("no lost", changes=left)
    assert verdict.verdict == "fail"
    (example,) = verdict.results[0].counter_examples
    assert (example["order_id"], example["position"], example["acknowledged_s"]) == (3, 3, 3.0)
    assert "never finished" in example["found"]
    # The lags of the others are 0.5, 3.5 and 2.5 s. The one read of the history since the fault was stale.
    assert said.startswith(
        "While the summary projection was paused for 3 s, 1 of 4 orders was lost for good: their customers "
        "never see them; the others reached the summary within 3.5 s and every history read was stale from "
        "then on – which breaks"
    )


def test_a_parked_order_is_not_lost(judged):
    rows = [r for r in tables()["applied"] if r[2] != 3] + [("summary", "orders", 3, 5.0, 6.0, 2, "parked")]
    left = {"applied": rows, "summaries": [r for r in tables()["summaries"] if r[1] != 3]}
    verdict, said = judged("no lost", changes=left)
    assert verdict.verdict == "pass"
    assert "1 order was left in the dead letters" in said


def test_at_most_eight_counter_examples_are_listed_and_all_are_counted(judged):
    rows = tables()["summaries"] + [row(n) for n in range(100, 120)]
    verdict, _ = judged("no phantom", changes={"summaries": rows})
    assert (verdict.results[0].count, len(verdict.results[0].counter_examples)) == (20, 8)


def test_an_order_applied_after_a_later_one_of_its_customer_is_reordered(judged):
    at_s = {1: 1.5, 2: 6.5, 3: 6.0, 4: 5.5}
    rows = [("summary", "orders", n, t, t, 1, "applied") for n, t in at_s.items()]
    verdict, _ = judged("no reordered", changes={"applied": rows})
    assert [e["position"] for e in verdict.results[0].counter_examples] == [2]


def test_a_model_that_is_late_has_not_converged_in_time(judged):
    late = {
        "applied": [r for r in tables()["applied"] if r[2] != 4]
        + [("summary", "orders", 4, 11.0, 11.5, 1, "applied")]
    }
    verdict, _ = judged("converged", "converged within 1s", "converged within 1500ms", changes=late)
    assert [result.held for result in verdict.results] == [True, False, True]


@pytest.mark.parametrize("faults", [[], [(*PAUSE[:5], 0)]])
def test_a_fault_that_touched_nothing_makes_the_verdict_unknown(judged, faults):
    verdict, said = judged("lag.max{summary} < 1s", "faults fired", changes={"faults": faults})
    assert (verdict.verdict, verdict.exit_code) == ("unknown", 3)
    assert "fault 0 (pause on summary) touched nothing" in verdict.unknown_because[0]
    assert [result.held for result in verdict.results] == [False, False]
    assert "proves nothing yet" in said


def test_a_claim_with_nothing_to_judge_makes_the_verdict_unknown(judged):
    verdict, _ = judged("stale_reads{browse} < 0.5", "lag.max{summary} < 1s")
    assert verdict.verdict == "unknown"
    assert verdict.results[0].held is None
    assert "stale_reads{browse} < 0.5: there was nothing to judge" in verdict.unknown_because[0]


def test_a_generator_that_could_not_keep_up_makes_the_verdict_unknown(judged):
    verdict, _ = judged("no lost", info={"generator": {"kept_up": False, "reason": "one core at 100 %"}})
    assert verdict.verdict == "unknown"
    assert "one core at 100 %" in verdict.unknown_because[0]


def test_a_warm_phase_with_a_growing_backlog_makes_the_verdict_unknown(judged):
    commits = [-10.0 + n / 10 for n in range(100)]
    events = [("orders", n + 1, "OrderPlaced", 7, n + 1, t) for n, t in enumerate(commits)]
    applied = [("summary", "orders", n + 1, t, -10 + n / 5, 1, "applied") for n, t in enumerate(commits)]
    verdict, _ = judged("lag.max{summary} < 1h", changes={"events": events, "applied": applied}, warm=10.0)
    assert verdict.verdict == "unknown"
    assert any("warm was not steady: the backlog of summary" in reason for reason in verdict.unknown_because)


def test_warm_is_steady_if_its_backlog_comes_back_to_where_it_was():
    warm = Window(-10.0, 0.0)
    commits = [-10.0 + n / 10 for n in range(100)]
    batches = following(commits, [math.floor(t) + 1.0 for t in commits], end_s=1.0)
    assert growth_events(batches, warm) == 0
    assert growth_events(following(commits, [9.0] * 100, end_s=10.0), warm) > 20
    assert growth_events(following(commits[:5], [9.0] * 5, end_s=10.0), warm) is None
    assert growth_events(batches, Window(0.0, 0.0)) is None


@pytest.mark.parametrize(
    ("claim", "held"),
    [
        ("lag.max{summary} < 1s", False),  # at least 2 s: broken, however late it would have been
        ("lag.max{summary} < 3s", None),
        ("lag.max{summary} > 1s", True),
        ("lag.max{summary} > 3s", None),
    ],
)
def test_a_censored_value_decides_only_what_both_its_bounds_decide(claim, held):
    found, reason = decide(parse(claim), Measured(2.0, 10, 1, math.inf))
    assert found is held
    assert bool(reason) == (held is None)


def test_the_sentence_tells_what_failed_and_what_customers_saw(judged):
    _, said = judged("no lost")
    # From 2 to 6.5 s one read of the history, at 4.5, was judged, and it was stale.
    assert said == (
        "While the summary projection was paused for 3 s, customers did not see new orders for up to 3.5 s; "
        "the summary had recovered 1.5 s afterwards, every history read was stale meanwhile, up to 3 orders "
        "were missing at a time, and nothing was lost."
    )


def test_the_sentence_of_a_run_without_a_fault_tells_the_usual_lag(judged):
    _, said = judged("no lost", changes={"faults": []}, faults=False)
    assert said == (
        "With nothing failing, customers saw half of their new orders within 2.5 s, 99 % within 3.5 s and "
        "all within 3.5 s; 66.7 % of history reads were stale and nothing was lost."
    )


def test_the_sentence_tells_that_the_summary_did_not_recover(judged):
    left = {"applied": tables()["applied"][:1], "summaries": tables()["summaries"][:1]}
    _, said = judged("no lost", changes=left)
    assert "customers did not see new orders for at least 10 s" in said
    assert "the summary had still not recovered 7 s afterwards, when the run ended" in said
    assert (
        "3 orders were still missing from the summary at the end – which breaks 1 of 1 expectations" in said
    )


def test_the_sentence_counts_the_occurrences_of_a_fault_and_names_each_fault(judged):
    faults = [PAUSE, (0, "pause", "summary", 7.0, 7.5, 1), (1, "cut", "orders->summary", 8.0, 9.0, 1)]
    _, said = judged("no lost", changes={"faults": faults})
    assert said.startswith(
        "While the summary projection was paused twice, for 3.5 s in all and the link from orders to summary "
        "was cut for 1 s, customers"
    )
    assert "the summary had recovered 1.5 s after each failure at the latest" in said


CONSUMERS = {
    "inventory": ["orders"],
    "summary": ["orders"],
    "products": ["catalog", "inventory"],
    "orders": ["catalog", "inventory"],
}


def following_of_all(**lag_s):
    """Ten orders and ten stock changes a second apart, each applied after the lag of its consumer.

    The event at 4 waits at the consumers named; everything else takes 1 ms.
    """
    events, applied = [], []
    for source, kind in (("orders", "OrderPlaced"), ("inventory", "InventoryUpdated")):
        events += [(source, n, kind, n, n, float(n)) for n in range(1, 10)]
        for consumer, sources in CONSUMERS.items():
            for n in range(1, 10) if source in sources else ():
                at_s = n + (lag_s.get(consumer, 0.001) if n == 4 else 0.001)
                applied.append((consumer, source, n, at_s, at_s, 1, "applied"))
    return {
        "commands": [("orders", n, n, n, n - 0.25, n, "acknowledged", "", -1, -1) for n in range(1, 10)],
        "events": events,
        "applied": applied,
        "orders": [(n, n, 100, 1, "confirmed") for n in range(1, 10)],
        "summaries": [row(n, n) for n in range(1, 10)],
        "lines": [(n, n, 1) for n in range(1, 10)],
        "levels": [(100 + n, n, 1000) for n in range(1, 10)],
        "faults": [(0, "pause", "relay", 4.0, 5.0, 1)],
        "reads": [
            ("history", 4, 4, 4.5, 4.5, 0, "ok"), ("own", 1, 1, 4.5, 4.5, 1, "ok"),
            ("stock", -1, 4, 4.5, 4.5, 0, "ok"), ("stock", -1, 1, 4.6, 4.6, 1, "ok"),
            ("browse", -1, 1, 4.5, 4.5, 1, "ok"), ("stock", -1, 4, 9.0, 9.0, 0, "ok"),
        ],
    }  # fmt: skip


@pytest.fixture
def said_of(run_of):
    names = (f"run-{n}" for n in count())

    def said_of(changes=None, consumers=CONSUMERS, **lag_s):
        expected = scenario("no lost")
        made = following_of_all(**lag_s) | (changes or {})
        run = run_of(made, scenario=expected, consumers=consumers, name=next(names))
        summary = summarise(run)
        return sentence(run, expected, summary, judge(run, expected, summary))

    return said_of


def test_the_sentence_speaks_of_the_read_model_that_fell_behind_the_most(said_of):
    lead = "While the relay was paused for 1 s, "
    assert said_of(summary=2.0, inventory=0.1) == lead + (
        "customers did not see new orders for up to 2 s; the summary had recovered 1 s afterwards, every "
        "history read was stale meanwhile, up to 2 orders were missing at a time, and nothing was lost."
    )
    assert said_of(summary=0.1, inventory=2.5) == lead + (
        "the stock shown was up to 2.5 s behind the orders; the inventory had recovered 1.5 s afterwards, "
        "50 % of stock reads were stale meanwhile, and nothing was lost."
    )
    assert said_of(products=2.5) == lead + (
        "product names, prices and availability were up to 2.5 s old; the product view had recovered 1.5 s "
        "afterwards, no browse read was stale meanwhile, and nothing was lost."
    )
    assert said_of(orders=2.5) == lead + (
        "the order service checked stock that was up to 2.5 s old; the order service had recovered 1.5 s "
        "afterwards and nothing was lost."
    )


def test_on_a_near_tie_the_sentence_speaks_of_what_customers_see_of_their_orders(said_of):
    assert "customers did not see new orders for up to 2 s" in said_of(summary=2.0, inventory=2.3)
    assert "the stock shown was up to 2.5 s behind" in said_of(summary=2.0, inventory=2.5)


def without(table, consumer, position):
    return [row for row in table if (row[0], row[2]) != (consumer, position)]


def test_a_lost_order_matters_more_than_a_stock_that_is_late(said_of):
    made = following_of_all(inventory=6.0)
    lost = {
        "applied": without(made["applied"], "summary", 8),
        "summaries": [row for row in made["summaries"] if row[1] != 8],
    }
    assert "paused for 1 s, 1 of 9 orders was lost for good: their customers never see them; the others " in (
        said_of(lost)
    )


def test_orders_that_never_reach_the_inventory_are_told_as_lost_to_it(said_of):
    lost = {"applied": without(following_of_all()["applied"], "inventory", 4)}
    assert said_of(lost) == (
        "While the relay was paused for 1 s, 1 of 9 orders was lost to the inventory for good: the stock "
        "shown stays wrong; the others reached the inventory within 1 ms and 66.7 % of stock reads were "
        "stale from then on."
    )


def test_what_waits_in_the_dead_letters_is_not_lost(said_of):
    rest = without(following_of_all()["applied"], "inventory", 4)
    parked = {"applied": [*rest, ("inventory", "orders", 4, 4.0, 4.5, 3, "parked")]}
    said = said_of(parked)
    assert "1 order was left in the dead letters of the inventory" in said
    assert "lost" not in said


def test_an_order_service_that_follows_no_stock_is_not_said_to_check_it(said_of):
    catalog_only = CONSUMERS | {"orders": ["catalog"]}
    events = [*following_of_all()["events"], ("catalog", 1, "ProductRenamed", 1, -1, 4.0)]
    rows = [row for row in following_of_all()["applied"] if row[0] != "orders"]
    rows += [
        (name, "catalog", 1, at_s, at_s, 1, "applied") for name, at_s in (("orders", 7.0), ("products", 4.1))
    ]
    said = said_of({"events": events, "applied": rows}, consumers=catalog_only)
    assert "the order service worked with product data that was up to 3 s old" in said


def test_a_consumer_without_words_of_its_own_is_spoken_of_by_its_name(said_of):
    rows = [
        *following_of_all()["applied"],
        *(("audit", "orders", n, 9.5, 9.5, 1, "applied") for n in range(1, 10)),
    ]
    said = said_of({"applied": rows}, consumers=CONSUMERS | {"audit": ["orders"]})
    assert (
        "the audit projection was up to 8.5 s behind; the audit projection had recovered 4.5 s after" in said
    )


def test_without_an_accepted_order_the_sentence_says_so(said_of):
    nothing = {name: [] for name in ("events", "applied", "orders", "summaries", "lines", "reads")}
    rejected = [("orders", 1, -1, -1, 4.0, 4.1, "rejected", "no stock", -1, -1)] * 1200
    assert "paused for 1 s, no order was accepted; 1,200 of 1,200 orders were not accepted and nothing" in (
        said_of(nothing | {"commands": rejected})
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.00042, "0.42 ms"), (1e-9, "0 s"), (0.25, "250 ms"), (0.9996, "1 s"), (4.0, "4 s"),
     (9.96, "10 s"), (33.4, "33 s"), (119.6, "2 min"), (3725.0, "1 h 2 min 5 s")],
)  # fmt: skip
def test_a_duration_is_written_for_people(seconds, text):
    assert duration(seconds) == text


def pauses(*targets, hits=1):
    """A pause of each node for a second, one after the other, from 4 s on."""
    return [(number, "pause", on, 4.0 + number, 5.0 + number, hits) for number, on in enumerate(targets)]


def test_of_many_faults_the_sentence_names_three_and_counts_the_others(said_of):
    said = said_of({"faults": pauses("relay", "inventory", "orders", "carts", "products", "relay")})
    assert said.startswith(
        "While the relay was paused twice, for 2 s in all, the inventory service was paused for 1 s, "
        "the order service was paused for 1 s, and during 2 other faults, "
    )


def test_a_fault_that_touched_nothing_is_not_named_as_a_reason(said_of):
    said = said_of({"faults": pauses("relay", hits=0)})
    assert said.startswith("With no fault touching anything, ")
    assert said_of({"faults": [*pauses("inventory"), (1, "pause", "relay", 4.0, 5.0, 0)]}).startswith(
        "While the inventory service was paused for 1 s, "
    )


def test_dead_letters_of_several_consumers_are_told_in_one_breath(said_of):
    rest = without(following_of_all()["applied"], "inventory", 4)
    rest = without(rest, "summary", 4)
    parked = [(name, "orders", 4, 4.0, 4.5, 3, "parked") for name in ("inventory", "summary")]
    rows = [row for row in following_of_all()["summaries"] if row[1] != 4]
    said = said_of({"applied": [*rest, *parked], "summaries": rows})
    assert "1 order was left in the dead letters of the summary and the inventory." in said


@pytest.mark.parametrize(("many", "named"), [(2, "< 1ms, lag.p99{summary} < 2ms)."), (4, "< 2ms, …).")])
def test_every_broken_expectation_is_named_up_to_three(judged, many, named):
    _, said = judged(*(f"lag.p99{{summary}} < {n}ms" for n in range(1, many + 1)))
    assert f"breaks {many} of {many} expectations (lag.p99{{summary}} < 1ms, " in said
    assert said.endswith(named)
