"""What each service keeps: one frozen row type per table, and the table's name, key and index.

A table is declared once; the in-memory store keeps it in dicts, the SQL store derives its columns from the
row type. Amounts are in minor units, instants in seconds of the runtime's clock.
"""

from typing import Any, Generic, TypeVar

import msgspec

from actors.messages import OrderLine
from actors.topology import node_of

Row = TypeVar("Row", bound=msgspec.Struct)


class Table(msgspec.Struct, Generic[Row], frozen=True, eq=False):
    """A table: rows of type `row`, unique by `key` (one or more columns), with an index on `index`.

    With `repeats` the last key column tells apart rows that repeat each other, and should not be there.

    Two tables are equal only if they are the same object.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...]
    index: str | None = None
    repeats: bool = False


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """An accepted order (command side), of so many `lines`.

    `status` is `pending`, `confirmed` or `rejected`; only the saga has other than confirmed orders.
    """

    order_id: int
    customer_id: int
    placed_at: float
    total_minor: int
    shipping_address: str
    lines: int
    status: str = "confirmed"


class OrderItemRow(msgspec.Struct, frozen=True, gc=False):
    """One line of an accepted order (command side)."""

    order_id: int
    line: int
    product_id: int
    quantity: int
    unit_minor: int


class OrderRequestRow(msgspec.Struct, frozen=True, gc=False):
    """Which order a request has led to, so that it leads to no other when it is repeated."""

    request_id: str
    order_id: int


class StartRow(msgspec.Struct, frozen=True, gc=False):
    """How often a service has begun anew to number something, ever."""

    service: str
    starts: int


class KnownProductRow(msgspec.Struct, frozen=True, gc=False):
    """What the order service knows of a product from the events of catalogue and inventory."""

    product_id: int
    name: str
    price_minor: int
    available: int


class CartItemRow(msgspec.Struct, frozen=True, gc=False):
    """One product in a customer's cart."""

    customer_id: int
    product_id: int
    quantity: int


class CheckOutRow(msgspec.Struct, frozen=True, gc=False):
    """A customer's check-out number `number`: what it orders until it is done; no lines: it is."""

    customer_id: int
    number: int
    lines: tuple[OrderLine, ...]
    shipping_address: str


class CatalogRow(msgspec.Struct, frozen=True, gc=False):
    """A product as the catalogue's command side has it."""

    product_id: int
    name: str
    price_minor: int


class InventoryRow(msgspec.Struct, frozen=True, gc=False):
    """`ProductInventory`: units on hand. `version` counts the `OrderPlaced` events applied to the product."""

    product_id: int
    available: int
    version: int


class ReservationRow(msgspec.Struct, frozen=True, gc=False):
    """Units that were taken for an order which is not heard of yet; `made_at` is the inventory's clock."""

    reservation_id: str
    lines: tuple[OrderLine, ...]
    made_at: float


class ProductRow(msgspec.Struct, frozen=True, gc=False):
    """The Products read model. `version` counts the events applied to the product since the start."""

    product_id: int
    name: str
    price_minor: int
    available: int
    version: int


class SummaryItem(msgspec.Struct, frozen=True, gc=False):
    """One line of an order as its customer sees it.

    While it is `pending`, the product's id stands in for its name, which will be filled in later.
    """

    product_name: str
    quantity: int
    product_id: int
    pending: bool = False


class SummaryRow(msgspec.Struct, frozen=True, gc=False):
    """`CustomerOrderSummary`: an order as its customer sees it; `copy` tells repeated rows apart.

    `status` is `pending`, `confirmed` or `rejected`; only the saga has other than confirmed orders.
    """

    order_id: int
    copy: int
    customer_id: int
    placed_at: float
    total_minor: int
    items: tuple[SummaryItem, ...]
    status: str = "confirmed"


class PendingJoinRow(msgspec.Struct, frozen=True, gc=False):
    """A summary row in which some product's id stands in for its name; its order's position in the log."""

    order_id: int
    copy: int
    position: int


class OrderOutcomeRow(msgspec.Struct, frozen=True, gc=False):
    """What became of an order whose `OrderPlaced` the summary has not seen yet."""

    order_id: int
    status: str


class CheckpointRow(msgspec.Struct, frozen=True, gc=False):
    """Where a consumer goes on reading a source after a restart: after `position`."""

    consumer: str
    source: str
    position: int


class AppliedRow(msgspec.Struct, frozen=True, gc=False):
    """What a consumer has applied of a source: every event up to `position`, whatever its checkpoint says."""

    consumer: str
    source: str
    position: int


class AppliedAheadRow(msgspec.Struct, frozen=True, gc=False):
    """An event applied although an earlier one is not yet."""

    consumer: str
    source: str
    position: int


class DeadLetterRow(msgspec.Struct, frozen=True, gc=False):
    """An event that a consumer has put aside: as JSON, why, after how many attempts, and when (s)."""

    consumer: str
    source: str
    position: int
    key: int
    record: str
    error: str
    attempts: int
    parked_at: float


ORDERS = Table("orders", OrderRow, ("order_id",), "customer_id")
ORDER_ITEMS = Table("order_items", OrderItemRow, ("order_id", "line"))
ORDER_REQUESTS = Table("order_requests", OrderRequestRow, ("request_id",))
STARTS = Table("starts", StartRow, ("service",))
KNOWN_PRODUCTS = Table("known_products", KnownProductRow, ("product_id",))
CART_ITEMS = Table("cart_items", CartItemRow, ("customer_id", "product_id"), "customer_id")
CHECKOUTS = Table("checkouts", CheckOutRow, ("customer_id",))
CATALOG = Table("catalog", CatalogRow, ("product_id",))
INVENTORY = Table("product_inventory", InventoryRow, ("product_id",))
RESERVATIONS = Table("reservations", ReservationRow, ("reservation_id",))
PRODUCTS = Table("products", ProductRow, ("product_id",))
SUMMARIES = Table("customer_order_summary", SummaryRow, ("order_id", "copy"), "customer_id", repeats=True)
PENDING_JOINS = Table("pending_joins", PendingJoinRow, ("order_id", "copy"))
ORDER_OUTCOMES = Table("order_outcomes", OrderOutcomeRow, ("order_id",))
CHECKPOINTS = Table("checkpoints", CheckpointRow, ("consumer", "source"))
APPLIED = Table("applied", AppliedRow, ("consumer", "source"))
APPLIED_AHEAD = Table("applied_ahead", AppliedAheadRow, ("consumer", "source", "position"))
DEAD_LETTERS = Table("dead_letters", DeadLetterRow, ("consumer", "source", "position"))

PROGRESS = (CHECKPOINTS, APPLIED, APPLIED_AHEAD, DEAD_LETTERS)

TABLES_OF_SERVICE: dict[str, tuple[Table, ...]] = {  # type: ignore[type-arg]  # rows differ by table
    "orders": (ORDERS, ORDER_ITEMS, ORDER_REQUESTS, STARTS, KNOWN_PRODUCTS, *PROGRESS),
    "carts": (CART_ITEMS, CHECKOUTS),
    "catalog": (CATALOG,),
    "inventory": (INVENTORY, RESERVATIONS, *PROGRESS),
    "products": (PRODUCTS, *PROGRESS),
    "summary": (SUMMARIES, PENDING_JOINS, ORDER_OUTCOMES, *PROGRESS),
}
"""One database per service; every service also has an `events` log, which is its outbox."""


def tables_of(store: str) -> tuple[Table[Any], ...]:
    """The tables of a service's store, or of one of a copy of a read model (`summary/2`)."""
    return TABLES_OF_SERVICE[node_of(store)]
