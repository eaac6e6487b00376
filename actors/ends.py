"""The two ends of a trace: what the stores held before anything happened, and what they hold afterwards.

With both, reports can compare the read model with the command side without asking any store.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Final

from actors.messages import InventoryUpdated
from actors.outbox import said_of_product
from actors.tables import ORDERS, RESERVATIONS, SUMMARIES
from actors.trace import name_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from actors.messages import Record
    from actors.stores.port import Store
    from actors.trace import Recorder

READ_AT_ONCE: Final = 10_000
"""How many records of a log are in memory at once."""


def record_start(recorder: Recorder, stores: Mapping[str, Store]) -> None:
    """Write down what the catalogue and the inventory have said so far."""
    catalogue_row, level_row = recorder.row("catalogue"), recorder.row("levels")
    for record in _log(stores["catalog"]):
        catalogue_row(record.position, *said_of_product(record.event))
    for record in _log(stores["inventory"]):
        if isinstance(record.event, InventoryUpdated):
            level_row(record.position, record.event.product_id, record.event.available)


def record_end(recorder: Recorder, stores: Mapping[str, Store], replicas: Sequence[str]) -> None:
    """Write down the command side's orders and reservations, and the summary in each of its replicas."""
    intern, number_of = recorder.intern, cache(name_number)
    order_row, reserved_row = recorder.row("orders"), recorder.row("reserved")
    for order in stores["orders"].scan(ORDERS):
        order_row(order.order_id, order.customer_id, order.total_minor, order.lines, intern(order.status))
    for reservation in stores["inventory"].scan(RESERVATIONS):
        for line in reservation.lines:
            reserved_row(line.product_id, line.quantity)
    summary_row, item_row = recorder.row("summaries"), recorder.row("items")
    rows = count()
    for replica in replicas:
        replica_id = intern(replica)
        for summary in stores[replica].scan(SUMMARIES):
            summary_row(
                replica_id,
                summary.order_id,
                summary.customer_id,
                summary.total_minor,
                len(summary.items),
                intern(summary.status),
            )
            row = next(rows)
            for item in summary.items:
                name = number_of(item.product_name)
                item_row(row, item.product_id, item.quantity, name, int(item.pending))


def _log(store: Store) -> Iterator[Record]:
    after = 0
    while records := store.read_log(after, READ_AT_ONCE):
        yield from records
        after = records[-1].position
