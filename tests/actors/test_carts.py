"""What a cart promises: it adds up, and checking it out orders all that is in it, once, whatever fails."""

import contextlib
from collections import Counter
from collections.abc import Callable

import pykka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, order, policy, virtual_shop

from actors.messages import Accepted, AddToCart, CheckOut, Rejected, RemoveFromCart
from actors.services.carts import PRODUCTS_MAX, QUANTITY_MAX
from actors.stores.port import StoreUnavailable
from actors.tables import CART_ITEMS, CHECKOUTS, ORDER_ITEMS, ORDERS, CartItemRow
from scenarios.distributions import Constant

OpenShop = Callable[..., Shop]


def cart(shop: Shop, customer_id: int) -> dict[int, int]:
    rows = shop.stores["carts"].scan(CART_ITEMS)
    return {row.product_id: row.quantity for row in rows if row.customer_id == customer_id}


def checking_out(shop: Shop, customer_id: int) -> dict[int, int]:
    """What stands in a check-out of the customer that is not done."""
    rows = shop.stores["carts"].scan(CHECKOUTS)
    return {
        line.product_id: line.quantity for row in rows if row.customer_id == customer_id for line in row.lines
    }


def units_ordered(shop: Shop) -> Counter[int]:
    ordered: Counter[int] = Counter()
    for item in shop.stores["orders"].scan(ORDER_ITEMS):
        ordered[item.product_id] += item.quantity
    return ordered


@EVERYWHERE
def test_what_is_added_adds_up_and_each_customer_has_a_cart(shop: Shop) -> None:
    assert shop.ask("carts", AddToCart(ANN, LAMP, 2)) == Accepted(LAMP, 0)
    shop.ask("carts", AddToCart(ANN, LAMP, 3))
    shop.ask("carts", AddToCart(ANN, TABLE, 1))
    shop.ask("carts", AddToCart(BOB, LAMP, 1))
    assert list(shop.stores["carts"].scan(CART_ITEMS)) == [
        CartItemRow(ANN, LAMP, 5),
        CartItemRow(ANN, TABLE, 1),
        CartItemRow(BOB, LAMP, 1),
    ]


@EVERYWHERE
def test_what_is_removed_is_gone_and_removing_it_again_changes_nothing(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    shop.ask("carts", AddToCart(ANN, TABLE, 1))
    for _ in range(2):
        assert shop.ask("carts", RemoveFromCart(ANN, LAMP)) == Accepted(LAMP, 0)
        assert cart(shop, ANN) == {TABLE: 1}


@EVERYWHERE
def test_checking_out_places_one_order_for_all_that_the_cart_holds_and_empties_it(shop: Shop) -> None:
    for product_id, quantity in ((TABLE, 1), (LAMP, 2), (LAMP, 3)):
        shop.ask("carts", AddToCart(ANN, product_id, quantity))
    shop.ask("carts", AddToCart(BOB, LAMP, 1))
    assert shop.ask("carts", CheckOut(ANN, "12 Elm Street")) == Accepted(1, 1)
    (order,) = shop.stores["orders"].scan(ORDERS)
    assert (order.customer_id, order.shipping_address) == (ANN, "12 Elm Street")
    assert order.total_minor == 24900 + 5 * 1999
    items = shop.stores["orders"].scan(ORDER_ITEMS)
    assert [(item.product_id, item.quantity) for item in items] == [(LAMP, 5), (TABLE, 1)]
    assert cart(shop, ANN) == {}
    assert cart(shop, BOB) == {LAMP: 1}
    assert shop.ask("carts", CheckOut(ANN)) == Rejected("cart is empty", f"customer {ANN}")
    shop.until_followed()
    assert shop.summarised() == [1]


def test_an_empty_cart_cannot_be_checked_out(shop: Shop) -> None:
    assert shop.ask("carts", CheckOut(ANN)) == Rejected("cart is empty", f"customer {ANN}")
    assert shop.ordered() == []


def test_a_cart_whose_order_is_rejected_is_kept(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 101))
    assert shop.ask("carts", CheckOut(ANN)) == Rejected("insufficient stock", f"product {LAMP} has 100", LAMP)
    assert cart(shop, ANN) == {LAMP: 101}
    assert shop.ordered() == []
    shop.ask("carts", RemoveFromCart(ANN, LAMP))
    shop.ask("carts", AddToCart(ANN, LAMP, 100))
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)


# -- check-outs that are interrupted -------------------------------------------------------------------


@EVERYWHERE
def test_while_the_order_service_is_dead_checking_out_is_an_error_and_can_be_repeated(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.down("orders"):
        for _ in range(2):
            with pytest.raises(pykka.ActorDeadError):
                shop.ask("carts", CheckOut(ANN, "12 Elm Street"))
        assert (cart(shop, ANN), checking_out(shop, ANN)) == ({}, {LAMP: 2})
        assert shop.ask("carts", AddToCart(BOB, LAMP, 1)) == Accepted(LAMP, 0), "carts live on"
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)
    (row,) = shop.stores["orders"].scan(ORDERS)
    assert row.shipping_address == "12 Elm Street", "it is the first check-out that is finished"
    assert (cart(shop, ANN), checking_out(shop, ANN)) == ({}, {})
    assert shop.ask("carts", CheckOut(ANN)).reason == "cart is empty"


def test_an_order_service_that_dies_while_it_is_asked_loses_nothing(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    shop.runtime.pause("orders")
    asked = [shop.runtime.request("orders", order(BOB, {LAMP: 1}))]
    asked.append(shop.runtime.request("carts", CheckOut(ANN)))
    shop.until(lambda: shop.runtime.depth("orders") >= 1)
    with shop.down("orders"):
        for reply in asked:
            with pytest.raises(pykka.ActorDeadError):
                reply.get(timeout=5.0)
    shop.runtime.resume("orders")
    assert checking_out(shop, ANN) == {LAMP: 2}
    assert shop.ordered() == []
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)


def test_what_is_added_after_a_check_out_that_failed_is_an_order_of_its_own(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable, match="orders"):
        shop.ask("carts", CheckOut(ANN))
    shop.ask("carts", AddToCart(ANN, LAMP, 1))
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(2, 2)
    items = shop.stores["orders"].scan(ORDER_ITEMS)
    assert [(item.order_id, item.quantity) for item in items] == [(1, 2), (2, 1)]


def test_what_comes_back_from_a_rejected_order_joins_what_was_added_meanwhile(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 101))
    shop.ask("carts", AddToCart(ANN, TABLE, 1))
    with shop.down("orders"), pytest.raises(pykka.ActorDeadError):
        shop.ask("carts", CheckOut(ANN))
    shop.ask("carts", AddToCart(ANN, LAMP, 3))
    assert shop.ask("carts", CheckOut(ANN)).reason == "insufficient stock"
    assert (cart(shop, ANN), checking_out(shop, ANN)) == ({LAMP: 104, TABLE: 1}, {})


@EVERYWHERE
def test_an_order_whose_cart_died_before_it_was_emptied_is_not_placed_again(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    shop.runtime.pause("orders")
    asked = shop.runtime.request("carts", CheckOut(ANN))
    shop.until(lambda: shop.runtime.depth("orders") >= 1)
    with shop.down("carts"):
        with pytest.raises(pykka.ActorDeadError):
            asked.get(timeout=5.0)
        shop.runtime.resume("orders")
        shop.until(shop.ordered)
        assert checking_out(shop, ANN) == {LAMP: 2}, "nobody has heard that it is placed"
    shop.until(lambda: not checking_out(shop, ANN))
    assert shop.ask("carts", CheckOut(ANN)).reason == "cart is empty"
    assert shop.ordered() == [1]


@EVERYWHERE
def test_a_check_out_whose_order_was_never_placed_is_finished_by_the_next_start(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable):
        shop.ask("carts", CheckOut(ANN))
    with shop.down("carts"):
        assert checking_out(shop, ANN) == {LAMP: 2}
    shop.until(lambda: not checking_out(shop, ANN))
    assert units_ordered(shop) == {LAMP: 2}


def test_the_next_start_goes_on_trying_while_the_order_service_is_dead() -> None:
    with virtual_shop(policy()) as shop:
        shop.ask("carts", AddToCart(ANN, LAMP, 2))
        with shop.down("orders"):
            with pytest.raises(pykka.ActorDeadError):
                shop.ask("carts", CheckOut(ANN))
            with shop.down("carts"):
                pass
            shop.runtime.sleep(5.0)
            assert checking_out(shop, ANN) == {LAMP: 2}
        shop.runtime.sleep(2.0)
        assert (units_ordered(shop), checking_out(shop, ANN)) == ({LAMP: 2}, {})


def test_a_cart_store_that_fails_after_the_order_does_not_order_twice(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    shop.runtime.pause("orders")
    asked = shop.runtime.request("carts", CheckOut(ANN))
    shop.until(lambda: shop.runtime.depth("orders") >= 1)
    with shop.refusing_writes("carts"):
        shop.runtime.resume("orders")
        with pytest.raises(StoreUnavailable, match="carts"):
            asked.get(timeout=5.0)
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1), "the answer to the order that is placed"
    assert shop.ordered() == [1]


FAILURES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                ("crash", "carts"),
                ("crash", "orders"),
                ("unavailable", "store:carts"),
                ("unavailable", "store:orders"),
                ("pause", "orders"),
            ]
        ),
        st.floats(0.0, 2.0),
        st.floats(0.001, 0.4),
    ),
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(FAILURES)
def test_whatever_fails_all_that_was_put_into_carts_is_ordered_once(
    failures: list[tuple[tuple[str, str], float, float]],
) -> None:
    times = {"store:carts": Constant(0.002), "store:orders": Constant(0.003), "orders": Constant(0.004)}
    with virtual_shop(policy(), times=times) as shop:
        for (kind, target), at, length in failures:
            shop.schedule(kind, target, at, length)
        adding = []
        for number in range(40):
            customer_id, product_id = (ANN, BOB)[number % 2], (LAMP, TABLE)[number % 3 % 2]
            adding.append((product_id, shop.runtime.request("carts", AddToCart(customer_id, product_id, 1))))
            shop.runtime.request("carts", CheckOut(customer_id))
            shop.runtime.sleep(0.05)
        shop.runtime.sleep(5.0)
        added: Counter[int] = Counter()
        for product_id, reply in adding:
            with contextlib.suppress(pykka.ActorDeadError, StoreUnavailable):
                added[product_id] += isinstance(reply.get(), Accepted)
        for customer_id in (ANN, BOB):
            shop.ask("carts", CheckOut(customer_id))
            assert (cart(shop, customer_id), checking_out(shop, customer_id)) == ({}, {})
        assert units_ordered(shop) == added


@pytest.mark.parametrize("quantity", [0, -1, QUANTITY_MAX + 1, 2**70])
def test_an_impossible_quantity_is_rejected_and_the_cart_stays(shop: Shop, quantity: int) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    assert shop.ask("carts", AddToCart(ANN, LAMP, quantity)).reason == "impossible quantity"
    assert cart(shop, ANN) == {LAMP: 2}


def test_what_adds_up_to_too_much_is_rejected_and_the_cart_stays(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, QUANTITY_MAX))
    assert shop.ask("carts", AddToCart(ANN, LAMP, 1)).reason == "impossible quantity"
    assert cart(shop, ANN) == {LAMP: QUANTITY_MAX}


@pytest.mark.parametrize("customer_id", [0, -1, 2**31, 2**70])
def test_nobody_has_no_cart(shop: Shop, customer_id: int) -> None:
    assert shop.ask("carts", AddToCart(customer_id, LAMP, 1)).reason == "unknown customer"
    assert list(shop.stores["carts"].scan(CART_ITEMS)) == []


@pytest.mark.parametrize("product_id", [0, -1, 2**31, 2**70])
def test_what_can_be_no_product_comes_into_no_cart(shop: Shop, product_id: int) -> None:
    assert shop.ask("carts", AddToCart(ANN, product_id, 1)).reason == "unknown product"
    assert cart(shop, ANN) == {}


def test_a_cart_holds_so_many_products_and_no_more(shop: Shop) -> None:
    for product_id in range(1, PRODUCTS_MAX + 1):
        assert shop.ask("carts", AddToCart(ANN, product_id, 1)) == Accepted(product_id, 0)
    assert shop.ask("carts", AddToCart(ANN, PRODUCTS_MAX + 1, 1)).reason == "cart is full"
    assert shop.ask("carts", AddToCart(ANN, 1, 1)) == Accepted(1, 0), "more of what it holds"
    assert shop.ask("carts", AddToCart(BOB, PRODUCTS_MAX + 1, 1)) == Accepted(PRODUCTS_MAX + 1, 0)


@EVERYWHERE
def test_carts_survive_a_crash(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.down("carts"), pytest.raises(pykka.ActorDeadError):
        shop.ask("carts", AddToCart(ANN, LAMP, 2))
    shop.ask("carts", AddToCart(ANN, LAMP, 1))
    assert cart(shop, ANN) == {LAMP: 3}
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)
