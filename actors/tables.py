"""What each service keeps: one frozen row type per table, and the table's name, key and index.

A table is declared once; the in-memory store keeps it in dicts, the SQL store derives its columns from the
row type. Amounts are in minor units, instants in seconds of the runtime's clock.
"""

from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)


class Table(msgspec.Struct, Generic[Row], frozen=True, eq=False):
    """A table: rows of type `row`, unique by `key` (one or more columns), with an index on `index`.

    Two tables are equal only if they are the same object.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...]
    index: str | None = None


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """An accepted order (command side)."""

    order_id: int
    customer_id: int
    placed_at: float
    total_minor: int
    shipping_address: str


class OrderItemRow(msgspec.Struct, frozen=True, gc=False):
    """One line of an accepted order (command side)."""

    order_id: int
    line: int
    product_id: int
    quantity: int
    unit_minor: int


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


class ProductRow(msgspec.Struct, frozen=True, gc=False):
    """The Products read model. `version` counts the events applied to the product since the start."""

    product_id: int
    name: str
    price_minor: int
    available: int
    version: int


class SummaryItem(msgspec.Struct, frozen=True, gc=False):
    """One line of an order as its customer sees it."""

    product_name: str
    quantity: int


class SummaryRow(msgspec.Struct, frozen=True, gc=False):
    """`CustomerOrderSummary`: an order as its customer sees it; `copy` tells repeated rows apart."""

    order_id: int
    copy: int
    customer_id: int
    placed_at: float
    total_minor: int
    items: tuple[SummaryItem, ...]


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


ORDERS = Table("orders", OrderRow, ("order_id",), "customer_id")
ORDER_ITEMS = Table("order_items", OrderItemRow, ("order_id", "line"))
KNOWN_PRODUCTS = Table("known_products", KnownProductRow, ("product_id",))
CART_ITEMS = Table("cart_items", CartItemRow, ("customer_id", "product_id"), "customer_id")
CATALOG = Table("catalog", CatalogRow, ("product_id",))
INVENTORY = Table("product_inventory", InventoryRow, ("product_id",))
PRODUCTS = Table("products", ProductRow, ("product_id",))
SUMMARIES = Table("customer_order_summary", SummaryRow, ("order_id", "copy"), "customer_id")
CHECKPOINTS = Table("checkpoints", CheckpointRow, ("consumer", "source"))
APPLIED = Table("applied", AppliedRow, ("consumer", "source"))
APPLIED_AHEAD = Table("applied_ahead", AppliedAheadRow, ("consumer", "source", "position"))

PROGRESS = (CHECKPOINTS, APPLIED, APPLIED_AHEAD)

TABLES_OF_SERVICE: dict[str, tuple[Table, ...]] = {  # type: ignore[type-arg]  # rows differ by table
    "orders": (ORDERS, ORDER_ITEMS, KNOWN_PRODUCTS, *PROGRESS),
    "carts": (CART_ITEMS,),
    "catalog": (CATALOG,),
    "inventory": (INVENTORY, *PROGRESS),
    "products": (PRODUCTS, *PROGRESS),
    "summary": (SUMMARIES, *PROGRESS),
}
"""One database per service; every service also has an `events` log, which is its outbox."""
