"""Rows written without names: shown at once, marked, and repaired as soon as Products can tell."""

from collections.abc import Callable

from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, assert_consistent, policy

from actors.messages import AddProduct
from actors.policy import Retry
from actors.tables import PENDING_JOINS, SummaryItem

OpenShop = Callable[..., Shop]

SOFA = 4


def placeholder(**keys: object) -> object:
    return policy(join="placeholder", retry=Retry(first=0.01, cap=0.02), **keys)


def items(shop: Shop) -> list[tuple[SummaryItem, ...]]:
    return [row.items for row in shop.summaries()]


@EVERYWHERE
def test_without_products_an_order_is_shown_with_ids_for_names_and_repaired_later(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(placeholder())
    with shop.unavailable("products"):
        for customer_id in (ANN, BOB):
            shop.placed(customer_id, {TABLE: 2, LAMP: 1})
        shop.until_followed("summary")
        pending = (SummaryItem(str(TABLE), 2, TABLE, True), SummaryItem(str(LAMP), 1, LAMP, True))
        assert items(shop) == [pending] * 2
    shop.until(lambda: not list(shop.stores["summary"].scan(PENDING_JOINS)))
    assert items(shop) == [(SummaryItem("Table", 2, TABLE), SummaryItem("Lamp", 1, LAMP))] * 2
    assert [position for position, _ in shop.handled("summary", "orders", "repaired")] == [1, 2]
    shop.until_followed()
    assert_consistent(shop)


@EVERYWHERE
def test_only_the_product_that_is_missing_lacks_its_name(open_shop: OpenShop) -> None:
    shop = open_shop(placeholder(stock="none"))
    with shop.cut("catalog->products"):
        shop.ask("catalog", AddProduct("Sofa", 99900))
        shop.until_followed("orders")
        shop.placed(ANN, {LAMP: 1, SOFA: 1})
        shop.placed(BOB, {LAMP: 1})
        shop.until_followed("summary")
        assert [[item.pending for item in row] for row in items(shop)] == [[False, True], [False]]
    shop.until(lambda: not list(shop.stores["summary"].scan(PENDING_JOINS)))
    assert [[item.product_name for item in row] for row in items(shop)] == [["Lamp", "Sofa"], ["Lamp"]]
    shop.until_followed()


@EVERYWHERE
def test_a_summary_that_crashes_goes_on_with_the_repair(open_shop: OpenShop) -> None:
    shop = open_shop(placeholder())
    with shop.unavailable("products"):
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed("summary")
        with shop.down("summary"):
            pass
    shop.until(lambda: not list(shop.stores["summary"].scan(PENDING_JOINS)))
    assert items(shop) == [(SummaryItem("Lamp", 1, LAMP),)]
    shop.until_followed()


def test_many_rows_are_repaired_while_new_orders_are_shown(open_shop: OpenShop) -> None:
    shop = open_shop(placeholder(stock="none"))
    with shop.unavailable("products"):
        for _ in range(250):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("summary")
    for _ in range(5):
        shop.placed(BOB, {LAMP: 1})
    shop.until(lambda: not list(shop.stores["summary"].scan(PENDING_JOINS)))
    shop.until_followed()
    assert {item for row in items(shop) for item in row} == {SummaryItem("Lamp", 1, LAMP)}
