"""The order read model, `CustomerOrderSummary`: each order as its customer sees it, with product names.

The names stand in another service's read model. That is the joint at which this system breaks: the order is
accepted and its event delivered, but without Products the row cannot be written as it should be.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import msgspec

from actors.consuming.consumer import Consumer
from actors.consuming.positions import Positions
from actors.consuming.processor import Effects, NotYet
from actors.facts import UNKNOWN_NAME
from actors.messages import OrderConfirmed, OrderPlaced, OrderRejected, PlacedLine, Record, Repair
from actors.policy import Policy
from actors.runtime.port import Runtime
from actors.stores.port import Change, Delete, Put, Store, StoreError
from actors.tables import (
    ORDER_OUTCOMES,
    PENDING_JOINS,
    PRODUCTS,
    SUMMARIES,
    OrderOutcomeRow,
    PendingJoinRow,
    SummaryItem,
    SummaryRow,
)
from actors.topology import node_of

REPAIRED_AT_ONCE = 100
"""How many rows at most are repaired before other events have their turn."""


class SummaryProjection(Consumer):
    """Follows the orders; looks names up in the Products store unless the events carry them."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        products: Store,
        policy: Policy,
        sources: Sequence[str],
        positions: Positions | None = None,
        own_name: str = "summary",
    ) -> None:
        super().__init__(
            runtime,
            own_name,
            store,
            policy.of("summary"),
            sources,
            subscribes=policy.publish == "outbox",
            positions=positions,
        )
        self._products = products
        self._gates.append(runtime.gate(node_of(products.name)))
        self._prepared: dict[int, str] = {}  # names that were looked up for several events at once
        self._join = policy.of("summary").join
        self.effects_read_rows = self._join == "placeholder" or policy.stock == "saga"
        self._copy_number = runtime.random(f"copies/{own_name}")
        self._pending: dict[tuple[int, int], int] = {}  # copies of orders without a name: their positions

    def on_start(self) -> None:
        """Go on, also with the repair of what was written without names."""
        super().on_start()
        if self._join == "placeholder":
            self._pending = self._pending_joins()
            if self._pending:
                self._repair_later(1)

    def load_view(self) -> None:
        """See `Consumer`."""
        were_pending, self._pending = self._pending, self._pending_joins()
        if self._pending and not were_pending:
            self._repair_later(1)

    def answer(self, message: Any) -> Any:
        """Repair what was written without names."""
        return self._repair(message) if type(message) is Repair else super().answer(message)

    # -- events ----------------------------------------------------------------------------------------

    def stands_alone(self, record: Record) -> bool:
        """Whether it concerns a pending order, whose rows earlier events may have changed."""
        event = record.event
        return type(event) is not OrderPlaced or event.pending

    def prepare(self, records: Sequence[Record]) -> None:
        """Look up the names of all products of the orders in one call."""
        self._prepared = {}
        if records and self._join != "carried":
            wanted = list({line.product_id: None for record in records for line in _lines(record)})
            rows = self._products.get_many(PRODUCTS, [(product_id,) for product_id in wanted])
            self._prepared = {
                row.product_id: row.name for row in rows if row is not None and row.name != UNKNOWN_NAME
            }

    def effects(self, record: Record) -> Effects:
        """The order's row.

        Raises:
            NotYet: Products does not have the name of a product of the order.
            StoreError: Products cannot answer.

        """
        # Without idempotence each handling adds a row of its own, whatever is there already.
        return self._effects(record, 0 if self._consumer_policy.idempotent else self._fresh_copy())

    def effects_again(self, record: Record) -> Effects:
        """Another row of the same order."""
        return self._effects(record, self._fresh_copy())

    def applied(self, effects: Effects) -> None:
        """Remember which rows want repair."""
        if self._join != "placeholder":
            return
        for change in effects.changes:
            if isinstance(change, Put) and change.table is PENDING_JOINS:
                self._pending[change.row.order_id, change.row.copy] = change.row.position
                if len(self._pending) == 1:
                    self._repair_later(1)

    def _fresh_copy(self) -> int:
        return 1 + int(self._copy_number() * 2**52)

    def _effects(self, record: Record, copy: int) -> Effects:
        event = record.event
        if type(event) is OrderPlaced:
            items = self._items(event)
            row = SummaryRow(
                event.order_id,
                copy,
                event.customer_id,
                event.placed_at,
                event.total_minor,
                items,
                "confirmed",
            )
            changes: list[Change] = [Put(SUMMARIES, row)]
            if event.pending:
                changes = self._as_decided(row)
            if self._join == "placeholder" and any(item.pending for item in items):
                changes.append(Put(PENDING_JOINS, PendingJoinRow(event.order_id, copy, record.position)))
            return Effects(changes)
        if isinstance(event, OrderConfirmed | OrderRejected):
            return self._decided(event)
        return Effects(())

    # -- what became of a pending order ----------------------------------------------------------------

    def _as_decided(self, row: SummaryRow) -> list[Change]:
        """The row of a pending order, with its status if that has come before it."""
        heard = self._store.get(ORDER_OUTCOMES, (row.order_id,))
        if heard is None:
            return [Put(SUMMARIES, msgspec.structs.replace(row, status="pending"))]
        return [
            Put(SUMMARIES, msgspec.structs.replace(row, status=heard.status)),
            Delete(ORDER_OUTCOMES, (row.order_id,)),
        ]

    def _decided(self, event: OrderConfirmed | OrderRejected) -> Effects:
        """The order's rows with their status; it is kept for a row that is still to come."""
        status = "confirmed" if type(event) is OrderConfirmed else "rejected"
        rows = [row for row in self._rows_of(event.customer_id, event.order_id) if row.status != status]
        changes: list[Change] = [Put(SUMMARIES, msgspec.structs.replace(row, status=status)) for row in rows]
        return Effects(changes or (Put(ORDER_OUTCOMES, OrderOutcomeRow(event.order_id, status)),))

    def _rows_of(self, customer_id: int, order_id: int) -> Iterable[SummaryRow]:
        """Every copy of an order's row."""
        before = (order_id + 1, 0)
        while page := self._store.page(SUMMARIES, customer_id, limit=10, before=before):
            for row in page:
                if row.order_id != order_id:
                    return
                yield row
            before = (page[-1].order_id, page[-1].copy)

    # -- names -----------------------------------------------------------------------------------------

    def _items(self, event: OrderPlaced) -> tuple[SummaryItem, ...]:
        if self._join == "carried":
            return tuple(
                SummaryItem(line.name or str(line.product_id), line.quantity, line.product_id)
                for line in event.lines
            )
        names = self._look_up([(line.product_id,) for line in event.lines])
        return tuple(
            [
                SummaryItem(str(line.product_id), line.quantity, line.product_id, pending=True)
                if name is None
                else SummaryItem(name, line.quantity, line.product_id)
                for name, line in zip(names, event.lines)  # noqa: B905  # `strict` costs as much as an item
            ]
        )

    def _look_up(self, keys: Sequence[tuple[int]]) -> list[str | None]:
        """The names of the products with these keys; where placeholders are allowed, None for one that cannot
        be had now.
        """
        if self._prepared:
            prepared = [self._prepared.get(product_id) for (product_id,) in keys]
            if None not in prepared:
                return prepared
        may_lack = self._join == "placeholder"
        try:
            rows = self._products.get_many(PRODUCTS, keys)
        except StoreError:
            if not may_lack:
                raise
            return [None] * len(keys)
        names = [None if row is None or row.name == UNKNOWN_NAME else row.name for row in rows]
        if not may_lack and None in names:
            (product_id,) = keys[names.index(None)]
            raise NotYet(f"product {product_id} is not in the Products view yet")
        return names

    # -- repair ----------------------------------------------------------------------------------------

    def _pending_joins(self) -> dict[tuple[int, int], int]:
        return {(row.order_id, row.copy): row.position for row in self._store.scan(PENDING_JOINS)}

    def _repair_later(self, attempt: int) -> None:
        self._later(self._consumer_policy.retry.wait(attempt), Repair(attempt))

    def _repair(self, message: Repair) -> None:
        """Look up the names that rows lack; go on at once while that works, and later if it does not."""
        repaired = 0
        for (order_id, copy), position in list(islice(self._pending.items(), REPAIRED_AT_ONCE)):
            try:
                with self._turn or nullcontext():
                    done = self._repair_row(order_id, copy)
            except StoreError:
                break
            if done:
                del self._pending[order_id, copy]
                repaired += 1
                self._processor.record("orders", [position], "repaired", self._runtime.now())
            else:  # its product is not there yet: others come first next time
                self._pending[order_id, copy] = self._pending.pop((order_id, copy))
        if not self._pending:
            return
        if repaired:
            self._runtime.tell(self._name, Repair(1))
        else:
            self._repair_later(message.attempt + 1)

    def _repair_row(self, order_id: int, copy: int) -> bool:
        """Whether the row has all its names now."""
        row = self._store.get(SUMMARIES, (order_id, copy))
        if row is None:
            self._store.write([Delete(PENDING_JOINS, (order_id, copy))])
            return True
        names = self._look_up([(item.product_id,) for item in row.items])
        if None in names:
            return False
        items = tuple(
            SummaryItem(name or "", item.quantity, item.product_id)
            for name, item in zip(names, row.items, strict=True)
        )
        repaired = msgspec.structs.replace(row, items=items)
        self._store.write([Put(SUMMARIES, repaired), Delete(PENDING_JOINS, (order_id, copy))])
        return True


def _lines(record: Record) -> Sequence[PlacedLine]:
    return record.event.lines if isinstance(record.event, OrderPlaced) else ()
