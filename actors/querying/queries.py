"""The queries: what reads return, and which version of its key each one reflects.

A query reads a view's store, never the actor that fills it: a consumer that is down or behind does not stop
its view from answering, it only makes the answer old.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from actors.facts import is_known
from actors.policy import Policy
from actors.stores.port import Store
from actors.tables import (
    INVENTORY,
    KNOWN_PRODUCTS,
    ORDER_ITEMS,
    ORDERS,
    PRODUCTS,
    SUMMARIES,
    InventoryRow,
    OrderRow,
    ProductRow,
    SummaryItem,
    SummaryRow,
    Table,
)

PAGE = 20
"""How many rows a page of a list has."""


def unasked(policy: Policy) -> tuple[Table[Any], ...]:
    """The tables that nobody asks by their index under this policy; then it need not be kept.

    An order's customer is anywhere in an index of all: to keep it is a good part of the price of writing.
    """
    return () if policy.read == "write-side" else (ORDERS,)


class History(NamedTuple):
    """A customer's newest orders, and of how many orders the view knows; −1: nobody has asked."""

    orders: list[SummaryRow]
    version: int


def history(
    store: Store, customer_id: int, *, before: int | None = None, limit: int = PAGE, counts: bool = True
) -> History:
    """The customer's orders, newest first, below order id `before`; with `counts` also how many there are."""
    key = None if before is None else (before, 0)
    orders = store.page(SUMMARIES, customer_id, limit=limit, before=key)
    return History(orders, store.count(SUMMARIES, customer_id) if counts else -1)


def newest_histories(
    store: Store, customer_ids: Sequence[int], *, limit: int = PAGE, counts: bool = True
) -> list[History]:
    """What `history` says of each of these different customers, asked for together."""
    pages = store.pages(SUMMARIES, customer_ids, limit=limit)
    return [
        History(orders, store.count(SUMMARIES, customer_id) if counts else -1)
        for customer_id, orders in zip(customer_ids, pages, strict=True)
    ]


def placed_history(
    store: Store, customer_id: int, *, before: int | None = None, limit: int = PAGE, counts: bool = True
) -> History:
    """The same from the order service's own tables: what has been ordered, under the names known there."""
    orders = store.page(ORDERS, customer_id, limit=limit, before=None if before is None else (before,))
    version = store.count(ORDERS, customer_id) if counts else -1
    keys = [(order.order_id, line) for order in orders for line in range(1, order.lines + 1)]
    items = [item for item in store.get_many(ORDER_ITEMS, keys) if item is not None]
    products = store.get_many(KNOWN_PRODUCTS, [(item.product_id,) for item in items])
    lines: dict[int, list[SummaryItem]] = {order.order_id: [] for order in orders}
    for item, product in zip(items, products, strict=True):
        name = product.name if product is not None else str(item.product_id)
        lines[item.order_id].append(SummaryItem(name, item.quantity, item.product_id))
    return History([_as_summary(order, lines[order.order_id]) for order in orders], version)


def _as_summary(order: OrderRow, items: list[SummaryItem]) -> SummaryRow:
    return SummaryRow(
        order.order_id,
        0,
        order.customer_id,
        order.placed_at,
        order.total_minor,
        tuple(items),
        order.status,
    )


def stock(store: Store, product_id: int) -> InventoryRow | None:
    """The product's stock."""
    return store.get(INVENTORY, (product_id,))


def stocks(store: Store, product_ids: Sequence[int]) -> list[InventoryRow | None]:
    """What `stock` says of each of these products, asked for together."""
    return store.get_many(INVENTORY, [(product_id,) for product_id in product_ids])


def product(store: Store, product_id: int) -> ProductRow | None:
    """The product as the Products view has it; None until its name and price are known."""
    row = store.get(PRODUCTS, (product_id,))
    return row if is_known(row) else None


def several_products(store: Store, product_ids: Sequence[int]) -> list[ProductRow | None]:
    """What `product` says of each of these products, asked for together."""
    rows = store.get_many(PRODUCTS, [(product_id,) for product_id in product_ids])
    return [row if is_known(row) else None for row in rows]


def products(store: Store, first: int, limit: int = PAGE) -> list[ProductRow]:
    """The products with ids from `first` to `first + limit − 1` whose name and price the view has."""
    rows = several_products(store, range(first, first + limit))
    return [row for row in rows if row is not None]
