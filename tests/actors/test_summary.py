"""What the customers' order summary promises, and what it does without the Products view."""

from collections.abc import Callable

import pytest
from shop import ANN, BOB, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, policy, virtual_shop

from actors.messages import AddProduct, OrderPlaced, RenameProduct
from actors.policy import Retry
from actors.querying import queries
from actors.tables import SummaryItem, SummaryRow

OpenShop = Callable[..., Shop]

SOFA = 4


def names(shop: Shop) -> list[list[str]]:
    return [[item.product_name for item in row.items] for row in shop.summaries()]


@EVERYWHERE
def test_an_order_is_shown_with_its_date_total_and_the_names_of_its_products(shop: Shop) -> None:
    shop.placed(ANN, {TABLE: 2, LAMP: 1})
    shop.until_followed()
    (row,) = shop.summaries()
    placed_at = shop.log("orders")[0].recorded_at
    items = (SummaryItem("Table", 2, TABLE), SummaryItem("Lamp", 1, LAMP))
    assert row == SummaryRow(1, 0, ANN, placed_at, 2 * 24900 + 1999, items)


@EVERYWHERE
def test_a_customer_sees_the_own_orders_and_the_newest_first(shop: Shop) -> None:
    for customer_id in (ANN, BOB, ANN, ANN, BOB):
        shop.placed(customer_id, {CHAIR: 1})
    shop.until_followed()
    view = shop.stores["summary"]
    found = queries.history(view, ANN)
    assert [row.order_id for row in found.orders] == [4, 3, 1]
    assert found.version == 3
    first = queries.history(view, ANN, limit=2)
    assert [row.order_id for row in first.orders] == [4, 3]
    rest = queries.history(view, ANN, limit=2, before=first.orders[-1].order_id)
    assert [row.order_id for row in rest.orders] == [1]
    assert rest.version == 3
    assert queries.history(view, 999) == queries.History([], 0)


def test_a_name_is_the_one_that_products_has_when_the_event_is_applied(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.paused("summary"):
        shop.placed(ANN, {LAMP: 1})
        shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
        shop.until_followed("products")
    shop.until_followed()
    assert names(shop) == [["Lamp"], ["Reading lamp"]]


def test_an_order_for_a_product_that_products_does_not_have_waits_for_it_and_so_do_those_behind(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(stock="none"))
    with shop.cut("catalog->products"):
        shop.ask("catalog", AddProduct("Sofa", 99900))
        shop.until_followed("orders")
        shop.placed(ANN, {LAMP: 1, SOFA: 1})
        shop.placed(BOB, {LAMP: 1})
        shop.until_followed("inventory")
        assert shop.summarised() == []
    shop.until_followed()
    assert names(shop) == [["Lamp", "Sofa"], ["Lamp"]]
    assert [position for position, _ in shop.handled("summary", "orders")] == [1, 2]


@EVERYWHERE
def test_while_products_is_unavailable_orders_are_not_shown_and_afterwards_all_are_in_order(
    shop: Shop,
) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.unavailable("products"):
        for customer_id in (BOB, ANN, BOB):
            shop.placed(customer_id, {TABLE: 1})
        shop.until_followed("inventory")
        assert shop.summarised() == [1]
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3, 4]
    assert [position for position, _ in shop.handled("summary", "orders")] == [1, 2, 3, 4]


@EVERYWHERE
def test_while_its_own_store_is_unavailable_nothing_is_shown_and_afterwards_everything(shop: Shop) -> None:
    with shop.unavailable("summary"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3]


def test_names_that_the_event_carries_need_no_products(open_shop: OpenShop) -> None:
    shop = open_shop(policy(join="carried"))
    with shop.unavailable("products"):
        shop.placed(ANN, {TABLE: 1, LAMP: 2})
        shop.until_followed("summary")
        assert names(shop) == [["Table", "Lamp"]]
    shop.until_followed()


def test_a_carried_name_is_the_one_that_the_order_service_knew(open_shop: OpenShop) -> None:
    shop = open_shop(policy(join="carried"))
    with shop.cut("catalog->orders"):
        shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
        shop.until_followed("products")
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert names(shop) == [["Lamp"], ["Reading lamp"]]


@pytest.mark.parametrize("join", ["wait", "carried"])
def test_events_carry_names_only_if_the_policy_says_so(open_shop: OpenShop, join: str) -> None:
    shop = open_shop(policy(join=join))
    shop.placed(ANN, {LAMP: 1})
    event = shop.log("orders")[0].event
    assert isinstance(event, OrderPlaced)
    assert [line.name for line in event.lines] == [None if join == "wait" else "Lamp"]
    shop.until_followed()


def test_a_name_that_cannot_be_looked_up_is_asked_for_again_as_the_retry_policy_says() -> None:
    retry = Retry(first=0.05, factor=2.0, cap=0.3)
    with virtual_shop(policy(retry=retry)) as shop:
        with shop.unavailable("products"):
            shop.placed(ANN, {LAMP: 1})
            shop.runtime.sleep(1.0)
        shop.until_followed()
        # Tries at 0, 0.05, 0.15, 0.35, then every 0.3 s.
        ((position, at),) = shop.handled("summary", "orders")
        assert position == 1
        assert at == pytest.approx(1.25)
        assert list(shop.runtime.recorder.column("applied", "attempts")).count(7) == 1
