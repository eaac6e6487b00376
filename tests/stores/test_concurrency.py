"""Many writers, one log: no reader ever sees a gap, or an event appear below one that it has seen."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest
import sqlalchemy as sa
from writing import acknowledged, assert_whole, orders_store, writer

from actors.messages import InventoryUpdated
from actors.stores.opening import close_all, open_stores
from actors.stores.port import Conflict, Insert, NewEvent, Put, Store, StoreError
from actors.tables import ORDERS, OrderRow

DURABLE = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
WRITERS = 4
WRITES = 40
TAKEN = OrderRow(0, 0, 0.0, 0, "", 1)


def event(writer_id: int, number: int) -> NewEvent:
    return NewEvent(writer_id, 0.0, InventoryUpdated(writer_id, number))


def write_much(store: Store, writer_id: int) -> list[int]:
    """Write one to three events at a time; now and then fail, before or after positions were taken."""
    positions: list[int] = []
    for number in range(1, WRITES + 1):
        if number % 3 == 0:
            row = OrderRow(1 + writer_id, 0, 0.0, number, "", 1)
            with pytest.raises(Conflict):
                store.write([Put(ORDERS, row), Insert(ORDERS, TAKEN)])
        if number % 5 == 0:
            with pytest.raises(StoreError):
                store.write([], [event(writer_id, number), NewEvent(2**70, 0.0, InventoryUpdated(0, 0))])
        row = OrderRow(1_000 * (1 + writer_id) + number, writer_id, 0.0, 0, "", 1)
        positions += store.write([Insert(ORDERS, row)], [event(writer_id, number)] * (1 + number % 3))
    return positions


def read_until(done: Event, store: Store) -> list[int]:
    """The positions as a reader sees them that asks again and again for what is new."""
    seen: list[int] = []
    while True:
        last_look = done.is_set()
        records = store.read_log(seen[-1] if seen else 0, 1_000_000)
        seen += [record.position for record in records]
        assert seen == list(range(1, len(seen) + 1)), "a gap"
        assert len(store.read_log(0, len(seen))) == len(seen)
        if last_look and not records:
            return seen


@DURABLE
def test_a_reader_never_sees_a_gap_whatever_the_writers_do(url: str) -> None:
    with ExitStack() as closing, ThreadPoolExecutor(WRITERS + 1) as threads:
        stores = []
        for _ in range(WRITERS + 1):
            opened = open_stores(url)
            closing.callback(close_all, opened)
            stores.append(opened["orders"])
        stores[0].write([Insert(ORDERS, TAKEN)])
        done = Event()
        reader = threads.submit(read_until, done, stores[-1])
        try:
            writers = [threads.submit(write_much, stores[n], n) for n in range(WRITERS)]
            written = [position for running in writers for position in running.result()]
        finally:
            done.set()
        assert reader.result() == sorted(written)
        assert stores[0].count(ORDERS, 1) == WRITES


@DURABLE
def test_processes_share_a_log_from_its_opening_on(url: str) -> None:
    """Nothing is there when they start: they also make the tables at the same time."""
    orders_each = 30
    with ExitStack() as ending:
        processes = [ending.enter_context(writer(url, 1_000_000 * n, orders_each)) for n in range(3)]
        promised = [order_id for process in processes for order_id in acknowledged(process, orders_each)]
    with orders_store(url) as store:
        assert_whole(store, promised, extra_max=0)


@DURABLE
def test_readers_do_not_wait_for_a_writer_and_see_none_of_its_transaction(url: str, kind: str) -> None:
    with orders_store(url) as store, orders_store(url) as other:
        store.write([Insert(ORDERS, TAKEN)], [event(0, 0)])
        prefix = "" if kind == "sqlite" else "orders."
        with other._engine.connect() as writing:  # type: ignore[attr-defined]
            writing.execute(sa.text(f"UPDATE {prefix}log_head SET position = position + 1"))
            writing.execute(sa.text(f"DELETE FROM {prefix}orders"))
            assert store.get(ORDERS, (0,)) == TAKEN
            assert list(store.scan(ORDERS)) == [TAKEN]
            assert (store.head(), len(store.read_log(0, 9))) == (1, 1)
            writing.rollback()


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_threads_share_one_store(url: str) -> None:
    """In memory too, where the live runtime's threads read what the service's actor writes."""
    with orders_store(url) as store, ThreadPoolExecutor(WRITERS) as threads:
        store.write([Insert(ORDERS, TAKEN)])
        writers = [threads.submit(write_and_conflict, store, n) for n in range(WRITERS)]
        written = sorted(position for running in writers for position in running.result())
        assert written == list(range(1, store.head() + 1))
        assert [record.position for record in store.read_log(0, 1_000_000)] == written


def write_and_conflict(store: Store, writer_id: int) -> list[int]:
    positions: list[int] = []
    for number in range(1, WRITES + 1):
        row = OrderRow(1_000 * (1 + writer_id) + number, writer_id, 0.0, 0, "", 1)
        with pytest.raises(Conflict):
            store.write([Put(ORDERS, row), Insert(ORDERS, TAKEN)], [event(writer_id, number)])
        assert store.get(ORDERS, (row.order_id,)) is None
        positions += store.write([Insert(ORDERS, row)], [event(writer_id, number)])
    assert store.count(ORDERS, writer_id) == WRITES + (writer_id == 0)
    return positions
