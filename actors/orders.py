"""The order service's command side: takes `PlaceOrder`, writes the order, publishes `OrderPlaced`.

What it knows of products (name, price, and for the `view` stock policy how many are available) it learns
from the events of the catalogue and the inventory; that knowledge lags behind them, as any read model's does.
"""

from collections.abc import Sequence
from typing import Any

from actors.consumer import Consumer, Effects
from actors.messages import (
    Accepted,
    InventoryUpdated,
    OrderPlaced,
    PlacedLine,
    PlaceOrder,
    ProductAdded,
    ProductRenamed,
    ProductRepriced,
    Record,
    Rejected,
)
from actors.outbox import Outbox
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import Change, Insert, NewEvent, Put, Store
from actors.tables import KNOWN_PRODUCTS, ORDER_ITEMS, ORDERS, KnownProductRow, OrderItemRow, OrderRow

QUANTITY_MAX = 1_000_000
LINES_MAX = 1_000


class OrderActor(Consumer):
    """Decides about orders. An order's id is the next position of the log when it is written."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        policy: Policy,
        consumers: Sequence[str],
        sources: Sequence[str],
    ) -> None:
        outbox = Outbox(runtime, "orders", store, policy, consumers)
        super().__init__(
            runtime,
            "orders",
            store,
            policy.of("orders"),
            sources,
            subscribes=policy.publish == "outbox",
            outbox=outbox,
        )
        self._orders_outbox = outbox
        self._checks_stock = policy.stock == "view"
        self._carries_names = policy.of("summary").join == "carried"
        self._products: dict[int, KnownProductRow] = {}
        self._next_id = 1

    def on_start(self) -> None:
        """Load what is known of the products, and make sure that committed orders are on their way."""
        self._products = {row.product_id: row for row in self._store.scan(KNOWN_PRODUCTS)}
        self._next_id = self._store.head() + 1
        super().on_start()
        self._orders_outbox.announce()

    # -- commands --------------------------------------------------------------------------------------

    def answer(self, message: Any) -> Any:
        """Take an order."""
        if type(message) is PlaceOrder:
            return self._place(message)
        return super().answer(message)

    def _place(self, command: PlaceOrder) -> Accepted | Rejected:
        lines, rejected = self._price(command)
        if rejected is not None:
            return rejected
        order_id = self._next_id
        placed_at = self._runtime.now()
        total = sum(line.unit_minor * line.quantity for line in lines)
        changes: list[Change] = [
            Insert(
                ORDERS, OrderRow(order_id, command.customer_id, placed_at, total, command.shipping_address)
            )
        ]
        for number, line in enumerate(lines, 1):
            row = OrderItemRow(order_id, number, line.product_id, line.quantity, line.unit_minor)
            changes.append(Insert(ORDER_ITEMS, row))
        event = OrderPlaced(order_id, command.customer_id, placed_at, total, tuple(lines))
        positions = self._orders_outbox.commit(changes, [NewEvent(command.customer_id, placed_at, event)])
        self._next_id = order_id + 1
        return Accepted(order_id, positions[0])

    def _price(self, command: PlaceOrder) -> tuple[list[PlacedLine], Rejected | None]:
        """The lines with their prices, or why the order is refused."""
        lines: list[PlacedLine] = []
        if command.customer_id < 1:
            return lines, Rejected("unknown customer", f"customer {command.customer_id}")
        if not 1 <= len(command.lines) <= LINES_MAX:
            return lines, Rejected(
                "wrong number of lines", f"{len(command.lines)} lines; 1 to {LINES_MAX} are"
            )
        if len({line.product_id for line in command.lines}) < len(command.lines):
            return lines, Rejected("repeated product", "name each product once and add the quantities")
        for line in command.lines:
            product = self._products.get(line.product_id)
            if product is None:
                return lines, Rejected("unknown product", f"product {line.product_id}")
            if not 1 <= line.quantity <= QUANTITY_MAX:
                return lines, Rejected(
                    "impossible quantity", f"{line.quantity}; 1 to {QUANTITY_MAX} is possible"
                )
            if self._checks_stock and product.available < line.quantity:
                return lines, Rejected(
                    "insufficient stock", f"product {line.product_id} has {product.available}"
                )
            name = product.name if self._carries_names else None
            lines.append(PlacedLine(line.product_id, line.quantity, product.price_minor, name))
        return lines, None

    # -- what is known of the products -----------------------------------------------------------------

    def effects(self, record: Record) -> Effects:
        """What the event of the catalogue or the inventory says of a product."""
        event = record.event
        match event:
            case ProductAdded():
                row = KnownProductRow(event.product_id, event.name, event.price_minor, 0)
            case ProductRenamed():
                old = self._products[event.product_id]
                row = KnownProductRow(old.product_id, event.name, old.price_minor, old.available)
            case ProductRepriced():
                old = self._products[event.product_id]
                row = KnownProductRow(old.product_id, old.name, event.price_minor, old.available)
            case InventoryUpdated():
                old = self._products[event.product_id]
                row = KnownProductRow(old.product_id, old.name, old.price_minor, event.available)
            case _:
                return Effects(())
        return Effects((Put(KNOWN_PRODUCTS, row),))

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            self._products[change.row.product_id] = change.row
