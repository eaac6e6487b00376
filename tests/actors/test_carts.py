"""What a cart promises: it adds up, and checking it out places one order or keeps it as it was."""

import pykka
import pytest
from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, order

from actors.carts import PRODUCTS_MAX, QUANTITY_MAX
from actors.messages import Accepted, AddToCart, CheckOut, Rejected, RemoveFromCart
from actors.stores.port import StoreUnavailable
from actors.tables import CART_ITEMS, ORDER_ITEMS, ORDERS, CartItemRow


def cart(shop: Shop, customer_id: int) -> dict[int, int]:
    rows = shop.stores["carts"].scan(CART_ITEMS)
    return {row.product_id: row.quantity for row in rows if row.customer_id == customer_id}


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
    assert shop.ask("carts", CheckOut(ANN)) == Rejected("insufficient stock", f"product {LAMP} has 100")
    assert cart(shop, ANN) == {LAMP: 101}
    assert shop.ordered() == []
    shop.ask("carts", RemoveFromCart(ANN, LAMP))
    shop.ask("carts", AddToCart(ANN, LAMP, 100))
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)


@EVERYWHERE
def test_while_the_order_service_is_dead_checking_out_is_an_error_and_the_cart_is_kept(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.down("orders"):
        with pytest.raises(pykka.ActorDeadError):
            shop.ask("carts", CheckOut(ANN))
        assert cart(shop, ANN) == {LAMP: 2}
        assert shop.ask("carts", AddToCart(ANN, LAMP, 1)) == Accepted(LAMP, 0), "carts live on"
    assert shop.ask("carts", CheckOut(ANN)) == Accepted(1, 1)
    assert cart(shop, ANN) == {}


def test_an_order_service_that_dies_while_it_is_asked_is_an_error_and_the_cart_is_kept(shop: Shop) -> None:
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
    assert cart(shop, ANN) == {LAMP: 2}
    assert shop.ordered() == []


def test_an_order_that_cannot_be_written_keeps_the_cart(shop: Shop) -> None:
    shop.ask("carts", AddToCart(ANN, LAMP, 2))
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable, match="orders"):
        shop.ask("carts", CheckOut(ANN))
    assert cart(shop, ANN) == {LAMP: 2}


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
