"""Carts: add, remove, check out. Checking out places an order for what the cart holds."""

from typing import Any

import pykka

from actors.messages import (
    ID_MAX,
    Accepted,
    AddToCart,
    CheckOut,
    OrderLine,
    PlaceOrder,
    Rejected,
    RemoveFromCart,
)
from actors.runtime import Runtime
from actors.stores.port import Delete, Put, Store
from actors.tables import CART_ITEMS, CartItemRow

PRODUCTS_MAX = 100
"""How many different products a cart holds at most."""

QUANTITY_MAX = 1_000


class CartActor(pykka.Actor):
    """Keeps the carts. While it waits for the answer to an order, its other customers wait with it."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        super().__init__()
        self._runtime = runtime
        self._store = store

    def on_receive(self, message: Any) -> Any:
        """Change a cart, or check it out."""
        if isinstance(message, (AddToCart, RemoveFromCart, CheckOut)):
            if not 1 <= message.customer_id <= ID_MAX:
                return Rejected("unknown customer", f"customer {message.customer_id}")
            if not isinstance(message, CheckOut) and not 1 <= message.product_id <= ID_MAX:
                return Rejected("unknown product", f"product {message.product_id}")
        match message:
            case AddToCart():
                return self._add(message)
            case RemoveFromCart():
                self._store.write([Delete(CART_ITEMS, (message.customer_id, message.product_id))])
                return Accepted(message.product_id, 0)
            case CheckOut():
                return self._check_out(message)
        return super().on_receive(message)

    def _add(self, command: AddToCart) -> Accepted | Rejected:
        old = self._store.get(CART_ITEMS, (command.customer_id, command.product_id))
        quantity = command.quantity + (old.quantity if old else 0)
        if command.quantity < 1 or quantity > QUANTITY_MAX:
            return Rejected("impossible quantity", f"{quantity}; 1 to {QUANTITY_MAX} is possible")
        if old is None and self._store.count(CART_ITEMS, command.customer_id) >= PRODUCTS_MAX:
            return Rejected("cart is full", f"it holds {PRODUCTS_MAX} products")
        row = CartItemRow(command.customer_id, command.product_id, quantity)
        self._store.write([Put(CART_ITEMS, row)])
        return Accepted(command.product_id, 0)

    def _check_out(self, command: CheckOut) -> Any:
        rows = self._store.page(CART_ITEMS, command.customer_id, limit=PRODUCTS_MAX)
        if not rows:
            return Rejected("cart is empty", f"customer {command.customer_id}")
        lines = tuple(OrderLine(row.product_id, row.quantity) for row in reversed(rows))
        order = PlaceOrder(command.customer_id, lines, command.shipping_address)
        answer = self._runtime.ask("orders", order)
        if isinstance(answer, Accepted):
            keys = [(row.customer_id, row.product_id) for row in rows]
            self._store.write([Delete(CART_ITEMS, key) for key in keys])
        return answer
