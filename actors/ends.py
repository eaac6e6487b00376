"""The two ends of a trace: what the stores held before anything happened, and what they hold afterwards.

With both, reports can compare the read model with the command side without asking any store.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from actors.messages import InventoryUpdated, OrderPlaced
from actors.publishing.outbox import said_of_product
from actors.tables import ORDERS, RESERVATIONS, SUMMARIES
from actors.trace import name_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from actors.messages import Record
    from actors.stores.port import Store
    from actors.trace import Recorder, Row

T = TypeVar("T")

READ_AT_ONCE: Final = 10_000
"""How many records of a log, or rows of a view, are in memory at once."""


def record_start(recorder: Recorder, stores: Mapping[str, Store]) -> None:
    """Write down what the catalogue, the inventory and the orders have said so far."""
    facts = ((record.position, *said_of_product(record.event)) for record in _log(stores["catalog"]))
    recorder.fill("catalogue", facts)
    recorder.fill("levels", _levels(stores["inventory"]))
    recorder.fill("lines", _lines(stores["orders"]))


def record_end(recorder: Recorder, stores: Mapping[str, Store], replicas: Sequence[str]) -> None:
    """Write down the command side's orders and reservations, and the summary in each of its replicas."""
    intern = cache(recorder.intern)
    recorder.fill(
        "orders",
        (
            (order.order_id, order.customer_id, order.total_minor, order.lines, intern(order.status))
            for order in stores["orders"].scan(ORDERS)
        ),
    )
    reserved = (
        (line.product_id, line.quantity)
        for reservation in stores["inventory"].scan(RESERVATIONS)
        for line in reservation.lines
    )
    recorder.fill("reserved", reserved)
    _record_summaries(recorder, stores, replicas)


def _record_summaries(recorder: Recorder, stores: Mapping[str, Store], replicas: Sequence[str]) -> None:
    intern, number_of = cache(recorder.intern), cache(name_number)
    row = recorder.count("summaries")
    for replica in replicas:
        replica_id = intern(replica)
        for summaries in _blocks(stores[replica].scan(SUMMARIES)):
            recorder.fill(
                "summaries",
                (
                    (
                        replica_id,
                        one.order_id,
                        one.customer_id,
                        one.total_minor,
                        len(one.items),
                        intern(one.status),
                    )
                    for one in summaries
                ),
            )
            items = (
                (number, item.product_id, item.quantity, number_of(item.product_name), item.pending)
                for number, one in enumerate(summaries, row)
                for item in one.items
            )
            recorder.fill("items", items)
            row += len(summaries)


def _blocks(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while block := list(islice(waiting, READ_AT_ONCE)):
        yield block


def _levels(inventory: Store) -> Iterator[Row]:
    for record in _log(inventory):
        if isinstance(record.event, InventoryUpdated):
            yield record.position, record.event.product_id, record.event.available


def _lines(orders: Store) -> Iterator[Row]:
    for record in _log(orders):
        if isinstance(record.event, OrderPlaced):
            for line in record.event.lines:
                yield record.position, line.product_id, line.quantity


def _log(store: Store) -> Iterator[Record]:
    after = 0
    while records := store.read_log(after, READ_AT_ONCE):
        yield from records
        after = records[-1].position
