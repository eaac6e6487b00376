"""The order service's command side: takes `PlaceOrder`, writes the order, publishes `OrderPlaced`.

What it knows of products (name, price, and for the `view` stock policy how many are available) it learns
from the events of the catalogue and the inventory; that knowledge lags behind them, as any read model's does.
Under `reserve` it asks the inventory before it accepts an order, under `saga` it accepts the order as pending
and hears afterwards whether the units were there.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple, TypeGuard

import msgspec

from actors.consuming.consumer import Consumer
from actors.consuming.processor import Effects
from actors.facts import UNKNOWN_NAME, UNKNOWN_PRICE, told
from actors.messages import (
    Accepted,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    PlacedLine,
    PlaceOrder,
    Record,
    Rejected,
    Release,
    Reserve,
    StockRejected,
    StockReserved,
)
from actors.policy import Policy
from actors.publishing.outbox import Outbox
from actors.runtime.port import MANY, Runtime
from actors.services.pricing import priced
from actors.stores.port import (
    Change,
    Conflict,
    Insert,
    NewEvent,
    Put,
    Store,
    StoreError,
    StoreUnavailable,
)
from actors.tables import (
    KNOWN_PRODUCTS,
    ORDER_ITEMS,
    ORDER_REQUESTS,
    ORDERS,
    STARTS,
    KnownProductRow,
    OrderItemRow,
    OrderRequestRow,
    OrderRow,
    StartRow,
)

OF_PENDING: Final = frozenset({StockReserved, StockRejected})
"""The events that say what becomes of a pending order."""

_PACE_S: Final = 0.001
"""Under load, groups begin so far apart."""

RESERVE_TIMEOUT_S: Final = 1.0
"""An inventory that does not answer for so long counts as unavailable."""


class OrderActor(Consumer):
    """Decides about orders. An order's id is the position of its `OrderPlaced` in the log.

    Orders that wait one behind the other are written in one transaction, each decided as if the ones before
    it were written already; all are answered after the commit. Events that wait among them take effect
    before them, in the same transaction. Where each order asks the inventory first, they are taken one at a
    time.
    """

    in_memory = ("_products",)

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
        self._reserves = policy.stock == "reserve"
        self._is_saga = policy.stock == "saga"
        self._to_inventory = runtime.link("orders->inventory")
        self._reservations = _Reservations(store)
        self._carries_names = policy.of("summary").join == "carried"
        self._products: dict[int, KnownProductRow] = {}
        self._next_id = 1
        self._grouped = 0  # how many messages were handled together the last time

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

    def may_group(self, kind: type) -> Collection[type]:
        """See `Grouping`."""
        kinds = super().may_group(Record)
        if self._reserves or any(gate.is_faulty for gate in self._gates):
            return kinds if kind is Record else ()
        if kind is PlaceOrder:
            return (PlaceOrder, *kinds)
        return (Record, PlaceOrder) if kind in kinds else ()

    @property
    def pace_s(self) -> float:
        """See `Grouping`: who has placed an order waits for the answer."""
        return _PACE_S if self._grouped >= MANY else 0.0

    def on_group(self, messages: Sequence[Any]) -> Iterable[Any]:
        """See `Grouping`."""
        self._grouped = len(messages)
        records = [message for message in messages if type(message) is Record]
        if not records:
            return self._place_all(messages)
        if len(records) == len(messages):
            return super().on_group(messages)
        return self._take_all(messages, records)

    def _take_all(self, messages: Sequence[Any], records: Sequence[Record]) -> Iterable[Any]:
        """Let the events take effect and take the orders, in one transaction if that can be.

        What follows the failure of an event may take long: the orders have their answers before.
        """
        commands = [message for message in messages if type(message) is PlaceOrder]
        answers, done = self._place_beside(commands, records)
        answering = iter(answers)
        for message in messages:
            yield None if type(message) is Record else next(answering)
        if done < len(records):
            super().on_group(records[done:])

    def _place_beside(
        self, commands: Sequence[PlaceOrder], records: Sequence[Record]
    ) -> tuple[Iterable[Any], int]:
        """The answers to the orders, and how many of the events have taken effect."""
        groups: list[_Group] = []

        def decide() -> Effects:
            groups.append(self._decided_all(commands))
            return Effects(groups[0].changes, groups[0].events)

        try:
            done, positions = self._consume_together(records, decide)
        except StoreUnavailable as error:
            return (groups[0].unwritten(error) if groups else [error] * len(commands)), 0
        except Exception:  # noqa: BLE001  # nothing is written: they are tried without each other
            done, positions = 0, []
        if not done:
            return self._place_all(commands), 0
        return self._placed(groups[0], positions), done

    def _place_all(self, commands: Sequence[PlaceOrder]) -> Iterable[Any]:
        """The answers to the orders, which are written in one transaction; if it fails, in one for each."""
        try:
            with self._turn or nullcontext():  # lanes write to the log too
                return self._write_all(self._decided_all(commands))
        except StoreUnavailable as error:
            return [error] * len(commands)
        except _Undone:
            return map(self._place_alone, commands)

    def _place_alone(self, command: PlaceOrder) -> Accepted | Rejected | Exception:
        try:
            return self._place(command)
        except Exception as error:  # noqa: BLE001  # it is the answer
            return error

    def _decided_all(self, commands: Sequence[PlaceOrder]) -> "_Group":
        """What becomes of each order, as if the ones before it were written.

        Raises:
            StoreUnavailable: the store does not answer, and would not for each alone.
            _Undone: some order cannot be decided.

        """
        try:
            answered = self._repeated_among(commands)
            group = _Group(self._next_id, [], [], [])
            for command in commands:
                answer: Accepted | Rejected | None = answered.get(command.request_id)
                if answer is None:
                    found = self._priced(command)
                    if isinstance(found, Rejected):
                        answer = found
                    else:
                        order_id = group.first_id + len(group.events)
                        changes, event = self._written(order_id, command, *found)
                        group.changes.extend(changes)
                        group.events.append(event)
                        answer = Accepted(order_id, order_id)
                        if command.request_id:
                            answered[command.request_id] = answer
                group.answers.append(answer)
        except StoreUnavailable:
            raise
        except Exception as error:
            raise _Undone from error
        return group

    def _write_all(self, group: "_Group") -> Iterable[Any]:
        """The answers once the group is written.

        After a store that did not answer, nothing is tried again: nobody knows whether it has written. Who
        was to be told no more than what is known anyway is told so.

        Raises:
            _Undone: nothing was written.

        """
        if not group.events:
            return group.answers
        try:
            positions = self._orders_outbox.commit(group.changes, group.events)
        except StoreUnavailable as error:
            return group.unwritten(error)
        except StoreError as error:
            raise _Undone from error
        return self._placed(group, positions)

    def _placed(self, group: "_Group", positions: Sequence[int]) -> Iterable[Any]:
        """The answers of a group that is written, with its events at these positions."""
        if not group.events:
            return group.answers
        self._next_id = positions[-1] + 1
        by = positions[0] - group.first_id  # something else may have come into the log meanwhile
        return [
            Accepted(answer.id, answer.position + by) if by and group.writes(answer) else answer
            for answer in group.answers
        ]

    def _place(self, command: PlaceOrder) -> Accepted | Rejected:
        self._grouped = 1
        if command.request_id and (answer := self._repeated(command)) is not None:
            return answer
        found = self._priced(command)
        if isinstance(found, Rejected):
            return found
        lines, total = found
        if self._reserves:
            return self._accept_reserved(command, lines, total)
        return self._accept(command, lines, total)

    def _repeated_among(self, commands: Sequence[PlaceOrder]) -> dict[str, Accepted]:
        """The answers to those of the requests that have led to an order."""
        requests = [command.request_id for command in commands if command.request_id]
        rows = self._store.get_many(ORDER_REQUESTS, [(request,) for request in requests]) if requests else []
        return {row.request_id: Accepted(row.order_id, row.order_id) for row in rows if row is not None}

    def _repeated(self, command: PlaceOrder) -> Accepted | None:
        """The answer to the order that the same request has led to, if there is one."""
        row = self._store.get(ORDER_REQUESTS, (command.request_id,))
        return None if row is None else Accepted(row.order_id, row.order_id)

    def _accept_reserved(
        self, command: PlaceOrder, lines: Sequence[PlacedLine], total: int
    ) -> Accepted | Rejected:
        """Accept the order if the inventory reserves all that it asks for."""
        reservation_id = self._reservations.new_id()
        reserve = Reserve(reservation_id, command.lines, self._reservations.kept)
        try:
            answer: Accepted | Rejected = self._to_inventory.request(reserve).get(timeout=RESERVE_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001  # dead, cut off, full, late or failing: it is all the same
            self._give_up(reservation_id)
            return Rejected("inventory unavailable", f"{type(error).__name__}: {error}")
        if isinstance(answer, Accepted):
            try:
                answer = self._accept(command, lines, total, reservation_id)
            except Exception:
                self._give_up(reservation_id)
                raise
        self._reservations.kept = reservation_id
        return answer

    def _give_up(self, reservation_id: str) -> None:
        """Have the units put back now, or if that does not arrive, with the next reservation."""
        self._to_inventory.send(Release(reservation_id))

    def _accept(
        self, command: PlaceOrder, lines: Sequence[PlacedLine], total: int, reservation_id: str = ""
    ) -> Accepted:
        try:
            return self._store_order(command, lines, total, reservation_id)
        except Conflict:
            # An earlier incarnation was cut off while it wrote, and the write came through after our start.
            self._next_id = self._store.head() + 1
            if command.request_id and (answer := self._repeated(command)) is not None:
                if reservation_id:
                    self._give_up(reservation_id)
                return answer
            return self._store_order(command, lines, total, reservation_id)

    def _store_order(
        self, command: PlaceOrder, lines: Sequence[PlacedLine], total: int, reservation_id: str
    ) -> Accepted:
        if self._turn is None:
            return self._store_in_turn(command, lines, total, reservation_id)
        with self._turn:  # lanes write to the log too
            return self._store_in_turn(command, lines, total, reservation_id)

    def _store_in_turn(
        self, command: PlaceOrder, lines: Sequence[PlacedLine], total: int, reservation_id: str
    ) -> Accepted:
        order_id = self._next_id
        changes, event = self._written(order_id, command, lines, total, reservation_id)
        (position,) = self._orders_outbox.commit(changes, [event])
        self._next_id = position + 1
        return Accepted(order_id, position)

    def _written(
        self,
        order_id: int,
        command: PlaceOrder,
        lines: Sequence[PlacedLine],
        total: int,
        reservation_id: str = "",
    ) -> tuple[list[Change], NewEvent]:
        """The rows of an accepted order, and its event."""
        customer_id, pending = command.customer_id, self._is_saga
        placed_at = self._runtime.clock("orders")
        order = OrderRow(
            order_id,
            customer_id,
            placed_at,
            total,
            command.shipping_address,
            len(lines),
            "pending" if pending else "confirmed",
        )
        changes: list[Change] = [Insert(ORDERS, order)]
        for number, line in enumerate(lines, 1):
            row = OrderItemRow(order_id, number, line.product_id, line.quantity, line.unit_minor)
            changes.append(Insert(ORDER_ITEMS, row))
        if command.request_id:
            changes.append(Insert(ORDER_REQUESTS, OrderRequestRow(command.request_id, order_id)))
        event = OrderPlaced(order_id, customer_id, placed_at, total, tuple(lines), pending, reservation_id)
        return changes, NewEvent(customer_id, placed_at, event)

    def _priced(self, command: PlaceOrder) -> tuple[list[PlacedLine], int] | Rejected:
        """See `priced`."""
        return priced(
            command, self._products, checks_stock=self._checks_stock, carries_names=self._carries_names
        )

    # -- events ----------------------------------------------------------------------------------------

    def stands_alone(self, record: Record) -> bool:
        """Whether it concerns a pending order, whose row earlier events may have changed."""
        return type(record.event) in OF_PENDING

    def effects(self, record: Record) -> Effects:
        """What the event says of a product, or of the stock for a pending order."""
        event: Any = record.event
        if type(event) in OF_PENDING:
            return self._decided(event)
        return Effects((Put(KNOWN_PRODUCTS, _after(self._products.get(record.key), record)),))

    def effects_at_once(self, records: Sequence[Record]) -> Effects:
        """What the events say of products; those of pending orders stand alone."""
        rows: dict[int, KnownProductRow] = {}
        for record in records:
            key = record.key
            rows[key] = _after(rows.get(key) or self._products.get(key), record)
        return Effects([Put(KNOWN_PRODUCTS, row) for row in rows.values()])

    def _decided(self, event: StockReserved | StockRejected) -> Effects:
        """The order with its status; nothing if it has one already."""
        order = self._store.get(ORDERS, (event.order_id,))
        if order is None or order.status != "pending":
            return Effects(())
        reserved = type(event) is StockReserved
        decided = msgspec.structs.replace(order, status="confirmed" if reserved else "rejected")
        says = (OrderConfirmed if reserved else OrderRejected)(order.order_id, order.customer_id)
        return Effects(
            (Put(ORDERS, decided),), (NewEvent(order.customer_id, self._runtime.clock("orders"), says),)
        )

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            if change.table is KNOWN_PRODUCTS:
                self._products[change.row.product_id] = change.row
        self._next_id += len(effects.events)


def _after(row: KnownProductRow | None, record: Record) -> KnownProductRow:
    """What is known of the product with what the event says of it."""
    if row is None:
        row = KnownProductRow(record.key, UNKNOWN_NAME, UNKNOWN_PRICE, 0)
    return KnownProductRow(row.product_id, *told(row.name, row.price_minor, row.available, record.event))


class _Reservations:
    """Gives reservations their ids, and knows the last that was `kept`, that is, was not given up."""

    def __init__(self, store: Store) -> None:
        self.kept = ""
        self._store = store
        self._starts = 0  # how often the service has been started, ever; 0: not looked up yet
        self._tried = 0  # since the start

    def new_id(self) -> str:
        """An id above all that were ever given; only how often their count began anew is written down."""
        if not self._starts:
            row = self._store.get(STARTS, ("orders",))
            starts = 1 + (row.starts if row is not None else 0)
            self._store.write([Put(STARTS, StartRow("orders", starts))])
            self._starts = starts
            self.kept = f"{starts:08}-"  # what an earlier start has reserved may be ordered
        self._tried += 1
        return f"{self._starts:08}-{self._tried:010}"


class _Undone(Exception):
    """Nothing is written of orders that were to be written together: each is to be tried alone."""


class _Group(NamedTuple):
    """Orders that are decided and not written: the answers to all, and what those that are new change."""

    first_id: int
    answers: list[Accepted | Rejected]
    changes: list[Change]
    events: list[NewEvent]

    def unwritten(self, error: StoreUnavailable) -> list[Accepted | Rejected | StoreUnavailable]:
        """The answers if nobody knows whether the group is written."""
        return [error if self.writes(answer) else answer for answer in self.answers]

    def writes(self, answer: Accepted | Rejected) -> TypeGuard[Accepted]:
        """Whether the answer is to an order that the group writes."""
        return isinstance(answer, Accepted) and answer.id >= self.first_id
