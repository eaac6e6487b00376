"""The trace: what happened in a run, row by row, in typed columns.

The recorder keeps numbers in typed buffers (8 bytes a float or count, 2 bytes a name), not Python objects,
so that a row costs some tens of bytes; only the last rows of a table wait as tuples. All
instants are seconds of the runtime's clock; 0 is the start of the `run` phase, the warm phase lies before
it. A missing instant is NaN, a missing number −1. Everything the lab reports is computed from these tables.
"""

from __future__ import annotations

import hashlib
import threading
from array import array
from itertools import islice, starmap
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

NAME, INT, SMALL, SECONDS = "name", "int", "small", "seconds"
"""Kinds of column: an interned string, a 64-bit integer, a 32-bit integer, a float in seconds."""

_TYPECODE = {NAME: "H", INT: "q", SMALL: "i", SECONDS: "d"}

SCHEMA: dict[str, dict[str, str]] = {
    # One row per command of a client, at its answer; unanswered ones at the end of the run.
    "commands": {
        "kind": NAME,  # orders | checkouts | catalogue | restock | carts
        "customer_id": SMALL,
        "order_id": INT,
        "position": INT,  # of the event in the log of the service that took the command
        "arrived_s": SECONDS,
        "answered_s": SECONDS,
        "outcome": NAME,  # acknowledged | rejected | failed | unanswered
        "reason": NAME,
        "product_id": SMALL,  # of a catalogue, restock or carts command
        "quantity": SMALL,  # units added by a restock or carts command
    },
    # One row per committed event; key is the customer or the product.
    "events": {
        "source": NAME,
        "position": INT,
        "type": NAME,
        "key": SMALL,
        "order_id": INT,
        "committed_s": SECONDS,
    },
    # The lines of each committed OrderPlaced; those without a row in `events` were there from the start.
    "lines": {"position": INT, "product_id": SMALL, "quantity": SMALL},
    # One row per event of the catalogue: what it says of the product's name (its number by `name_number`)
    # and price, −1 where it says nothing. Events without a row in `events` were there from the start.
    "catalogue": {"position": INT, "product_id": SMALL, "name": INT, "price_minor": INT},
    # One row per InventoryUpdated: units on hand. The same goes for those without a row in `events`.
    "levels": {"position": INT, "product_id": SMALL, "available": INT},
    # One row per handling of a delivered event that ended; `applied` rows are visible from applied_s on.
    "applied": {
        "consumer": NAME,
        "source": NAME,
        "position": INT,
        "taken_s": SECONDS,  # when its service began
        "applied_s": SECONDS,
        "attempts": SMALL,
        "outcome": NAME,  # applied | duplicate | skipped | parked | stopped | repaired
    },
    # One row per read of a client. seen is the version it got of its key: for `history` and `own` the
    # customer's orders in the read model, for `stock` the OrderPlaced events of the product, for `browse`
    # the catalogue and inventory events of the product. −1: not judged, as for a list of products.
    "reads": {
        # history | own | stock | browse, and page: a further page of history, which no measure counts
        "kind": NAME,
        "session": SMALL,
        "key": SMALL,
        "arrived_s": SECONDS,
        "read_s": SECONDS,  # the instant whose state was returned, or on threads the last one before that
        "seen": SMALL,
        "outcome": NAME,  # ok | stale | failed; stale: it was marked as older than was asked for
    },
    # One row per occurrence of a fault; hits counts what it touched.
    "faults": {
        "fault": SMALL,  # index in the scenario file
        "kind": NAME,
        "on": NAME,
        "start_s": SECONDS,
        "end_s": SECONDS,
        "hits": INT,
    },
    # Inbox depths, sampled at fixed instants; a row where the depth is not what it was at the last.
    "queues": {"node": NAME, "at_s": SECONDS, "depth": SMALL},
    # The command side at the end: every order it holds.
    "orders": {"order_id": INT, "customer_id": SMALL, "total_minor": INT, "lines": SMALL, "status": NAME},
    # The read model at the end: every row of CustomerOrderSummary in each replica, which is a consumer.
    "summaries": {
        "replica": NAME,
        "order_id": INT,
        "customer_id": SMALL,
        "total_minor": INT,
        "lines": SMALL,
        "status": NAME,
    },
    # The lines of those rows. `row` is the row in `summaries`, counted from 0; `name` the number of the text
    # that stands for the product; `pending` 1 if that is a placeholder.
    "items": {"row": INT, "product_id": SMALL, "quantity": SMALL, "name": INT, "pending": SMALL},
    # The units that the inventory holds for orders to come at the end, line by line.
    "reserved": {"product_id": SMALL, "quantity": SMALL},
}

CLIENT_SCHEMA: dict[str, dict[str, str]] = {
    # What clients of a real server have seen; a simulated run has none of these. Kinds of column as above.
    # One row per request that a client meant to send.
    "requests": {
        "kind": NAME,  # orders | checkouts | carts | history | own | stock | browse | restock | catalogue
        "request": NAME,  # method and route, such as `POST /orders`
        "session": INT,  # the customer
        "product_id": INT,
        "order_id": INT,
        "position": INT,  # of the event that the answer names
        "intended_s": SECONDS,  # when it was to be sent
        "started_s": SECONDS,  # when it was; NaN: it was dropped
        "ended_s": SECONDS,  # when its answer was there, or given up
        "status": SMALL,  # of HTTP; 0: no answer, −1: dropped
        "outcome": NAME,  # ok | rejected (4xx) | failed (5xx or no answer) | dropped
    },
    # One row per acknowledged write for which a client looked until it saw it through a read.
    "probes": {
        "write": NAME,  # such as `order`
        "view": NAME,  # the read model, such as `summary`
        "key": INT,
        "acknowledged_s": SECONDS,
        "missed_s": SECONDS,  # when the last read was sent that did not show it; NaN: none
        "seen_s": SECONDS,  # when the first answer was there that showed it; NaN: never
        "given_up_s": SECONDS,  # when looking ended without it; NaN: it was seen
        "reads": SMALL,
    },
}


def name_number(text: str) -> int:
    """The number from 0 to 2^63 − 1 that stands for a text of which a trace needs to know only whether it is
    the same: a hash, so that renames without end fit into a column.
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


BLOCK = 512
"""So many rows of a table at most wait to be moved into its columns, unless the owner sees to that."""

Row = tuple[Any, ...]
"""The values of a row's columns in their order, names interned."""


class Recorder:
    """Collects the trace of one run.

    `row(table)` returns a function that appends one row, a tuple of the table's columns in their order, names
    already interned with `intern`. It is made once per place that records:

    >>> trace = Recorder()
    >>> depth = trace.row("queues")
    >>> depth((trace.intern("orders"), 0.5, 3))
    >>> trace.count("queues")
    1
    >>> trace.frame_columns("queues")["node"].to_pylist()
    ['orders']

    Rows wait as tuples and are moved into the columns a block at a time. With `settles=False` the owner calls
    `settle` now and then, and a row costs an append to a list and nothing else.
    """

    def __init__(self, schema: Mapping[str, Mapping[str, str]] = SCHEMA, *, settles: bool = True) -> None:
        import numpy as np  # here, not when the first rows settle: that may be in the midst of a load

        self._schema = schema
        self._columns: dict[str, list[array[Any]]] = {
            table: [array(_TYPECODE[kind]) for kind in columns.values()] for table, columns in schema.items()
        }
        codes = {
            table: [(name, _TYPECODE[kind]) for name, kind in columns.items()]
            for table, columns in schema.items()
        }
        self._pack = {
            table: Struct("=" + "".join(code for _, code in row)).pack for table, row in codes.items()
        }
        self._packed = {table: np.dtype(row) for table, row in codes.items()}
        self._fresh: dict[str, list[Row]] = {table: [] for table in schema}
        self._settles = settles
        self._settling = threading.Lock()
        self._names: list[str] = []
        self._ids: dict[str, int] = {}

    def intern(self, name: str) -> int:
        """The number that stands for a name in this trace."""
        number = self._ids.get(name)
        if number is None:
            with self._settling:  # another thread may meet the same new name
                number = self._ids.get(name, len(self._names))
                if number == len(self._names):
                    self._names.append(name)
                    self._ids[name] = number
        return number

    def row(self, table: str) -> Callable[[Row], None]:
        """A function that appends one row to the table; its values in the order of the columns."""
        fresh = self._fresh[table]
        if not self._settles:
            return fresh.append

        def append(values: Row) -> None:
            fresh.append(values)
            if len(fresh) >= BLOCK:
                self._settle(table)

        return append

    def many(self, table: str) -> Callable[[Sequence[Row]], None]:
        """A function that appends several rows to the table at once."""
        fresh = self._fresh[table]
        if not self._settles:
            return fresh.extend

        def extend(rows: Sequence[Row]) -> None:
            fresh.extend(rows)
            if len(fresh) >= BLOCK:
                self._settle(table)

        return extend

    def stretches(self, table: str) -> Callable[[Row, range], None] | None:  # noqa: ARG002  # see below
        """None, as rows are kept; who keeps none may return a function that is to be told less instead.

        That is what is alike of rows with consecutive positions, in the order of the columns, and those.
        """
        return None

    def fill(self, table: str, rows: Iterable[Row]) -> None:
        """Append as many rows as there are to the table, without ever holding all of them."""
        waiting = iter(rows)
        while block := list(islice(waiting, BLOCK)):
            self._fresh[table].extend(block)
            self._settle(table)

    def settle(self) -> None:
        """Move every row that waits into the columns."""
        for table in self._schema:
            self._settle(table)

    def count(self, table: str) -> int:
        """How many rows the table has."""
        return len(self._columns[table][0]) + len(self._fresh[table])

    @property
    def rows(self) -> int:
        """How many rows all tables have together."""
        return sum(self.count(table) for table in self._schema)

    def column(self, table: str, column: str) -> Sequence[float]:
        """One column as it stands; names as their numbers."""
        return self._settled(table)[list(self._schema[table]).index(column)]

    def _settled(self, table: str) -> list[array[Any]]:
        """The table's columns with every row in them."""
        self._settle(table)
        return self._columns[table]

    def _settle(self, table: str) -> None:
        """Move the fresh rows into the columns: packed row by row costs less than column by column."""
        import numpy as np

        with self._settling:
            fresh = self._fresh[table]
            if not fresh:
                return
            block = fresh[:]
            del fresh[: len(block)]  # not clear(): another thread may have appended since
            rows = np.frombuffer(b"".join(starmap(self._pack[table], block)), self._packed[table])
            for column, name in zip(self._columns[table], self._schema[table], strict=True):
                column.frombytes(rows[name].tobytes())

    def frame_columns(self, table: str, *, copied: bool = False) -> Mapping[str, pa.Array]:
        """The table's columns as Arrow arrays; names as dictionaries.

        They are views, and while there is one the table cannot grow, unless they are `copied`.
        """
        import numpy as np
        import pyarrow as pa

        arrays = {}
        names = pa.array(self._names, pa.string())
        for (column, kind), buffer in zip(self._schema[table].items(), self._settled(table), strict=True):
            values = (
                np.frombuffer(buffer, dtype=buffer.typecode) if len(buffer) else np.empty(0, buffer.typecode)
            )
            if copied:
                values = values.copy()
            if kind is NAME:
                arrays[column] = pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int32)), names)
            else:
                arrays[column] = pa.array(values)
        return arrays

    def write(self, folder: Path) -> None:
        """Write each table to `folder` as `<table>.parquet`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for table in self._schema:
            pq.write_table(pa.table(dict(self.frame_columns(table))), folder / f"{table}.parquet")

    def sha256(self) -> str:
        """A digest of all tables in a form that depends on nothing but what they say.

        Columns in the order of the schema; numbers as little-endian bytes; names as ranks among the sorted
        names of their column, which precede them as text.
        """
        import numpy as np

        digest = hashlib.sha256()
        for table, columns in self._schema.items():
            for (column, kind), buffer in zip(columns.items(), self._settled(table), strict=True):
                values = np.array(buffer)
                digest.update(f"{table}.{column}:{kind}:{len(values)}\n".encode())
                if kind is NAME:
                    used, codes = np.unique(values, return_inverse=True)
                    names = [self._names[number] for number in used]
                    ranks = np.argsort(np.argsort(np.array(names, dtype=str)))
                    digest.update("\n".join(sorted(names)).encode())
                    values = ranks[codes] if len(values) else codes
                digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()
