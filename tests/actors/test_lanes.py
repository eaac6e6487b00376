"""Several lanes of one consumer: order within a key, none without one, and nothing lost or doubled."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, BOB, CHAIR, EVERYWHERE, LAMP, NAMES, TABLE, Shop, policy, virtual_shop

from actors.consuming.lanes import key_of
from actors.messages import OrderPlaced, PlacedLine, Record
from actors.policy import Retry
from scenarios.distributions import Constant, Distribution, Exponential

OpenShop = Callable[..., Shop]

PARTITIONED = pytest.mark.parametrize("partition_by", ["customer", "order", "product", "none"])


def applied_customers(shop: Shop) -> dict[int, list[int]]:
    """For each customer the positions of the own orders in the order in which they took effect."""
    customer = {record.position: record.key for record in shop.log("orders")}
    found: dict[int, list[int]] = {}
    for position, _ in shop.handled("summary", "orders"):
        found.setdefault(customer[position], []).append(position)
    return found


def assert_complete(shop: Shop) -> None:
    """Everything took effect exactly once, in whatever order."""
    assert shop.summarised() == shop.ordered()
    for product_id in NAMES:
        stock = shop.inventory(product_id)
        assert stock is not None
        assert stock.available == 100 - shop.units_ordered(product_id)
    for consumer in ("summary", "inventory"):
        assert sorted(position for position, _ in shop.handled(consumer, "orders")) == shop.ordered()


@EVERYWHERE
@PARTITIONED
def test_with_lanes_every_event_takes_effect_once(open_shop: OpenShop, partition_by: str) -> None:
    shop = open_shop(policy(partitions=3, partition_by=partition_by, stock="none"))
    for number in range(12):
        shop.placed(ANN + number % 4, {LAMP: 1, TABLE: 2} if number % 2 else {CHAIR: 1})
    shop.until_followed()
    assert_complete(shop)


@settings(max_examples=40, deadline=None)
@given(
    partitions=st.integers(2, 5),
    partition_by=st.sampled_from(["customer", "order", "product", "none"]),
    checkpoint=st.sampled_from(["with", "after"]),
    customers=st.lists(st.integers(1, 4), min_size=5, max_size=25),
    crashes=st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.001, 0.1)), max_size=3),
    duplicates=st.booleans(),
    draw=st.integers(0, 100),
)
def test_whatever_crashes_lanes_lose_and_double_nothing_and_a_customers_lane_keeps_order(
    partitions: int,
    partition_by: str,
    checkpoint: str,
    customers: list[int],
    crashes: list[tuple[float, float]],
    duplicates: bool,
    draw: int,
) -> None:
    times: dict[str, Distribution] = {
        "summary": Exponential(0.03),
        "inventory": Exponential(0.03),
        "store:summary": Exponential(0.003),
        "store:inventory": Exponential(0.003),
    }
    rules = policy(
        partitions=partitions,
        partition_by=partition_by,
        checkpoint=checkpoint,
        checkpoint_every=3,
        stock="none",
    )
    with virtual_shop(rules, times=times, draw=draw) as shop:
        if duplicates:
            shop.begin("bug", "relay", form="twice", p=0.5)
        for at, length in crashes:
            shop.schedule("crash", "summary", at, length)
            shop.schedule("crash", "inventory", at, length)
        for number in customers:
            shop.placed(number, {LAMP: 1})
            shop.runtime.sleep(0.02)
        shop.runtime.sleep(30.0)
        assert_complete(shop)
        if partition_by == "customer":
            for positions in applied_customers(shop).values():
                assert all(earlier < later for earlier, later in pairwise(positions))


def test_a_failing_event_holds_up_its_own_lane_and_no_other(open_shop: OpenShop) -> None:
    shop = open_shop(policy(partitions=2, retry=Retry(first=0.01, cap=0.01), stock="none"))
    with shop.failing("bug", "summary", form="raise", where={"customer_id": ANN}):
        for customer_id in (ANN, BOB, ANN, BOB):
            shop.placed(customer_id, {LAMP: 1})
        shop.until(lambda: shop.summarised() == [2, 4])
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3, 4]


def test_a_lane_that_is_full_lets_its_consumer_wait_and_nothing_is_lost(open_shop: OpenShop) -> None:
    shop = open_shop(
        policy(partitions=2, inbox=1, overflow="reject", retry=Retry(first=0.01, cap=0.01), stock="none")
    )
    with shop.failing("bug", "summary", form="raise", where={"customer_id": ANN}):
        for _ in range(6):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
        assert shop.summarised() == []
    shop.until_followed()
    assert_complete(shop)


def test_lanes_work_at_the_same_time() -> None:
    for partitions, expected_s in ((1, 4.0), (2, 2.0), (4, 1.0)):
        rules = policy(partitions=partitions, partition_by="none", join="carried", stock="none")
        with virtual_shop(rules, times={"summary": Constant(1.0)}) as shop:
            for _ in range(4):
                shop.placed(ANN, {LAMP: 1})
            shop.until_followed()
            assert max(at for _, at in shop.handled("summary", "orders")) == expected_s


@pytest.mark.parametrize(("by", "key"), [("customer", 7), ("order", 3), ("product", 2), ("none", 9)])
def test_the_key_of_a_lane_is_the_field_that_the_policy_names(by: str, key: int) -> None:
    event = OrderPlaced(3, 7, 0.0, 100, (PlacedLine(2, 1, 100), PlacedLine(5, 1, 100)))
    assert key_of(Record("orders", 3, 9, 0.0, event), by) == key  # type: ignore[arg-type]
