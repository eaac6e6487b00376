"""Publishing: how what a service has decided leaves it.

The service's rows and its events are written in one transaction. Then, by policy, either the relay of the
log is told that there is more (`outbox`), or the consumers are told the events themselves (`direct`), which
nobody repeats if they get lost.
"""

from collections.abc import Callable, Sequence

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
from actors.runtime.port import Runtime
from actors.stores.port import Change, NewEvent, Store
from actors.trace import Row, name_number

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
        self._channels = [runtime.link(f"{source}->{consumer}") for consumer in consumers]
        self._heard = runtime.handling(f"log:{source}")
        intern = runtime.recorder.intern
        self._source_id = intern(source)
        self._type_ids = {kind: intern(kind.__name__) for kind in EVENT_TYPES}
        recorder = runtime.recorder
        self._event_rows, self._line_rows = recorder.many("events"), recorder.many("lines")
        self._level_rows, self._catalogue_row = recorder.many("levels"), recorder.row("catalogue")
        self._stretch = recorder.stretches("events")

    def commit(self, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """Write changes and events in one transaction, publish the events, return their positions.

        Raises:
            StoreError: nothing was written and nothing is published.

        """
        positions = self._store.write(changes, events)
        if not positions:
            return positions
        records = self._recorded(positions, events)
        if self._heard.active:
            for record in records:
                self._heard.decide(record)
        if self._woken:
            self._runtime.tell(self._relay, Committed(positions[-1], tuple(records)))
        elif self._direct:
            for record in records:
                for channel in self._channels:
                    channel.send(record)
        return positions

    def announce(self) -> None:
        """After a restart: make sure that what was committed before is known to the relay."""
        if self._woken:
            self._runtime.tell(self._relay, Committed(self._store.head()))

    def _recorded(self, positions: Sequence[int], events: Sequence[NewEvent]) -> list[Record]:
        """The records of the events, whose commit is written down in the trace."""
        if self._stretch is not None:
            return self._told(self._stretch, positions, events)
        rows: list[Row] = []
        levels: list[Row] = []
        records: list[Record] = []
        source, source_id, type_ids = self._source, self._source_id, self._type_ids
        now_s = self._runtime.now()
        for position, new in enumerate(events, positions[0]):
            key, event = new.key, new.event
            order_id = -1
            if type(event) is OrderPlaced:
                order_id = event.order_id
                self._line_rows([(position, line.product_id, line.quantity) for line in event.lines])
            elif type(event) is InventoryUpdated:
                levels.append((position, event.product_id, event.available))
            elif type(event) in OF_ORDERS:
                order_id = event.order_id  # type: ignore[union-attr]  # it has one
            else:
                self._catalogue_row((position, *said_of_product(event)))
            rows.append((source_id, position, type_ids[type(event)], key, order_id, now_s))
            records.append(Record(source, position, key, new.recorded_at, event))
        self._event_rows(rows)
        if levels:
            self._level_rows(levels)
        return records

    def _told(
        self, stretch: Callable[[Row, range], None], positions: Sequence[int], events: Sequence[NewEvent]
    ) -> list[Record]:
        """The records of the events; of the trace, which nobody keeps, what is looked at is told."""
        first, last = positions[0], positions[-1]
        stretch((self._source_id, self._runtime.now()), range(first, last + 1))
        records = [
            Record(self._source, position, new.key, new.recorded_at, new.event)
            for position, new in enumerate(events, first)
        ]
        levels = [
            (record.position, event.product_id, event.available)
            for record in records
            if type(event := record.event) is InventoryUpdated
        ]
        if levels:
            self._level_rows(levels)
        return records


def said_of_product(event: Event) -> tuple[int, int, int]:
    """What an event of the catalogue says: the product, the number of its name, its price; −1: nothing.

    >>> said_of_product(ProductRepriced(product_id=7, price_minor=995))
    (7, -1, 995)
    """
    assert isinstance(event, OF_CATALOGUE), f"{type(event).__name__} is no event of the catalogue"
    name = None if isinstance(event, ProductRepriced) else event.name
    price_minor = -1 if isinstance(event, ProductRenamed) else event.price_minor
    return event.product_id, -1 if name is None else name_number(name), price_minor
