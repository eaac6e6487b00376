"""Latency: what is never answered has waited until the end at least, and is not left out."""

from pathlib import Path
from typing import Any

import pytest

from cqrs_lab.experiment import measure_simulated
from scenarios.file import loads

OVERLOADED = """
name = "overloaded"
[phases]
warm = "{warm}"
run = "10s"
settle = "{settle}"
[load]
orders = "every(50ms)"
[policy]
stock = "none"
[time]
orders = "70ms"
[[expect]]
that = ["latency.max{{orders}} < {limit}"]
"""


def overloaded(*, warm: str = "0s", settle: str = "0s", limit: str = "1h") -> Any:
    text = OVERLOADED.format(warm=warm, settle=settle, limit=limit)
    return measure_simulated(loads(text, source="overloaded", folder=Path(), settings=()))


def test_orders_that_are_never_answered_are_censored() -> None:
    summary = overloaded().summary
    # Order n arrives at n · 50 ms and is answered at (n + 1) · 70 ms: in 10 s those up to n = 141.
    assert summary["orders"] == {"acknowledged": 142, "rejected": 0, "failed": 0, "unanswered": 58}
    latency = summary["latency_s"]["orders"]
    assert (latency["count"], latency["censored"]) == (200, 58)
    assert latency["max"] == pytest.approx(10.0 - 142 * 0.05), "of the order that has waited longest"


@pytest.mark.parametrize(("limit", "held"), [("1h", None), ("2.8s", False)])
def test_who_was_never_answered_may_prove_that_a_limit_is_broken_and_never_that_it_is_kept(
    limit: str, held: bool | None
) -> None:
    (result,) = overloaded(limit=limit).verdict.results
    assert result.held is held
    assert result.censored == 58


def test_once_all_are_answered_nothing_is_censored() -> None:
    latency = overloaded(settle="20s").summary["latency_s"]["orders"]
    assert (latency["count"], latency["censored"]) == (200, 0)
    assert latency["max"] == pytest.approx(200 * 0.07 - 199 * 0.05)


def test_warm_is_not_steady_while_ever_more_orders_wait_for_their_answers() -> None:
    verdict = overloaded(warm="10s", settle="60s").verdict
    assert verdict.verdict == "unknown"
    assert verdict.unknown_because[0].startswith(
        "warm was not steady: ever more orders waited for their answers"
    )


@pytest.mark.parametrize(("read", "waits_s"), [("eventual", 0.0), ("wait", 0.09)])
def test_what_it_costs_a_reader_to_wait_for_the_view_is_a_latency(read: str, waits_s: float) -> None:
    text = OVERLOADED.format(warm="0s", settle="5s", limit="1h").replace(
        'orders = "70ms"', 'summary = "100ms"'
    )
    settings = ("load.orders=every(1s)", "load.own_read=10ms", f"policy.read={read}", "policy.join=carried")
    scenario = loads(text, source="waiting", folder=Path(), settings=settings)
    latency = measure_simulated(scenario).summary["latency_s"]["own"]
    assert latency["count"] == 10
    assert latency["mean"] == pytest.approx(waits_s), "the view has an order 100 ms after its commit"
