"""The order service's command side: takes `PlaceOrder`, writes the order, publishes `OrderPlaced`.

What it knows of products (name, price, and for the `view` stock policy how many are available) it learns
from the events of the catalogue and the inventory; that knowledge lags behind them, as any read model's does.
"""

from collections.abc import Sequence
from typing import Any

from actors.consumer import Consumer, Effects
from actors.facts import UNKNOWN_NAME, UNKNOWN_PRICE, is_known, told
from actors.messages import ID_MAX, Accepted, OrderPlaced, PlacedLine, PlaceOrder, Record, Rejected
from actors.outbox import Outbox
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import Change, Conflict, Insert, NewEvent, Put, Store
from actors.tables import KNOWN_PRODUCTS, ORDER_ITEMS, ORDERS, KnownProductRow, OrderItemRow, OrderRow

QUANTITY_MAX = 1_000_000
LINES_MAX = 1_000
TOTAL_MINOR_MAX = 2**63 - 1
"""What a database's integer holds."""


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
        total = sum(line.unit_minor * line.quantity for line in lines)
        if total > TOTAL_MINOR_MAX:
            return Rejected("impossible total", f"{total} cents; up to {TOTAL_MINOR_MAX} is possible")
        try:
            return self._write(command, lines, total)
        except Conflict:
            # An earlier incarnation was cut off while it wrote, and the write came through after our start.
            self._next_id = self._store.head() + 1
            return self._write(command, lines, total)

    def _write(self, command: PlaceOrder, lines: list[PlacedLine], total: int) -> Accepted:
        order_id = self._next_id
        placed_at = self._runtime.now()
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
        if not 1 <= command.customer_id <= ID_MAX:
            return lines, Rejected("unknown customer", f"customer {command.customer_id}")
        if not 1 <= len(command.lines) <= LINES_MAX:
            return lines, Rejected(
                "wrong number of lines", f"{len(command.lines)} lines; 1 to {LINES_MAX} are"
            )
        if len({line.product_id for line in command.lines}) < len(command.lines):
            return lines, Rejected("repeated product", "name each product once and add the quantities")
        for line in command.lines:
            product = self._products.get(line.product_id)
            if product is None or not is_known(product):
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
        old = self._products.get(record.key)
        name, price_minor, available = (
            (UNKNOWN_NAME, UNKNOWN_PRICE, 0) if old is None else (old.name, old.price_minor, old.available)
        )
        row = KnownProductRow(record.key, *told(name, price_minor, available, record.event))
        return Effects((Put(KNOWN_PRODUCTS, row),))

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            self._products[change.row.product_id] = change.row
