"""A whole run: what the trace says about phases, faults, clients and the end."""

import dataclasses
import math

import pytest
from textbook import HERE, applied_s, column, committed_s, queue, times

from scenarios.arrivals import parse as arrivals
from scenarios.file import loads
from scenarios.scenario import Fault, Load
from simulation.run import simulate

EVERYTHING = """
name = "everything"
[phases]
warm = "5s"
run = "20s"
settle = "5s"
[population]
customers = 20
products = 10
[load]
orders = "poisson(20/s)"
checkouts = "poisson(5/s)"
history = "poisson(20/s)"
stock = "poisson(10/s)"
browse = "poisson(10/s)"
restock = "poisson(2/s)"
catalogue = "poisson(2/s)"
own_read = "exp(100ms)"
[time]
orders = "exp(2ms)"
carts = "1ms"
summary = "exp(4ms)"
"store:products" = "exp(1ms)"
"store:summary" = "exp(1ms)"
[link]
"*" = "exp(2ms)"
"""


def names(trace, table, name):
    return trace.frame_columns(table)[name].to_pylist()


@pytest.fixture(scope="module")
def everything():
    return simulate(loads(EVERYTHING, source="everything.toml", folder=HERE))


def test_every_kind_of_client_is_answered(everything) -> None:
    trace = everything.recorder
    assert set(names(trace, "commands", "kind")) == {"orders", "carts", "checkouts", "restock", "catalogue"}
    assert set(names(trace, "reads", "kind")) == {"history", "own", "stock", "browse"}
    assert set(names(trace, "commands", "outcome")) == {"acknowledged"}
    assert set(names(trace, "reads", "outcome")) == {"ok"}
    assert everything.failures == []


def test_the_ledger_the_log_the_command_side_and_the_view_agree(everything) -> None:
    trace = everything.recorder
    acknowledged = {number for number in trace.column("commands", "order_id") if number > 0}
    placed = {number for number in trace.column("events", "order_id") if number > 0}
    assert acknowledged == placed == set(trace.column("orders", "order_id"))
    rows = [
        tuple(column(trace, table, name) for name in ("order_id", "customer_id", "total_minor", "lines"))
        for table in ("orders", "summaries")
    ]
    for one, other in zip(*rows, strict=True):
        assert (one == other).all()


def test_load_comes_in_warm_and_run_and_not_in_settle(everything) -> None:
    arrived = column(everything.recorder, "commands", "arrived_s")
    # A cart is filled step by step, so its last step may come a moment after the phase.
    assert -5.0 <= arrived.min() < -4.0
    assert 19.0 < arrived.max() < 20.1


def test_an_answer_never_precedes_its_command(everything) -> None:
    trace = everything.recorder
    assert (column(trace, "commands", "answered_s") >= column(trace, "commands", "arrived_s")).all()
    assert (column(trace, "reads", "read_s") >= column(trace, "reads", "arrived_s")).all()
    assert (column(trace, "applied", "applied_s") >= column(trace, "applied", "taken_s")).all()


def test_inbox_depths_are_sampled_for_every_node(everything) -> None:
    assert set(names(everything.recorder, "queues", "node")) == {
        "orders",
        "carts",
        "catalog",
        "inventory",
        "products",
        "summary",
        "relay",
    }


def test_each_occurrence_of_a_fault_has_its_row() -> None:
    scenario = queue(
        run=20.0,
        summary="exp(5ms)",
        faults=(
            Fault(kind="crash", on="summary", at=2.0, for_=1.0),
            Fault(kind="cut", on="orders->*", at=5.0, for_=2.0),
            Fault(kind="pause", on="summary", at=18.0),
        ),
    )
    trace = simulate(scenario).recorder
    rows = sorted(
        zip(*(names(trace, "faults", n) for n in ("fault", "kind", "on", "start_s", "end_s")), strict=True)
    )
    assert rows == [
        (0, "crash", "summary", 2.0, 3.0),
        (1, "cut", "orders->*", 5.0, 7.0),
        (2, "pause", "summary", 18.0, 20.0),  # without a length until the end of the run phase
    ]
    assert all(hits > 0 for hits in names(trace, "faults", "hits"))


def test_a_fault_until_the_end_has_its_row_also_without_a_settle_phase() -> None:
    text = EVERYTHING.replace('settle = "5s"', 'settle = "0s"')
    faults = ("crash", "summary"), ("hold", "orders->inventory"), ("full", "store:orders")
    text += "".join(f'[[fault]]\nkind = "{kind}"\non = "{on}"\nat = "19s"\n' for kind, on in faults)
    trace = simulate(loads(text, source="everything.toml", folder=HERE)).recorder
    assert names(trace, "faults", "end_s") == [20.0] * 3
    assert all(hits > 0 for hits in names(trace, "faults", "hits"))


def test_a_fault_that_comes_again_does_so_at_random_and_within_the_run() -> None:
    text = """
name = "again"
[phases]
warm = "0s"
run = "2m"
settle = "10s"
[load]
orders = "poisson(20/s)"
[policy]
stock = "none"
[[fault]]
kind = "crash"
on = "summary"
every = "exp(5s)"
for = "exp(500ms)"
"""
    trace = simulate(loads(text, source="again.toml", folder=HERE)).recorder
    starts, ends = column(trace, "faults", "start_s"), column(trace, "faults", "end_s")
    assert 10 < len(starts) < 40
    assert (ends[:-1] <= starts[1:]).all()
    assert ends.max() <= 120.0
    assert not any(math.isnan(at) for at in applied_s(trace)), "an outbox loses nothing"


def test_the_outbox_is_polled_at_fixed_instants() -> None:
    trace = simulate(queue(poll=0.1, warm=0.0)).recorder
    committed, applied = committed_s(trace), applied_s(trace)
    polls = applied / 0.1
    assert abs(polls - polls.round()).max() < 1e-6
    assert (applied > committed).all()
    assert (applied - committed <= 0.1 + 1e-9).all()


def test_users_of_a_closed_load_wait_for_their_answers() -> None:
    """One user, no think time to speak of: never two orders at once, and as many as the service allows."""
    scenario = dataclasses.replace(
        queue(orders="none", warm=0.0, run=10.0),
        load=Load(orders=arrivals("closed(1, 90ms)", HERE)),
        time=times(orders="10ms"),
    )
    trace = simulate(scenario).recorder
    arrived, answered = column(trace, "commands", "arrived_s"), column(trace, "commands", "answered_s")
    assert (answered[:-1] <= arrived[1:]).all()
    assert len(arrived) == pytest.approx(100, abs=1)
