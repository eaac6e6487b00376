"""Writers in processes of their own, and what must be true of a store whatever happened to them."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from writer_child import lines_of

from actors.stores.opening import close_all, open_stores
from actors.stores.port import Store
from actors.tables import ORDER_ITEMS, ORDERS

_CHILD = Path(__file__).with_name("writer_child.py")


@contextmanager
def writer(url: str, first: int = 1, number: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A writer process; it is dead afterwards, whatever happens inside."""
    arguments = [sys.executable, str(_CHILD), url, str(first), str(number)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str], at_least: int) -> list[int]:
    """The next order ids that the writer says are stored."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(at_least)]
    assert all(lines), f"the writer ended early: {process.stderr and process.stderr.read()}"
    return [int(line) for line in lines]


def still_acknowledged(process: subprocess.Popen[str]) -> list[int]:
    """What a writer that has died, or is about to, acknowledged beyond what was read."""
    assert process.stdout is not None
    return [int(line) for line in process.stdout]


def kill(process: subprocess.Popen[str]) -> list[int]:
    """Kill the writer with SIGKILL; return the ids that it acknowledged meanwhile."""
    process.kill()
    return still_acknowledged(process)


@contextmanager
def orders_store(url: str) -> Iterator[Store]:
    stores = open_stores(url)
    try:
        yield stores["orders"]
    finally:
        close_all(stores)


def settle(url: str) -> None:
    """Return once the server has noticed that its clients are gone, and has ended what they left."""
    if url.startswith("postgresql://"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def assert_whole(store: Store, promised: Sequence[int], *, extra_max: int) -> list[int]:
    """Every promised order is stored once and whole, and so is every other; positions are dense.

    At most `extra_max` orders may be there that nobody was promised. Returns all ids in the order of the log.
    """
    log = store.read_log(0, 1_000_000)
    assert [record.position for record in log] == list(range(1, len(log) + 1))
    assert store.head() == len(log)
    in_log = [record.event.order_id for record in log]
    assert len(set(in_log)) == len(in_log)
    assert {row.order_id for row in store.scan(ORDERS)} == set(in_log)
    items = Counter(row.order_id for row in store.scan(ORDER_ITEMS))
    assert items == {order_id: lines_of(order_id) for order_id in in_log}
    assert set(promised) <= set(in_log)
    assert len(set(in_log) - set(promised)) <= extra_max
    return in_log
