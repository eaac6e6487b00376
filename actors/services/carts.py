"""Carts: add, remove, check out. Checking out places an order for what the cart holds.

A check-out is a fact before its order is: first the items leave the cart and stand in a check-out with a
number of its own, then the order is placed under that number, which the order service takes only once, then
the check-out is done. Whatever fails in between, no item is lost and none is ordered twice: the customer's
next check-out, or the next start of this actor, finishes what was left.
"""

from collections.abc import Sequence
from typing import Any, Final

import pykka

from actors.messages import (
    ID_MAX,
    Accepted,
    AddToCart,
    CheckOut,
    FinishCheckOut,
    OrderLine,
    PlaceOrder,
    PutInCart,
    Rejected,
    RemoveFromCart,
)
from actors.runtime.port import Runtime
from actors.stores.port import Change, Delete, Put, Store
from actors.tables import CART_ITEMS, CHECKOUTS, CartItemRow, CheckOutRow

PRODUCTS_MAX: Final = 100
"""How many different products can be put into a cart; what comes back from a rejected order always fits."""

QUANTITY_MAX: Final = 1_000
"""How many units of a product can be put into a cart."""

ORDER_TIMEOUT_S: Final = 30.0
"""An order service that does not answer for so long counts as failed; its answer will be asked for again."""

FINISH_AGAIN_S: Final = 1.0
"""How long after a failure to finish what an earlier incarnation has left it is tried again."""


class CartActor(pykka.Actor):
    """Keeps the carts. While it waits for the answer to an order, its other customers wait with it."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        super().__init__()
        self._runtime = runtime
        self._store = store

    def on_start(self) -> None:
        """Finish the check-outs that were interrupted."""
        for row in self._store.scan(CHECKOUTS):
            if row.lines:
                self._runtime.tell("carts", FinishCheckOut(row.customer_id))

    def on_receive(self, message: Any) -> Any:
        """Change a cart, or check it out."""
        if isinstance(message, (AddToCart, PutInCart, RemoveFromCart, CheckOut)):
            if not 1 <= message.customer_id <= ID_MAX:
                return Rejected("unknown customer", f"customer {message.customer_id}")
            if not isinstance(message, CheckOut) and not 1 <= message.product_id <= ID_MAX:
                return Rejected("unknown product", f"product {message.product_id}")
        match message:
            case AddToCart():
                return self._add(message)
            case PutInCart():
                return self._put(message, self._row(message), message.quantity)
            case RemoveFromCart():
                self._store.write([Delete(CART_ITEMS, (message.customer_id, message.product_id))])
                return Accepted(message.product_id, 0)
            case CheckOut():
                return self._check_out(message)
            case FinishCheckOut():
                return self._finish_later(message)
        return super().on_receive(message)

    def _add(self, command: AddToCart) -> Accepted | Rejected:
        old = self._row(command)
        if command.quantity < 1:
            return Rejected("impossible quantity", f"{command.quantity}; at least 1 is possible")
        return self._put(command, old, command.quantity + (old.quantity if old else 0))

    def _row(self, command: AddToCart | PutInCart) -> CartItemRow | None:
        return self._store.get(CART_ITEMS, (command.customer_id, command.product_id))

    def _put(
        self, command: AddToCart | PutInCart, old: CartItemRow | None, quantity: int
    ) -> Accepted | Rejected:
        if not 1 <= quantity <= QUANTITY_MAX:
            return Rejected("impossible quantity", f"{quantity}; 1 to {QUANTITY_MAX} is possible")
        if old is None and self._store.count(CART_ITEMS, command.customer_id) >= PRODUCTS_MAX:
            return Rejected("cart is full", f"it holds {PRODUCTS_MAX} products")
        row = CartItemRow(command.customer_id, command.product_id, quantity)
        self._store.write([Put(CART_ITEMS, row)])
        return Accepted(command.product_id, 0)

    def _check_out(self, command: CheckOut) -> Any:
        last = self._store.get(CHECKOUTS, (command.customer_id,)) or CheckOutRow(
            command.customer_id, 0, (), ""
        )
        answer = self._finish(last) if last.lines else None
        rows = self._store.page(CART_ITEMS, command.customer_id, limit=PRODUCTS_MAX)
        if rows:
            lines = tuple(OrderLine(row.product_id, row.quantity) for row in reversed(rows))
            check_out = CheckOutRow(command.customer_id, last.number + 1, lines, command.shipping_address)
            taken = [Delete(CART_ITEMS, (row.customer_id, row.product_id)) for row in rows]
            self._store.write([*taken, Put(CHECKOUTS, check_out)])
            return self._finish(check_out)
        return answer or Rejected("cart is empty", f"customer {command.customer_id}")

    def _finish(self, check_out: CheckOutRow) -> Any:
        """Place the order of a check-out, unless it is placed already, and be done with it.

        Raises:
            Exception: it cannot be told whether the order is placed; the check-out is left as it is.

        """
        customer_id, lines = check_out.customer_id, check_out.lines
        request_id = f"check-out {customer_id}/{check_out.number}"
        order = PlaceOrder(customer_id, lines, check_out.shipping_address, request_id)
        answer = self._runtime.ask("orders", order, timeout=ORDER_TIMEOUT_S)
        back = () if isinstance(answer, Accepted) else self._put_back(customer_id, lines)
        done = CheckOutRow(customer_id, check_out.number, (), "")
        self._store.write([*back, Put(CHECKOUTS, done)])
        return answer

    def _put_back(self, customer_id: int, lines: Sequence[OrderLine]) -> list[Change]:
        """The cart's rows with the lines of a rejected order, besides what was added to it meanwhile."""
        rows = self._store.get_many(CART_ITEMS, [(customer_id, line.product_id) for line in lines])
        return [
            Put(
                CART_ITEMS,
                CartItemRow(customer_id, line.product_id, line.quantity + (row.quantity if row else 0)),
            )
            for line, row in zip(lines, rows, strict=True)
        ]

    def _finish_later(self, message: FinishCheckOut) -> None:
        """Finish what an earlier incarnation has left, unless that is done; try again until it works."""
        try:
            check_out = self._store.get(CHECKOUTS, (message.customer_id,))
            if check_out is not None and check_out.lines:
                self._finish(check_out)
        except Exception:  # noqa: BLE001  # dead, full, late or failing: it is all the same
            self._runtime.after(FINISH_AGAIN_S, self._runtime.tell, "carts", message)
