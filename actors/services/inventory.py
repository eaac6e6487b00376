"""The inventory service: follows `OrderPlaced`, keeps `ProductInventory`, publishes `InventoryUpdated`.

How it takes the units of an order is the stock policy: before the order is accepted (`reserve`), while it is
pending and only if all are there (`saga`), else even when that leaves fewer than none on hand: the order is
accepted by then, and the missing units are a fact to be seen, not hidden.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from itertools import takewhile
from typing import Any, Final

from actors.consuming.consumer import Consumer
from actors.consuming.processor import Effects
from actors.messages import (
    ID_MAX,
    Accepted,
    AdjustStock,
    InventoryUpdated,
    OrderPlaced,
    Record,
    Rejected,
    Release,
    ReservationsDue,
    Reserve,
    StockRejected,
    StockReserved,
)
from actors.policy import Policy
from actors.publishing.outbox import Outbox
from actors.runtime.port import Runtime, Timer
from actors.stores.port import Change, Delete, NewEvent, Put, Store, StoreError
from actors.tables import INVENTORY, RESERVATIONS, InventoryRow, ReservationRow

DELTA_MAX: Final = 2**31 - 1
"""How many units one adjustment adds or takes out at most."""

RESERVED_FOR_S: Final = 60.0
"""After so long on the inventory's clock a reservation whose order nobody has heard of runs out.

It must be longer than an `OrderPlaced` may take: units that were sold again meanwhile are sold twice.
"""

_NONE: Final[Mapping[int, InventoryRow]] = {}

_LOOK_AGAIN_S: Final = 1.0
_LOOK_SOONEST_S: Final = 0.001


class InventoryActor(Consumer):
    """Owns the stock. A product that it has never heard of has none."""

    in_memory = ("_rows",)

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
        self._reservations: dict[str, ReservationRow] = {}
        self._run_out_at: dict[str, float] = {}  # per reservation, on the inventory's clock
        self._newest_reservation = ""
        self._timer: Timer | None = None

    def on_start(self) -> None:
        """Load the stock and what is reserved of it, and make sure that committed changes are on their way.

        A reservation begins anew to run out: while this actor was down, it could not hear of its order.
        """
        self.load_view()
        self._reservations = {row.reservation_id: row for row in self._store.scan(RESERVATIONS)}
        # No message outlives the incarnation that it was sent to: what is not in the table cannot come again.
        self._newest_reservation = max(self._reservations, default="")
        self._run_out_at = dict.fromkeys(self._reservations, self._clock() + RESERVED_FOR_S)
        if self._reservations:
            self._look_in(RESERVED_FOR_S)
        super().on_start()
        self._stock_outbox.announce()

    def load_view(self) -> None:
        """See `Consumer`."""
        self._rows = {row.product_id: row for row in self._store.scan(INVENTORY)}

    # -- orders ----------------------------------------------------------------------------------------

    def stands_alone(self, record: Record) -> bool:
        """Whether the order's units were reserved: with its event the reservation ends."""
        event = record.event
        return type(event) is OrderPlaced and bool(event.reservation_id)

    def effects(self, record: Record) -> Effects:
        """Take the ordered units out of the stock, as far as that is not done or cannot be."""
        event = record.event
        if type(event) is not OrderPlaced:
            return Effects(())
        if event.pending:
            return self._decided(event)
        if event.reservation_id in self._reservations:
            changes: list[Change] = [Put(INVENTORY, row) for row in self._counted(event)]
            return Effects([*changes, Delete(RESERVATIONS, (event.reservation_id,))])
        return self._updated(self._taken(event))

    def effects_at_once(self, records: Sequence[Record]) -> Effects | None:
        """Take the units of all orders out of the stock; each alone where some are pending."""
        rows: dict[int, InventoryRow] = {}
        events: list[NewEvent] = []
        now = self._clock()
        for record in records:
            event = record.event
            if type(event) is OrderPlaced:
                if event.pending:
                    return None
                for row in self._taken(event, rows):
                    rows[row.product_id] = row
                    events.append(_told(row, now))
        return Effects([Put(INVENTORY, row) for row in rows.values()], events)

    def effects_again(self, record: Record) -> Effects:
        """See `Consumer`; a product's version counts an order once."""
        again = self.effects(record)
        return Effects([_not_counted(change) for change in again.changes], again.events)

    def _decided(self, event: OrderPlaced) -> Effects:
        """All units of a pending order, or none; and which of the two."""
        if self._lacking(event.lines) is not None:
            rows = self._counted(event)
            decision = NewEvent(
                event.customer_id, self._clock(), StockRejected(event.order_id, event.customer_id)
            )
            return Effects([Put(INVENTORY, row) for row in rows], [decision])
        taken = self._updated(self._taken(event))
        decision = NewEvent(
            event.customer_id, self._clock(), StockReserved(event.order_id, event.customer_id)
        )
        return Effects(taken.changes, [*taken.events, decision])

    def _taken(self, event: OrderPlaced, drafts: Mapping[int, InventoryRow] = _NONE) -> list[InventoryRow]:
        """The products' rows, or drafts of them, with this order counted and its units taken."""
        rows = []
        for line in event.lines:
            old = drafts.get(line.product_id) or self._row(line.product_id)
            rows.append(InventoryRow(old.product_id, old.available - line.quantity, old.version + 1))
        return rows

    def _counted(self, event: OrderPlaced) -> list[InventoryRow]:
        """The rows of the products, with this order counted: its units are taken already, or will not be."""
        rows = [self._row(line.product_id) for line in event.lines]
        return [InventoryRow(row.product_id, row.available, row.version + 1) for row in rows]

    # -- commands --------------------------------------------------------------------------------------

    def answer(self, message: Any) -> Any:
        """Adjust the stock of a product; reserve units, or release them."""
        with self._turn or nullcontext():
            match message:
                case AdjustStock():
                    return self._adjust(message)
                case Reserve():
                    return self._reserve(message)
                case Release():
                    return self._release(message)
                case ReservationsDue():
                    return self._run_out()
        return super().answer(message)

    def _adjust(self, command: AdjustStock) -> Accepted | Rejected:
        if not 1 <= command.product_id <= ID_MAX:
            return Rejected("unknown product", f"product {command.product_id}")
        if abs(command.delta) > DELTA_MAX:
            return Rejected("impossible quantity", f"{command.delta}; up to ±{DELTA_MAX} is possible")
        old = self._row(command.product_id)
        if old.available + command.delta < 0 and command.delta < 0:
            has = f"product {old.product_id} has {old.available}"
            return Rejected("insufficient stock", has, old.product_id)
        positions = self._commit(self._updated([_with(old, command.delta)]))
        return Accepted(old.product_id, positions[0])

    def _reserve(self, command: Reserve) -> Accepted | Rejected:
        reservation_id = command.reservation_id
        if reservation_id in self._reservations:
            return Accepted(0, 0)
        if reservation_id <= self._newest_reservation:
            return Rejected("reservation is over", f"reservation {reservation_id}")
        self._newest_reservation = reservation_id
        for given_up in self._reserved_after(command.after):
            self._put_back(given_up)
        lacking = self._lacking(command.lines)
        if lacking is not None:
            has = f"product {lacking.product_id} has {lacking.available}"
            return Rejected("insufficient stock", has, lacking.product_id)
        now = self._clock()
        rows = [_with(self._row(line.product_id), -line.quantity) for line in command.lines]
        taken = self._updated(rows)
        reservation = Put(RESERVATIONS, ReservationRow(reservation_id, command.lines, now))
        self._commit(Effects([*taken.changes, reservation], taken.events))
        self._run_out_at[reservation_id] = now + RESERVED_FOR_S
        if self._timer is None:
            self._look_in(RESERVED_FOR_S)
        return Accepted(0, 0)

    def _release(self, command: Release) -> None:
        reservation_id = command.reservation_id
        self._newest_reservation = max(self._newest_reservation, reservation_id)
        if reservation_id in self._reservations:
            try:
                self._put_back(reservation_id)
            except StoreError:  # later then, as if it had run out
                self._run_out_at[reservation_id] = self._clock()
                self._look_in(_LOOK_AGAIN_S)

    def _reserved_after(self, reservation_id: str) -> list[str]:
        """What is reserved under higher ids; ids stand in their order."""
        return list(takewhile(lambda other: other > reservation_id, reversed(self._reservations)))

    def _put_back(self, reservation_id: str) -> None:
        lines = self._reservations[reservation_id].lines
        back = self._updated([_with(self._row(line.product_id), line.quantity) for line in lines])
        self._commit(Effects([*back.changes, Delete(RESERVATIONS, (reservation_id,))], back.events))

    def _run_out(self) -> None:
        """Put back what nobody has claimed in time, and look again when the next is due."""
        self._timer = None
        now = self._clock()
        for reservation_id, run_out_at in list(self._run_out_at.items()):
            if run_out_at <= now:
                try:
                    self._put_back(reservation_id)
                except StoreError:
                    self._look_in(_LOOK_AGAIN_S)
                    return
        if self._run_out_at:
            self._look_in(max(_LOOK_SOONEST_S, min(self._run_out_at.values()) - now))

    def _look_in(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._runtime.after(wait_s, self._runtime.tell, self._name, ReservationsDue())

    # -- the stock -------------------------------------------------------------------------------------

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            if type(change) is Delete:
                del self._reservations[change.key[0]], self._run_out_at[change.key[0]]
                continue
            row = change.row  # type: ignore[union-attr]  # it is no Delete
            if change.table is INVENTORY:
                self._rows[row.product_id] = row
            else:
                self._reservations[row.reservation_id] = row

    def _commit(self, effects: Effects) -> list[int]:
        positions = self._stock_outbox.commit(effects.changes, effects.events)
        self.applied(effects)
        return positions

    def _row(self, product_id: int) -> InventoryRow:
        return self._rows.get(product_id) or InventoryRow(product_id, 0, 0)

    def _lacking(self, lines: Iterable[Any]) -> InventoryRow | None:
        """The first product of which there is less than a line asks for."""
        for line in lines:
            row = self._row(line.product_id)
            if row.available < line.quantity:
                return row
        return None

    def _updated(self, rows: Sequence[InventoryRow]) -> Effects:
        now = self._clock()
        changes: list[Change] = []
        events: list[NewEvent] = []
        for row in rows:
            changes.append(Put(INVENTORY, row))
            events.append(_told(row, now))
        return Effects(changes, events)

    def _clock(self) -> float:
        return self._runtime.clock("inventory")


def _told(row: InventoryRow, now: float) -> NewEvent:
    """What the others are told of the row."""
    return NewEvent(row.product_id, now, InventoryUpdated(row.product_id, row.available))


def _not_counted(change: Change) -> Change:
    """The change, without the order being counted."""
    if isinstance(change, Delete) or change.table is not INVENTORY:
        return change
    return Put(INVENTORY, InventoryRow(change.row.product_id, change.row.available, change.row.version - 1))


def _with(row: InventoryRow, delta: int) -> InventoryRow:
    """The row with so many more units."""
    return InventoryRow(row.product_id, row.available + delta, row.version)
