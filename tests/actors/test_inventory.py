"""What the inventory promises: it counts, it says so, and it hides nothing."""

from collections.abc import Callable

import pytest
from shop import ANN, BOB, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, policy

from actors.messages import Accepted, AdjustStock, AnyEvent, InventoryUpdated, Rejected
from actors.stores.port import StoreUnavailable
from actors.tables import InventoryRow

OpenShop = Callable[..., Shop]

OPENING = 3
"""So many events the inventory's log has when the shop opens: the count of each product."""


def updates(shop: Shop) -> list[AnyEvent]:
    return [record.event for record in shop.log("inventory", OPENING)]


@EVERYWHERE
def test_an_order_takes_its_units_out_of_the_stock_and_each_product_is_published_once(shop: Shop) -> None:
    shop.placed(ANN, {TABLE: 2, LAMP: 30})
    shop.placed(BOB, {LAMP: 5})
    shop.until_followed()
    assert updates(shop) == [
        InventoryUpdated(TABLE, 98),
        InventoryUpdated(LAMP, 70),
        InventoryUpdated(LAMP, 65),
    ]
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 65, 2)
    assert shop.inventory(TABLE) == InventoryRow(TABLE, 98, 1)
    assert shop.inventory(CHAIR) == InventoryRow(CHAIR, 100, 0)


@EVERYWHERE
def test_the_views_show_what_is_available(shop: Shop) -> None:
    shop.placed(ANN, {TABLE: 2, LAMP: 30})
    shop.until_followed()
    for product_id, available in ((LAMP, 70), (TABLE, 98), (CHAIR, 100)):
        product, known = shop.product(product_id), shop.known(product_id)
        assert product is not None
        assert known is not None
        assert (product.available, known.available) == (available, available)


def test_units_that_were_never_there_are_counted_below_zero(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="none"))
    shop.placed(ANN, {LAMP: 130})
    shop.until_followed()
    assert shop.inventory(LAMP) == InventoryRow(LAMP, -30, 1)
    product = shop.product(LAMP)
    assert product is not None
    assert product.available == -30


@EVERYWHERE
def test_an_adjustment_is_stored_and_published_and_followed(shop: Shop) -> None:
    assert shop.ask("inventory", AdjustStock(LAMP, 50)) == Accepted(LAMP, OPENING + 1)
    assert shop.ask("inventory", AdjustStock(LAMP, -150)) == Accepted(LAMP, OPENING + 2)
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 0, 0)
    assert updates(shop) == [InventoryUpdated(LAMP, 150), InventoryUpdated(LAMP, 0)]
    shop.until_followed()
    product, known = shop.product(LAMP), shop.known(LAMP)
    assert product is not None
    assert known is not None
    assert (product.available, known.available) == (0, 0)


def test_more_than_there_is_cannot_be_taken_out(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="none"))
    before = shop.rows()
    answer = shop.ask("inventory", AdjustStock(LAMP, -101))
    assert answer == Rejected("insufficient stock", f"product {LAMP} has 100", LAMP)
    assert shop.rows() == before
    shop.placed(ANN, {LAMP: 110})
    shop.until_followed()
    assert shop.ask("inventory", AdjustStock(LAMP, -1)).reason == "insufficient stock"
    assert shop.ask("inventory", AdjustStock(LAMP, 4)) == Accepted(LAMP, OPENING + 2)
    assert shop.inventory(LAMP) == InventoryRow(LAMP, -6, 1)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (AdjustStock(0, 5), "unknown product"),
        (AdjustStock(-4, 5), "unknown product"),
        (AdjustStock(2**31, 5), "unknown product"),
        (AdjustStock(LAMP, 2**31), "impossible quantity"),
        (AdjustStock(LAMP, -(2**63)), "impossible quantity"),
    ],
)
def test_an_impossible_adjustment_is_rejected_and_the_next_one_taken(
    shop: Shop, command: AdjustStock, reason: str
) -> None:
    before = shop.rows()
    assert shop.ask("inventory", command).reason == reason
    assert shop.rows() == before
    assert shop.ask("inventory", AdjustStock(LAMP, 1)) == Accepted(LAMP, OPENING + 1)
    shop.until_followed()


def test_a_product_that_the_catalogue_does_not_have_stops_nobody(shop: Shop) -> None:
    unheard_of = 99
    assert shop.ask("inventory", AdjustStock(unheard_of, 5)) == Accepted(unheard_of, OPENING + 1)
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert shop.inventory(unheard_of) == InventoryRow(unheard_of, 5, 0)
    assert shop.place(ANN, {unheard_of: 1}).reason == "unknown product"
    product = shop.product(LAMP)
    assert product is not None
    assert product.available == 99


@EVERYWHERE
def test_an_adjustment_that_cannot_be_written_is_an_error_and_changes_nothing(shop: Shop) -> None:
    before = shop.rows()
    with shop.refusing_writes("inventory"), pytest.raises(StoreUnavailable):
        shop.ask("inventory", AdjustStock(LAMP, 5))
    assert shop.rows() == before
    shop.ask("inventory", AdjustStock(LAMP, 7))
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 107, 0)


def test_stock_and_orders_survive_a_crash_of_the_inventory(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("inventory"):
        shop.placed(BOB, {LAMP: 2})
    shop.placed(ANN, {LAMP: 3})
    shop.until_followed()
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 94, 3)
    assert updates(shop) == [InventoryUpdated(LAMP, available) for available in (99, 97, 94)]


def test_events_are_dated_by_the_clock_of_the_inventory(shop: Shop) -> None:
    shop.runtime.skew("inventory", -3600.0)
    shop.ask("inventory", AdjustStock(LAMP, 1))
    assert -3600.0 <= shop.log("inventory", OPENING)[0].recorded_at < -3500.0
