"""The inventory service: follows `OrderPlaced`, keeps `ProductInventory`, publishes `InventoryUpdated`.

It takes what was ordered even when that leaves fewer than none on hand: the order is accepted by then, and
the missing units are a fact to be seen, not hidden.
"""

from collections.abc import Sequence
from typing import Any

from actors.consumer import Consumer, Effects
from actors.messages import ID_MAX, Accepted, AdjustStock, InventoryUpdated, OrderPlaced, Record, Rejected
from actors.outbox import Outbox
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import NewEvent, Put, Store
from actors.tables import INVENTORY, InventoryRow

DELTA_MAX = 2**31 - 1
"""How many units one adjustment adds or takes out at most."""


class InventoryActor(Consumer):
    """Owns the stock. A product that it has never heard of has none."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        policy: Policy,
        consumers: Sequence[str],
        sources: Sequence[str],
    ) -> None:
        outbox = Outbox(runtime, "inventory", store, policy, consumers)
        super().__init__(
            runtime,
            "inventory",
            store,
            policy.of("inventory"),
            sources,
            subscribes=policy.publish == "outbox",
            outbox=outbox,
        )
        self._stock_outbox = outbox
        self._rows: dict[int, InventoryRow] = {}

    def on_start(self) -> None:
        """Load the stock, and make sure that committed changes are on their way."""
        self._rows = {row.product_id: row for row in self._store.scan(INVENTORY)}
        super().on_start()
        self._stock_outbox.announce()

    def effects(self, record: Record) -> Effects:
        """Take the ordered units out of the stock."""
        event = record.event
        if type(event) is not OrderPlaced:
            return Effects(())
        rows = []
        for line in event.lines:
            old = self._row(line.product_id)
            rows.append(InventoryRow(old.product_id, old.available - line.quantity, old.version + 1))
        return self._updated(rows)

    def answer(self, message: Any) -> Any:
        """Adjust the stock of a product."""
        if type(message) is not AdjustStock:
            return super().answer(message)
        if not 1 <= message.product_id <= ID_MAX:
            return Rejected("unknown product", f"product {message.product_id}")
        if abs(message.delta) > DELTA_MAX:
            return Rejected("impossible quantity", f"{message.delta}; up to ±{DELTA_MAX} is possible")
        old = self._row(message.product_id)
        if old.available + message.delta < 0 and message.delta < 0:
            return Rejected("insufficient stock", f"product {old.product_id} has {old.available}")
        row = InventoryRow(old.product_id, old.available + message.delta, old.version)
        effects = self._updated([row])
        positions = self._stock_outbox.commit(effects.changes, effects.events)
        self.applied(effects)
        return Accepted(row.product_id, positions[0])

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            self._rows[change.row.product_id] = change.row

    def _row(self, product_id: int) -> InventoryRow:
        return self._rows.get(product_id) or InventoryRow(product_id, 0, 0)

    def _updated(self, rows: Sequence[InventoryRow]) -> Effects:
        now = self._runtime.now()
        return Effects(
            [Put(INVENTORY, row) for row in rows],
            [NewEvent(row.product_id, now, InventoryUpdated(row.product_id, row.available)) for row in rows],
        )
