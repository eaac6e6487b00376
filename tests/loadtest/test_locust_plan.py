"""The plan of a load: the same requests as in virtual time, however many processes share them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.users.clock import Share
from loadtest.users.consistency import Consistency
from loadtest.users.plan import Occurred, Plan, Planned, Sampling, Users
from loadtest.users.shapes import SHAPES, users_at
from scenarios.file import loads
from scenarios.scenario import Scenario
from simulation.run import simulate

LOAD = """
name = "x"
[phases]
warm = "3s"
run = "20s"
settle = "2s"
[load]
orders = "poisson(20/s)"
checkouts = "poisson(5/s)"
history = "every(100ms)"
browse = "poisson(10/s)"
restock = "poisson(3/s)"
catalogue = "poisson(3/s)"
own_read = "exp(100ms)"
"""
FAULTS = """
[[fault]]
kind = "surge"
on = "load:orders"
by = 3
at = "5s"
for = "5s"
[[fault]]
kind = "surge"
on = "load:browse"
by = 0.25
at = "8s"
for = "4s"
[[fault]]
kind = "hot"
on = "load:*"
p = 0.5
at = "4s"
for = "10s"
[[fault]]
kind = "surge"
on = "load:catalogue"
by = 2
every = "exp(3s)"
for = "2s"
"""


def scenario(text: str = LOAD + FAULTS) -> Scenario:
    return loads(text, source="x.toml", folder=Path())


def sent(described: Scenario, parts: int = 1, **keys: Any) -> tuple[list[Planned], list[Occurred]]:
    """What so many processes send together, and the faults as each of them saw these."""
    plans = [Plan(described, Share(number, parts), **keys) for number in range(parts)]
    requests = sorted((one for plan in plans for one in plan.rest()), key=lambda one: (one.at_s, one.kind))
    return requests, [occurred for plan in plans for occurred in plan.occurred]


def told(requests: Iterable[Planned]) -> list[str]:
    """The requests as text, which can be compared and counted."""
    return [repr(one) for one in requests]


def test_what_is_sent_is_what_virtual_time_sends() -> None:
    described = scenario()
    trace = simulate(described).recorder
    commands, reads = trace.frame_columns("commands"), trace.frame_columns("reads")
    requests, occurred = sent(described)
    for kind, table in (
        ("orders", commands),
        ("restock", commands),
        ("catalogue", commands),
        ("history", reads),
        ("browse", reads),
    ):
        kinds, arrived = table["kind"].to_pylist(), table["arrived_s"].to_pylist()
        simulated = sorted(at for at, found in zip(arrived, kinds, strict=True) if found == kind)
        assert [one.at_s for one in requests if one.kind == kind] == simulated, kind
    who = zip(*(commands[name].to_pylist() for name in ("kind", "arrived_s", "customer_id")), strict=True)
    customers = {at: customer for kind, at, customer in who if kind == "orders"}
    for one in requests:
        if one.kind == "orders":
            assert one.request[0].customer_id == customers[one.at_s]
    columns = (trace.frame_columns("faults")[name].to_pylist() for name in Occurred._fields)
    assert sorted(occurred) == sorted(Occurred(*row) for row in zip(*columns, strict=True))


@pytest.mark.parametrize("parts", [2, 3])
def test_processes_that_share_a_load_send_together_what_one_would(parts: int) -> None:
    alone, alone_hit = sent(scenario(), watch_rate=5.0)
    shared, shared_hit = sent(scenario(), parts, watch_rate=5.0)
    assert sorted(told(shared)) == sorted(told(alone))
    for one in alone_hit:
        of_it = [part for part in shared_hit if (part.fault, part.start_s) == (one.fault, one.start_s)]
        assert len(of_it) == parts
        assert sum(part.hits for part in of_it) == one.hits


def test_users_of_a_closed_load_are_divided_among_the_processes() -> None:
    described = scenario('name = "x"\n[load]\nstock = "closed(7, exp(1s))"\norders = "closed(2, exp(1s))"\n')
    begun: list[Users] = []
    for number in range(3):
        plan = Plan(described, Share(number, 3), on_users=begun.append)
        assert list(plan.rest()) == []
    numbers = sorted(number for users in begun if users.kind == "stock" for number in users.numbers)
    assert numbers == list(range(7))
    assert len({users.draw() for users in begun if users.kind == "stock"} | {-1}) > 2


def test_as_many_users_of_a_closed_load_as_is_said() -> None:
    described = scenario('name = "x"\n[load]\nstock = "closed(7, exp(1s))"\n')
    begun: list[Users] = []
    list(Plan(described, users=3, on_users=begun.append).rest())
    assert [len(users.numbers) for users in begun] == [3]


def test_a_surge_of_a_closed_load_brings_users_who_leave_at_its_end() -> None:
    surge = '[[fault]]\nkind = "surge"\non = "load:stock"\nby = 3\nat = "5s"\nfor = "5s"\n'
    described = scenario('name = "x"\n[load]\nstock = "closed(4, exp(1s))"\n' + surge)
    begun: list[Users] = []
    plan = Plan(described, on_users=begun.append)
    while plan.next_s is not None and plan.next_s < 7:
        plan.advance()
    assert [len(users.numbers) for users in begun] == [4, 8]
    assert [users.goes_on() for users in begun] == [True, True]
    list(plan.rest())
    assert [users.goes_on() for users in begun] == [True, False]


def test_orders_are_watched_at_the_rate_that_is_asked_for_and_spread_over_time() -> None:
    requests, _ = sent(scenario(LOAD), watch_rate=5.0)
    watched = [one.at_s for one in requests if one.is_watched]
    assert 80 <= len(watched) <= 23 * 5 + 2
    assert all(any(at <= one < at + 2 for one in watched) for at in range(-3, 18, 2))
    assert not any(one.is_watched for one in sent(scenario(LOAD), watch_rate=0.0)[0])


@given(
    st.lists(st.floats(0, 100), min_size=1).map(sorted),
    st.floats(0.1, 50),
)
def test_a_sample_never_exceeds_its_rate_and_leaves_no_interval_out(at: list[float], rate: float) -> None:
    sampling = Sampling(rate)
    taken = [one for one in at if sampling.takes(one)]
    assert taken[0] == at[0]
    assert len(taken) <= 100 * rate + 1 + 1e-6
    for one in at:
        assert any(abs(one - other) <= 1 / rate + 1e-9 for other in taken)


# -- shapes --------------------------------------------------------------------------------------------


@given(st.sampled_from(list(SHAPES)), st.floats(0, 5000), st.integers(1, 1000), st.floats(1, 4000))
def test_every_shape_ends_and_never_has_more_users_than_it_may(
    shape: str, at_s: float, users: int, length_s: float
) -> None:
    found = users_at(shape, at_s, users, length_s)
    assert (found is None) == (at_s >= length_s)
    assert found is None or 1 <= found <= users
    assert users_at(shape, 1e9, users) is None


# -- what is seen ----------------------------------------------------------------------------------------

sights = st.lists(
    st.tuples(st.floats(-30, 2000), st.floats(0, 60), st.sampled_from(["saw", "gave up", "fresh", "stale"]))
)


def see(consistency: Consistency, sight: tuple[float, float, str]) -> None:
    at_s, lag_s, what = sight
    match what:
        case "saw":
            consistency.saw(at_s, lag_s)
        case "gave up":
            consistency.gave_up(at_s, lag_s)
        case _:
            consistency.read(at_s, is_stale=what == "stale")


@given(sights, st.integers(1, 3))
def test_what_many_processes_have_seen_is_what_one_would_have_seen(
    seen: list[tuple[float, float, str]], parts: int
) -> None:
    alone, master = Consistency(), Consistency()
    workers = [Consistency() for _ in range(parts)]
    for number, sight in enumerate(seen):
        see(alone, sight)
        see(workers[number % parts], sight)
        if number % 5 == 0:
            master.add(workers[number % parts].take())
    for worker in workers:
        master.add(worker.take())
    assert master.summary() == alone.summary()
    summary = alone.summary()
    assert len(summary["points"]) <= 300
    assert summary["lag_s"]["count"] == sum(what in ("saw", "gave up") for _, _, what in seen)
    assert summary["lag_s"]["censored"] == sum(what == "gave up" for _, _, what in seen)
    assert summary["reads"]["stale"] == sum(what == "stale" for _, _, what in seen)
