"""What each checkpoint policy promises when a consumer crashes, and what it does not.

| checkpoint | idempotent | an event's effect |
|---|---|---|
| with | either | exactly once |
| after | yes | exactly once |
| after | no | at least once |
| before | either | at most once |
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, LAMP, Shop, order, policy, virtual_shop

from actors.stores.port import NewEvent, Put
from actors.tables import APPLIED, APPLIED_AHEAD, CHECKPOINTS, ORDER_ITEMS, ORDERS, Table
from scenarios.distributions import Constant, Distribution, Exponential

ORDERS_PLACED = 20
GAP_S = 0.05

TIMES: dict[str, Distribution] = {
    "summary": Exponential(0.02),
    "inventory": Exponential(0.02),
    "relay": Constant(0.003),
    "checkpoint": Exponential(0.004),
    "store:summary": Exponential(0.004),
    "store:inventory": Exponential(0.004),
    "store:products": Constant(0.002),
}

CRASHES = st.lists(
    st.tuples(st.floats(0.0, ORDERS_PLACED * GAP_S + 0.3), st.floats(0.0005, 0.2)), min_size=1, max_size=4
)
LINKS = st.sampled_from([Constant(0.0), Constant(0.03), Exponential(0.05)])


def effects(shop: Shop) -> Counter[int]:
    """How many rows the summary has of each order."""
    return Counter(shop.summarised())


def units_taken(shop: Shop) -> int:
    stock = shop.inventory(LAMP)
    assert stock is not None
    assert stock.version == 100 - stock.available, "each event takes one unit"
    return stock.version


def crash_and_settle(shop: Shop, crashes: list[tuple[float, float]]) -> None:
    """Orders at regular instants, crashes of the two consumers of orders, and a long calm."""
    for node in ("summary", "inventory"):
        for at, length in crashes:
            shop.schedule("crash", node, at, length)
    for _ in range(ORDERS_PLACED):
        shop.runtime.request("orders", order(ANN, {LAMP: 1}))
        shop.runtime.sleep(GAP_S)
    shop.runtime.sleep(30.0)
    assert shop.ordered() == list(range(1, ORDERS_PLACED + 1))


@settings(max_examples=60, deadline=None)
@given(
    how=st.sampled_from([("with", True), ("with", False), ("after", True)]),
    every=st.integers(1, 4),
    crashes=CRASHES,
    delay=LINKS,
    poll=st.sampled_from([0.0, 0.08]),
    draw=st.integers(0, 1000),
)
def test_with_the_view_or_after_it_and_idempotent_each_event_has_its_effect_exactly_once(
    how: tuple[str, bool],
    every: int,
    crashes: list[tuple[float, float]],
    delay: Distribution,
    poll: float,
    draw: int,
) -> None:
    checkpoint, idempotent = how
    rules = policy(checkpoint=checkpoint, idempotent=idempotent, checkpoint_every=every, poll=poll)
    with virtual_shop(rules, times=TIMES, delays={"*": delay}, draw=draw) as shop:
        crash_and_settle(shop, crashes)
        assert effects(shop) == dict.fromkeys(shop.ordered(), 1)
        assert units_taken(shop) == ORDERS_PLACED


@settings(max_examples=40, deadline=None)
@given(every=st.integers(1, 4), crashes=CRASHES, delay=LINKS, draw=st.integers(0, 1000))
def test_after_the_view_and_not_idempotent_nothing_is_lost(
    every: int, crashes: list[tuple[float, float]], delay: Distribution, draw: int
) -> None:
    rules = policy(checkpoint="after", idempotent=False, checkpoint_every=every)
    with virtual_shop(rules, times=TIMES, delays={"*": delay}, draw=draw) as shop:
        crash_and_settle(shop, crashes)
        assert set(effects(shop)) == set(shop.ordered())
        assert units_taken(shop) >= ORDERS_PLACED


@settings(max_examples=40, deadline=None)
@given(
    idempotent=st.booleans(),
    every=st.integers(1, 4),
    crashes=CRASHES,
    delay=LINKS,
    draw=st.integers(0, 1000),
)
def test_before_the_view_nothing_is_repeated(
    idempotent: bool, every: int, crashes: list[tuple[float, float]], delay: Distribution, draw: int
) -> None:
    rules = policy(checkpoint="before", idempotent=idempotent, checkpoint_every=every)
    with virtual_shop(rules, times=TIMES, delays={"*": delay}, draw=draw) as shop:
        crash_and_settle(shop, crashes)
        assert max(effects(shop).values(), default=0) <= 1
        assert units_taken(shop) <= ORDERS_PLACED


def after_a_crash_in_the_middle(checkpoint: str, *, idempotent: bool, every: int) -> Counter[int]:
    """Six orders; the summary takes 10 ms an event and dies at 45 ms with the fifth in its hand."""
    rules = policy(checkpoint=checkpoint, idempotent=idempotent, checkpoint_every=every)
    with virtual_shop(rules, times={"summary": Constant(0.01)}) as shop:
        for _ in range(6):
            shop.placed(ANN, {LAMP: 1})
        shop.schedule("crash", "summary", 0.045, 0.01)
        shop.runtime.sleep(1.0)
        assert shop.checkpoint("summary", "orders") >= 4
        return effects(shop)


ONCE = dict.fromkeys(range(1, 7), 1)


@pytest.mark.parametrize("every", [1, 3])
def test_with_the_view_a_crash_costs_nothing(every: int) -> None:
    for idempotent in (True, False):
        assert after_a_crash_in_the_middle("with", idempotent=idempotent, every=every) == ONCE


def test_after_every_third_event_a_crash_repeats_what_came_since_unless_that_is_known() -> None:
    assert after_a_crash_in_the_middle("after", idempotent=True, every=3) == ONCE
    assert after_a_crash_in_the_middle("after", idempotent=False, every=3) == ONCE | {4: 2}
    assert after_a_crash_in_the_middle("after", idempotent=False, every=1) == ONCE


def test_before_every_third_event_a_crash_loses_what_was_claimed_and_not_done() -> None:
    for idempotent in (True, False):
        every_third = after_a_crash_in_the_middle("before", idempotent=idempotent, every=3)
        assert every_third == {1: 1, 2: 1, 3: 1, 4: 1}
        # The fifth was claimed when its service began.
        every_one = after_a_crash_in_the_middle("before", idempotent=idempotent, every=1)
        assert every_one == {1: 1, 2: 1, 3: 1, 4: 1, 6: 1}


def test_a_claim_that_was_made_before_the_crash_is_lost_with_it() -> None:
    times: dict[str, Distribution] = {"store:products": Constant(0.01)}
    with virtual_shop(policy(checkpoint="before"), times=times) as shop:
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.schedule("crash", "summary", 0.015, 0.01)  # while it waits for the names of the second order
        shop.runtime.sleep(1.0)
        assert effects(shop) == {1: 1, 3: 1}


def test_a_checkpoint_that_cannot_be_written_is_made_up_for_by_a_later_one() -> None:
    with virtual_shop(policy(checkpoint="after", checkpoint_every=2)) as shop:
        for _ in range(5):
            shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        assert shop.checkpoint("summary", "orders") == 4
        shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        assert shop.checkpoint("summary", "orders") == 6


@pytest.mark.parametrize("checkpoint", ["with", "after", "before"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_consumer_keeps_of_its_progress_what_its_policy_needs(checkpoint: str, idempotent: bool) -> None:
    with virtual_shop(policy(checkpoint=checkpoint, idempotent=idempotent)) as shop:
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        store = shop.stores["summary"]
        assert [row.position for row in store.scan(CHECKPOINTS)] == [3]
        kept = idempotent and checkpoint != "with"
        assert [row.position for row in store.scan(APPLIED)] == ([3] if kept else [])
        assert list(store.scan(APPLIED_AHEAD)) == []


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_event_that_is_delivered_again_has_its_effect_again_unless_the_consumer_is_idempotent(
    idempotent: bool,
) -> None:
    with virtual_shop(policy(idempotent=idempotent)) as shop:
        shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        for consumer in ("summary", "inventory"):
            shop.runtime.tell(consumer, shop.log("orders")[0])
        shop.runtime.sleep(1.0)
        assert effects(shop) == {1: 1 if idempotent else 2}
        assert units_taken(shop) == (1 if idempotent else 2)
        assert len(shop.handled("summary", "orders", "duplicate")) == (1 if idempotent else 0)


def test_a_consumer_that_dies_again_before_the_relay_has_heard_of_it_gets_each_event_once() -> None:
    with virtual_shop(policy(idempotent=False)) as shop:
        shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        with shop.paused("relay"):
            for _ in range(3):
                with shop.down("summary"):
                    shop.placed(ANN, {LAMP: 1})
                shop.runtime.sleep(1.0)
        shop.runtime.sleep(1.0)
        assert effects(shop) == dict.fromkeys(range(1, 5), 1)


def test_a_system_that_starts_with_a_backlog_takes_each_event_once() -> None:
    def backlog(shop: Shop) -> None:
        with virtual_shop(policy()) as other:
            for _ in range(5):
                other.placed(ANN, {LAMP: 1})
            copy_orders(other, shop)

    for idempotent in (True, False):
        with virtual_shop(policy(idempotent=idempotent), before=backlog) as shop:
            shop.runtime.sleep(1.0)
            assert effects(shop) == dict.fromkeys(range(1, 6), 1)
            assert units_taken(shop) == 5
            assert shop.handled("summary", "orders", "duplicate") == []


def copy_orders(one: Shop, other: Shop) -> None:
    """The order service's rows and log, as they are in one shop, into another that has none yet."""
    orders = one.stores["orders"]
    tables: tuple[Table[Any], ...] = (ORDERS, ORDER_ITEMS)
    rows = [Put(table, row) for table in tables for row in orders.scan(table)]
    events = [NewEvent(record.key, record.recorded_at, record.event) for record in one.log("orders")]
    other.stores["orders"].write(rows, events)
