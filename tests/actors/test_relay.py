"""What the relay promises: every committed event to every consumer, in order, whatever fails meanwhile."""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import pykka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import (
    ANN,
    BOB,
    EVERYWHERE,
    LAMP,
    TABLE,
    Shop,
    assert_consistent,
    order,
    policy,
    virtual_shop,
)

from actors.messages import Accepted, AdjustStock, OrderPlaced, PlacedLine
from actors.publishing.relay import CHUNK
from actors.stores.port import Insert, NewEvent, StoreError
from actors.tables import ORDER_ITEMS, ORDERS, OrderItemRow, OrderRow
from scenarios.distributions import Constant, Exponential, Uniform
from scenarios.faults.delay import Delay

OpenShop = Callable[..., Shop]


def deliveries(shop: Shop, consumer: str = "summary", source: str = "orders") -> list[int]:
    return [position for position, _ in shop.handled(consumer, source)]


def commit_behind_its_back(shop: Shop, count: int = 1) -> None:
    """Orders that are in the store and in the log, but of which nobody has told the relay."""
    for _ in range(count):
        orders = shop.stores["orders"]
        order_id = orders.head() + 1
        event = OrderPlaced(order_id, ANN, 0.0, 1999, (PlacedLine(LAMP, 1, 1999, "Lamp"),))
        orders.write(
            [
                Insert(ORDERS, OrderRow(order_id, ANN, 0.0, 1999, "", 1)),
                Insert(ORDER_ITEMS, OrderItemRow(order_id, 1, LAMP, 1, 1999)),
            ],
            [NewEvent(ANN, 0.0, event)],
        )


# -- when nothing fails --------------------------------------------------------------------------------


@EVERYWHERE
def test_every_event_reaches_every_consumer_once_and_in_order(shop: Shop) -> None:
    for number in range(1, 21):
        shop.placed(ANN, {LAMP: 1, 2 + number % 2: 1})
    shop.until_followed()
    for consumer in ("summary", "inventory"):
        assert deliveries(shop, consumer) == list(range(1, 21))
        assert shop.handled(consumer, "orders", "duplicate") == []
    for consumer in ("products", "orders"):
        assert deliveries(shop, consumer, "inventory") == list(range(4, 44))
    assert_consistent(shop)


def test_a_log_longer_than_what_is_read_at_once_is_delivered_whole(open_shop: OpenShop) -> None:
    count = 2 * CHUNK + 3
    shop = open_shop(before=lambda shop: commit_behind_its_back(shop, count))
    shop.until_followed()
    assert deliveries(shop) == list(range(1, count + 1))


def test_a_consumer_that_waits_keeps_no_other_waiting(shop: Shop) -> None:
    with shop.paused("summary"):
        for _ in range(5):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory", "products", "orders")
        assert deliveries(shop) == []
    shop.until_followed()
    assert deliveries(shop) == [1, 2, 3, 4, 5]


def test_a_consumer_that_is_behind_gets_the_past_while_another_gets_the_present(shop: Shop) -> None:
    with shop.cut("orders->summary"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
    for _ in range(3):
        shop.placed(BOB, {LAMP: 1})
    shop.until_followed()
    assert deliveries(shop, "summary") == deliveries(shop, "inventory") == [1, 2, 3, 4, 5, 6]
    assert_consistent(shop)


# -- woken and polled ----------------------------------------------------------------------------------


def test_a_woken_relay_delivers_at_the_instant_of_the_commit() -> None:
    with virtual_shop(policy()) as shop:
        shop.runtime.sleep(0.3)
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
        assert shop.handled("summary", "orders") == [(1, 0.3)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 997), min_size=1, max_size=8, unique=True),
    st.sampled_from([0.1, 0.25, 1.0]),
)
def test_a_polling_relay_delivers_at_the_next_multiple_of_its_period(
    instants: list[int], period: float
) -> None:
    with virtual_shop(policy(poll=period)) as shop:
        for instant in sorted(instants):
            shop.runtime.sleep(instant / 199 - shop.runtime.now())
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
        for position, at in shop.handled("summary", "orders"):
            committed = shop.committed_s("orders")[position]
            assert at == pytest.approx(math.ceil(committed / period) * period, abs=1e-9)


def test_a_polling_relay_delivers_no_sooner_than_its_next_poll(open_shop: OpenShop) -> None:
    period = 0.04
    shop = open_shop(policy(poll=period))
    for _ in range(4):
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed("summary")
    for position, at in shop.handled("summary", "orders"):
        committed = shop.committed_s("orders")[position]
        assert at >= math.ceil(committed / period) * period - 1e-6
    shop.until_followed()
    assert_consistent(shop)


def test_polls_go_on_at_the_same_instants_after_a_pause_and_a_crash_of_the_relay() -> None:
    with virtual_shop(policy(poll=1.0)) as shop:
        with shop.paused("relay"):
            shop.runtime.sleep(2.3)
        shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(1.0)
        with shop.down("relay"):
            shop.placed(ANN, {LAMP: 1})
            shop.runtime.sleep(1.1)
        shop.runtime.sleep(1.6)
        assert shop.handled("summary", "orders") == [(1, 3.0), (2, 5.0)]


def test_while_its_log_is_unavailable_a_polling_relay_waits_for_a_later_poll() -> None:
    with virtual_shop(policy(poll=1.0)) as shop:
        shop.runtime.sleep(0.5)
        shop.placed(ANN, {LAMP: 1})
        with shop.unavailable("orders"):
            shop.runtime.sleep(2.0)
        shop.runtime.sleep(1.0)
        assert shop.handled("summary", "orders") == [(1, 3.0)]


# -- links ---------------------------------------------------------------------------------------------


@EVERYWHERE
def test_what_a_cut_link_refuses_is_delivered_after_it_heals_complete_and_in_order(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.cut("orders->summary"):
        for _ in range(4):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory", "products", "orders")
        assert deliveries(shop) == [1]
    shop.until_followed()
    assert deliveries(shop) == [1, 2, 3, 4, 5]
    assert shop.handled("summary", "orders", "duplicate") == []
    assert_consistent(shop)


def test_on_a_slow_link_a_cut_loses_nothing_and_nothing_arrives_twice(open_shop: OpenShop) -> None:
    delay_s = 0.1
    shop = open_shop()
    shop.runtime.add_link_rule("orders->summary", Delay(lambda: delay_s))
    for number in range(12):
        shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(delay_s / 5)
        if number == 6:
            with shop.cut("orders->summary"):
                shop.runtime.sleep(delay_s / 4)
    shop.until_followed()
    assert deliveries(shop) == list(range(1, 13))
    assert shop.handled("summary", "orders", "duplicate") == []
    assert_consistent(shop)


def test_a_relay_that_has_not_yet_heard_of_a_loss_delivers_nothing_of_what_comes_after_it() -> None:
    times = {"relay": Constant(0.05)}
    with virtual_shop(policy(), times=times, delays={"orders->summary": Constant(0.1)}) as shop:
        shop.runtime.sleep(1.0)
        shop.schedule("cut", "orders->summary", at=0.14, length=0.02)
        shop.placed(ANN, {LAMP: 1})  # sent after 0.05 s, lost after 0.15 s
        shop.runtime.sleep(0.12)
        for _ in range(3):  # they keep the relay busy for 0.15 s
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
        assert deliveries(shop) == [1, 2, 3, 4]
        assert shop.handled("summary", "orders", "duplicate") == []


@settings(max_examples=60, deadline=None)
@given(
    delay=st.sampled_from([Constant(0.3), Uniform(0.0, 0.6), Exponential(0.2)]),
    cuts=st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.01, 0.5)), max_size=3),
    fifo=st.booleans(),
    draw=st.integers(0, 100),
)
def test_whatever_the_delays_and_the_cuts_every_event_is_applied_exactly_once(
    delay: Constant, cuts: list[tuple[float, float]], fifo: bool, draw: int
) -> None:
    with virtual_shop(policy(), delays={"*": delay}, fifo=fifo, draw=draw) as shop:
        for at, length in cuts:
            for link in ("orders->summary", "inventory->products"):
                shop.schedule("cut", link, at, length)
        place_every(shop, 0.05, 40)
        assert shop.summarised() == shop.ordered() == list(range(1, 41))
        for consumer, source in (("summary", "orders"), ("products", "inventory")):
            handled = deliveries(shop, consumer, source)
            assert len(handled) == len(set(handled))
            if fifo:
                assert handled == sorted(handled)
                assert shop.handled(consumer, source, "duplicate") == []
        if fifo:
            assert_consistent(shop)


def place_every(shop: Shop, gap_s: float, count: int) -> list[Any]:
    """So many orders at regular instants, whoever is alive to take them; then a long calm.

    Returns the answers, leaving out errors.
    """
    replies = []
    for _ in range(count):
        replies.append(shop.runtime.request("orders", order(ANN, {LAMP: 1, TABLE: 1})))
        shop.runtime.sleep(gap_s)
    shop.runtime.sleep(60.0)
    answers = []
    for reply in replies:
        with contextlib.suppress(pykka.ActorDeadError, StoreError):
            answers.append(reply.get(timeout=0.0))
    return answers


# -- crashes -------------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_consumer_that_was_down_goes_on_where_it_stopped(shop: Shop) -> None:
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"), shop.down("inventory"):
        for _ in range(3):
            shop.placed(BOB, {LAMP: 1})
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert deliveries(shop) == deliveries(shop, "inventory") == [1, 2, 3, 4, 5, 6, 7]
    assert_consistent(shop)


def test_a_consumer_that_crashes_in_the_middle_of_a_backlog_loses_and_doubles_nothing(shop: Shop) -> None:
    shop.runtime.pause("summary")
    for _ in range(30):
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed("inventory")
    with shop.unavailable("products"):
        shop.runtime.resume("summary")
        with shop.down("summary"):
            assert deliveries(shop) == []
    shop.until_followed()
    assert deliveries(shop) == list(range(1, 31))
    assert_consistent(shop)


@EVERYWHERE
def test_what_is_committed_while_the_relay_is_down_is_delivered_once_it_is_back(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("relay"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert deliveries(shop) == [1, 2, 3, 4]
    assert_consistent(shop)


def test_a_relay_and_its_consumers_may_come_back_in_any_order(shop: Shop) -> None:
    with shop.down("relay"):
        with shop.down("summary"):
            shop.placed(ANN, {LAMP: 1})
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"):
        with shop.down("relay"):
            shop.placed(ANN, {LAMP: 1})
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert deliveries(shop) == [1, 2, 3, 4]
    assert_consistent(shop)


@EVERYWHERE
def test_what_the_order_service_committed_just_before_it_died_is_delivered_when_it_is_back(
    shop: Shop,
) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("orders"):
        commit_behind_its_back(shop)
    shop.until_followed()
    assert shop.summarised() == [1, 2]
    assert shop.placed(BOB, {LAMP: 1}) == 3
    shop.until_followed()
    assert_consistent(shop)


@EVERYWHERE
def test_while_the_log_is_unavailable_nothing_is_delivered_and_afterwards_everything(shop: Shop) -> None:
    relay_goes_on = shop.begin("pause", "relay")
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    with shop.unavailable("orders"):
        relay_goes_on()
        shop.ask("inventory", AdjustStock(TABLE, -1))
        shop.until_followed("products")
        assert deliveries(shop) == []
    shop.until_followed()
    assert deliveries(shop) == [1, 2, 3]


def test_a_consumer_whose_store_is_unavailable_when_the_relay_returns_follows_again(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(restart=None))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.unavailable("summary"):
        with shop.down("relay"):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
    shop.until_followed()
    assert shop.summarised() == [1, 2]
    assert shop.runtime.failures == []


def test_a_relay_that_returns_while_its_log_is_unavailable_delivers_once_it_can_be_read(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    relay_down = shop.begin("crash", "relay")
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    with shop.unavailable("orders"):
        relay_down()
        shop.ask("inventory", AdjustStock(TABLE, 1))
        shop.until_followed("products")
        assert deliveries(shop) == [1]
    shop.until_followed()
    assert deliveries(shop) == deliveries(shop, "inventory") == [1, 2, 3, 4]


@EVERYWHERE
def test_a_consumer_that_cannot_start_without_its_store_starts_when_the_store_is_back(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.unavailable("summary"):
        with shop.down("summary"):
            shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: shop.runtime.failures)
    shop.until_followed()
    assert shop.summarised() == [1, 2]


def test_a_consumer_that_nobody_restarts_stays_dead_and_keeps_nobody_waiting(open_shop: OpenShop) -> None:
    shop = open_shop(policy(restart=None))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.unavailable("summary"):
        with shop.down("summary"):
            pass
        shop.until(lambda: shop.runtime.failures)
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed("inventory", "products", "orders")
    assert not shop.runtime.is_alive("summary")
    assert shop.summarised() == [1]


@settings(max_examples=25, deadline=None)
@given(
    at=st.lists(st.floats(0.0, 1.2), min_size=1, max_size=3),
    node=st.sampled_from(["summary", "inventory", "relay", "products", "orders"]),
    draw=st.integers(0, 100),
)
def test_overtaking_and_crashes_together_lose_and_double_nothing(
    at: list[float], node: str, draw: int
) -> None:
    times = {"summary": Exponential(0.02), "inventory": Exponential(0.01), "relay": Constant(0.001)}
    delays = {"*": Exponential(0.1)}
    with virtual_shop(policy(), times=times, delays=delays, fifo=False, draw=draw) as shop:
        for instant in at:
            shop.schedule("crash", node, instant, 0.15)
        place_every(shop, 0.03, 40)
        assert shop.summarised() == shop.ordered()
        for product_id in (LAMP, TABLE):
            stock = shop.inventory(product_id)
            assert stock is not None
            assert stock.available == 100 - shop.units_ordered(product_id)
            assert stock.version == len(shop.ordered())


# -- everything at once --------------------------------------------------------------------------------

NODES = ["orders", "inventory", "products", "summary", "relay"]
LINKS = ["orders->summary", "orders->inventory", "inventory->products", "inventory->orders"]
STORES = ["store:orders", "store:inventory", "store:products", "store:summary"]
OCCURRENCES = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.sampled_from(["crash", "pause"]), st.sampled_from(NODES)),
            st.tuples(st.just("cut"), st.sampled_from(LINKS)),
            st.tuples(st.just("unavailable"), st.sampled_from(STORES)),
        ),
        st.floats(0.0, 1.5),
        st.floats(0.001, 0.5),
    ),
    max_size=6,
)


@settings(max_examples=90, deadline=None)
@given(
    faults=OCCURRENCES,
    poll=st.sampled_from([0.0, 0.07]),
    delay=st.sampled_from([Constant(0.0), Constant(0.05), Exponential(0.03)]),
    draw=st.integers(0, 100),
)
def test_whatever_fails_once_all_is_healed_every_view_says_what_the_command_side_says(
    faults: list[tuple[tuple[str, str], float, float]], poll: float, delay: Constant, draw: int
) -> None:
    times = {
        "summary": Exponential(0.01),
        "inventory": Exponential(0.01),
        "relay": Constant(0.002),
        "store:summary": Exponential(0.002),
        "store:orders": Exponential(0.002),
        "store:products": Exponential(0.002),
    }
    with virtual_shop(policy(poll=poll), times=times, delays={"*": delay}, draw=draw) as shop:
        for (kind, target), at, length in faults:
            shop.schedule(kind, target, at, length)
        answers = place_every(shop, 0.05, 30)
        assert_consistent(shop)
        accepted = {answer.id for answer in answers if isinstance(answer, Accepted)}
        assert accepted <= set(shop.ordered()), "an acknowledged order is never lost"
