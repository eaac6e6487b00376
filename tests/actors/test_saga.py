"""What `stock = "saga"` promises: every order is decided, no unit is sold twice, what failed is shown so."""

from collections.abc import Callable

from shop import ANN, BOB, CATALOGUE, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, order, policy, virtual_shop

from actors.messages import (
    InventoryUpdated,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    StockRejected,
    StockReserved,
)
from actors.tables import ORDERS, InventoryRow
from scenarios.distributions import Constant

OpenShop = Callable[..., Shop]

OPENING = 3
"""So many events the inventory's log has when the shop opens: the count of each product."""

SAGA = policy(stock="saga")


def statuses(shop: Shop) -> dict[int, str]:
    return {row.order_id: row.status for row in shop.stores["orders"].scan(ORDERS)}


def shown(shop: Shop) -> dict[int, str]:
    return {row.order_id: row.status for row in shop.summaries()}


@EVERYWHERE
def test_an_order_is_pending_until_the_inventory_has_its_units_and_then_confirmed(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(SAGA)
    with shop.down("inventory"):
        order_id = shop.placed(ANN, {TABLE: 2, LAMP: 30})
        shop.until_followed("summary")
        assert statuses(shop) == shown(shop) == {order_id: "pending"}
    shop.until_followed()
    assert statuses(shop) == shown(shop) == {order_id: "confirmed"}
    assert [record.event for record in shop.log("inventory", OPENING)] == [
        InventoryUpdated(TABLE, 98),
        InventoryUpdated(LAMP, 70),
        StockReserved(order_id, ANN),
    ]
    placed, confirmed = shop.log("orders")
    assert isinstance(placed.event, OrderPlaced)
    assert placed.event.pending
    assert confirmed.event == OrderConfirmed(order_id, ANN)
    assert (placed.key, confirmed.key, shop.log("inventory")[-1].key) == (ANN, ANN, ANN)


@EVERYWHERE
def test_an_order_for_more_than_there_is_takes_nothing_and_is_shown_as_rejected(open_shop: OpenShop) -> None:
    shop = open_shop(SAGA)
    assert shop.placed(ANN, {CHAIR: 1, LAMP: 101}) == 1
    shop.until_followed()
    assert statuses(shop) == shown(shop) == {1: "rejected"}
    assert shop.log("inventory")[-1].event == StockRejected(1, ANN)
    assert shop.log("orders")[-1].event == OrderRejected(1, ANN)
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 100, 1), "the order is counted"
    assert shop.inventory(CHAIR) == InventoryRow(CHAIR, 100, 1), "all of an order, or nothing"
    product = shop.product(LAMP)
    assert product is not None
    assert product.available == 100


@EVERYWHERE
def test_orders_that_lag_behind_the_stock_are_decided_first_come_first_served(open_shop: OpenShop) -> None:
    shop = open_shop(SAGA)
    with shop.cut("orders->inventory"):
        for customer_id, units in ((ANN, 60), (BOB, 60), (ANN, 40), (BOB, 1)):
            shop.placed(customer_id, {LAMP: units})
    shop.until_followed()
    assert list(statuses(shop).values()) == ["confirmed", "rejected", "confirmed", "rejected"]
    assert shown(shop) == statuses(shop)
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 0, 4)


@EVERYWHERE
def test_a_decision_is_made_once_whoever_dies_meanwhile(open_shop: OpenShop) -> None:
    shop = open_shop(SAGA)
    ids = []
    for node in ("inventory", "orders", "relay", "summary"):
        ids.append(shop.placed(ANN, {LAMP: 20}))
        with shop.down(node):
            pass
    shop.until_followed()
    assert shown(shop) == statuses(shop) == dict.fromkeys(ids, "confirmed")
    assert [type(record.event) for record in shop.log("orders")].count(OrderConfirmed) == 4
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 20, 4)


def test_messages_that_come_twice_decide_nothing_twice(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="saga", checkpoint="after", checkpoint_every=3))
    with (
        shop.failing("duplicate", "orders->inventory", p=1.0, by=Constant(0.01)),
        shop.failing("duplicate", "inventory->orders", p=1.0, by=Constant(0.01)),
    ):
        for _ in range(6):
            shop.placed(ANN, {LAMP: 20})
        shop.until_followed()
    assert list(statuses(shop).values()) == 5 * ["confirmed"] + ["rejected"]
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 0, 6)
    assert len([record for record in shop.log("orders") if type(record.event) is not OrderPlaced]) == 6


def test_what_is_decided_stays_decided_also_where_events_are_applied_again(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="saga", idempotent=False))
    with shop.failing("duplicate", "inventory->orders", p=1.0, by=Constant(0.01)):
        shop.placed(ANN, {LAMP: 20})
        shop.until(lambda: len(shop.handled("orders", "inventory")) == 4)
    assert [type(record.event) for record in shop.log("orders")] == [OrderPlaced, OrderConfirmed]


def test_ids_are_positions_though_decisions_stand_in_the_same_log(open_shop: OpenShop) -> None:
    shop = open_shop(SAGA)
    for _ in range(3):
        answer = shop.place(ANN, {LAMP: 40})
        assert answer.id == answer.position
        shop.until_followed()
    with shop.down("orders"):
        pass
    answer = shop.place(ANN, {TABLE: 1})
    assert answer.id == answer.position == 7


def test_lanes_decide_as_one_would() -> None:
    rules = policy(stock="saga", partitions=3, partition_by="order")
    times = {
        "store:orders": Constant(0.003),
        "store:inventory": Constant(0.003),
        "inventory": Constant(0.002),
    }
    with virtual_shop(rules, times=times) as shop:
        asked = []
        for _ in range(40):  # some come in while decisions on others are being written
            asked.append(shop.runtime.request("orders", order(ANN, {LAMP: 3, CHAIR: 1})))
            shop.runtime.sleep(0.005)
        shop.runtime.sleep(5.0)
        shop.until_followed()
        answers = [reply.get() for reply in asked]
        assert all(answer.id == answer.position for answer in answers)
        confirmed = list(statuses(shop).values()).count("confirmed")
        assert confirmed == CATALOGUE.stock // 3
        assert shop.inventory(LAMP) == InventoryRow(LAMP, CATALOGUE.stock - 3 * confirmed, 40)
        assert shown(shop) == statuses(shop)
