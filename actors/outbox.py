"""Publishing: how what a service has decided leaves it.

The service's rows and its events are written in one transaction. Then, by policy, either the relay of the
log is told that there is more (`outbox`), or the consumers are told the events themselves (`direct`), which
nobody repeats if they get lost.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from actors.messages import (
    EVENT_TYPES,
    Committed,
    Event,
    InventoryUpdated,
    OrderPlaced,
    ProductAdded,
    ProductRenamed,
    ProductRepriced,
    Record,
)
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import Change, NewEvent, Store
from actors.trace import name_number

OF_ORDERS = frozenset(kind for kind in EVENT_TYPES if "order_id" in kind.__struct_fields__)
"""The types of events that concern an order."""

OF_CATALOGUE = (ProductAdded, ProductRenamed, ProductRepriced)
"""The types of events that say what a product is called and costs."""


class Outbox:
    """Commits a service's changes and events together and sends the events on their way."""

    def __init__(
        self, runtime: Runtime, source: str, store: Store, policy: Policy, consumers: Sequence[str]
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._store = store
        self._relay = f"relay/{source}"
        self._direct = policy.publish == "direct"
        self._woken = policy.publish == "outbox" and policy.poll == 0.0
        self._hands_over = runtime.in_bulk
        self._channels = [runtime.link(f"{source}->{consumer}") for consumer in consumers]
        self._heard = runtime.handling(f"log:{source}")
        intern = runtime.recorder.intern
        self._source_id = intern(source)
        self._type_ids = {kind: intern(kind.__name__) for kind in EVENT_TYPES}
        self._rows = _Rows(*map(runtime.recorder.row, _Rows._fields))
        self._many = _Rows(*map(runtime.recorder.many, _Rows._fields))

    def commit(self, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """Write changes and events in one transaction, publish the events, return their positions.

        Raises:
            StoreError: nothing was written and nothing is published.

        """
        positions = self._store.write(changes, events)
        committed_s = self._runtime.now()
        if self._hands_over:
            self._trace_together(positions, events, committed_s)
        else:
            for position, new in zip(positions, events, strict=True):
                self._trace(position, new, committed_s, self._rows)
        if self._heard.active:
            for record in self._records(positions, events):
                self._heard.decide(record)
        if self._woken:
            if positions:
                records = tuple(self._records(positions, events)) if self._hands_over else ()
                self._runtime.tell(self._relay, Committed(positions[-1], records))
        elif self._direct:
            for record in self._records(positions, events):
                for channel in self._channels:
                    channel.send(record)
        return positions

    def _records(self, positions: Sequence[int], events: Sequence[NewEvent]) -> list[Record]:
        return [
            Record(self._source, position, new.key, new.recorded_at, new.event)
            for position, new in zip(positions, events, strict=True)
        ]

    def announce(self) -> None:
        """After a restart: make sure that what was committed before is known to the relay."""
        if self._woken:
            self._runtime.tell(self._relay, Committed(self._store.head()))

    def _trace_together(
        self, positions: Sequence[int], events: Sequence[NewEvent], committed_s: float
    ) -> None:
        tables: tuple[list[tuple[Any, ...]], ...] = ([], [], [], [])
        rows = _Rows(*(partial(_append, table) for table in tables))
        for position, new in zip(positions, events, strict=True):
            self._trace(position, new, committed_s, rows)
        for table, many in zip(tables, self._many, strict=True):
            if table:
                many(table)

    def _trace(self, position: int, new: NewEvent, committed_s: float, rows: "_Rows") -> None:
        event = new.event
        order_id = -1
        if type(event) is OrderPlaced:
            order_id = event.order_id
            for line in event.lines:
                rows.lines(position, line.product_id, line.quantity)
        elif type(event) is InventoryUpdated:
            rows.levels(position, event.product_id, event.available)
        elif type(event) in OF_ORDERS:
            order_id = event.order_id  # type: ignore[union-attr]  # it has one
        else:
            rows.catalogue(position, *said_of_product(event))
        kind = self._type_ids[type(event)]
        rows.events(self._source_id, position, kind, new.key, order_id, committed_s)


class _Rows(NamedTuple):
    """What takes rows of each table that tells of events."""

    events: Callable[..., None]
    lines: Callable[..., None]
    levels: Callable[..., None]
    catalogue: Callable[..., None]


def _append(table: list[tuple[Any, ...]], *row: Any) -> None:
    table.append(row)


def said_of_product(event: Event) -> tuple[int, int, int]:
    """What an event of the catalogue says: the product, the number of its name, its price; −1: nothing.

    >>> said_of_product(ProductRepriced(product_id=7, price_minor=995))
    (7, -1, 995)
    """
    assert isinstance(event, OF_CATALOGUE), f"{type(event).__name__} is no event of the catalogue"
    name = None if isinstance(event, ProductRepriced) else event.name
    price_minor = -1 if isinstance(event, ProductRenamed) else event.price_minor
    return event.product_id, -1 if name is None else name_number(name), price_minor
