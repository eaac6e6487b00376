"""What a live run has beside a simulated one: what clients saw, and why it was cut short."""

import math

import pytest

from reports.judging.verdict import judge
from reports.measures.vantage import difference, vantage
from reports.summary import summarise
from scenarios.expectations import parse
from scenarios.scenario import Expect, Phases, Scenario

CLAIMS = ("latency.p99{POST /orders} < 1s", "success{orders} >= 0.5")
SCENARIO = Scenario(
    name="x",
    phases=Phases(warm=0.0, run=30.0, settle=10.0),
    expect=(Expect(that=tuple(parse(claim) for claim in CLAIMS)),),
)
ANN, NEVER = 7, math.nan

SERVER = {
    # Order 1 was answered 0.5 s after its commit and could be read 1 s after it; order 2 never.
    "commands": [
        ("orders", ANN, number, number, at_s - 0.1, at_s + 0.4, "acknowledged", "", -1, -1)
        for number, at_s in ((1, 1.0), (2, 5.0))
    ],
    "events": [("orders", number, "OrderPlaced", ANN, number, at_s) for number, at_s in ((1, 1.0), (2, 5.0))],
    "applied": [("summary", "orders", 1, 1.9, 2.0, 1, "applied")],
    # Two reads that overlap, and one that follows; the second is a step back only if they do not.
    "reads": [
        ("history", ANN, ANN, at_s, at_s + 0.1, seen, "ok") for at_s, seen in ((8.0, 1), (8.2, 0), (9.0, 1))
    ],
}


def request(kind, started_s, ended_s, outcome="ok", order_id=-1, *, intended_s=None):
    route = "POST /orders" if kind == "orders" else "GET /customer/{customerId}/orders"
    due_s = started_s if intended_s is None else intended_s
    return (kind, route, ANN, -1, order_id, order_id, due_s, started_s, ended_s, 201, outcome)


def clients(*reads):
    return {
        "requests": [
            request("orders", 0.8, 1.5, order_id=1, intended_s=0.2),
            request("orders", 4.8, 5.5, order_id=2),
            request("orders", 6.0, 6.1, "failed"),
            request("orders", NEVER, 7.0, "dropped", intended_s=7.0),
            *reads,
        ],
        "probes": [
            ("order", "summary", 1, 1.5, 2.1, 2.25, NEVER, 9),
            ("order", "summary", 2, 5.5, 39.9, NEVER, 40.0, 99),
        ],
    }


ONE_AFTER_THE_OTHER = [request("history", at_s, at_s + 0.15) for at_s in (7.95, 8.15, 8.95)]
OVERLAPPING = [
    request("history", 7.95, 8.5),
    request("history", 8.15, 8.4),
    request("history", 8.95, 9.2),
]


@pytest.fixture
def live(live_in_memory):
    return lambda reads, info=None: live_in_memory(SERVER | clients(*reads), scenario=SCENARIO, info=info)


def test_the_lag_of_the_same_orders_is_known_from_both_sides(live):
    found = vantage(live(ONE_AFTER_THE_OTHER))
    assert found["count"] == 2
    assert found["censored"] == {"server": 1, "client": 1}
    assert (found["server"]["p50"], found["server"]["max"]) == pytest.approx((1.0, 35.0))
    assert (found["client"]["p50"], found["client"]["max"]) == pytest.approx((0.75, 34.5))
    assert found["answered_after"] == pytest.approx(0.5)
    assert found["noticed_after"] == pytest.approx(0.25)
    client_s = found["server"]["p50"] - found["answered_after"] + found["noticed_after"]
    assert client_s == pytest.approx(found["client"]["p50"])
    assert difference(found) == (
        "The client's lag begins 500 ms later, with the answer, and ends 250 ms later, with the answer to a "
        "look (medians). An order never seen counts as at least the time until the run's end, and for its "
        "client until that gave up."
    )


def test_of_orders_that_nobody_saw_both_sides_tell_bounds_and_no_median(live_in_memory):
    unseen = clients() | {"probes": [("order", "summary", 2, 5.5, 39.9, NEVER, 20.0, 99)]}
    found = vantage(live_in_memory(SERVER | unseen, scenario=SCENARIO, info=None))
    assert found["answered_after"] is None
    assert (found["server"]["max"], found["client"]["max"]) == pytest.approx((35.0, 14.5))
    assert difference(found).startswith("An order never seen")


def test_latency_is_from_the_intended_start_and_success_of_what_was_sent(live):
    run = live(ONE_AFTER_THE_OTHER)
    latency, success = judge(run, SCENARIO, summarise(run)).results
    assert (latency.held, latency.value, latency.sample_size) == (False, pytest.approx(1.3), 2)
    assert (success.value, success.sample_size) == (pytest.approx(2 / 3), 3)


def test_a_read_that_was_sent_before_another_was_answered_is_no_step_back(live):
    apart, together = (
        summarise(live(reads))["session"]["monotonic_reads"] for reads in (ONE_AFTER_THE_OTHER, OVERLAPPING)
    )
    assert apart == {"opportunities": 2, "violations": 1}
    assert together == {"opportunities": 1, "violations": 0}


def test_a_customer_knows_of_an_order_when_the_answer_is_there(live):
    # By 8 s both orders were answered; each of the reads misses one at least.
    found = summarise(live(ONE_AFTER_THE_OTHER))["session"]["read_your_writes"]
    assert found == {"opportunities": 3, "violations": 3}


def test_a_run_that_was_cut_short_proves_nothing_and_says_why(live):
    run = live(ONE_AFTER_THE_OTHER, {"cut_short": "the server was gone 3 s into the run"})
    verdict = judge(run, SCENARIO, summarise(run))
    assert verdict.verdict == "unknown"
    assert verdict.unknown_because[0] == (
        "the run was cut short: the server was gone 3 s into the run; run it again"
    )
