"""The store port: a service's tables and its event log, changed together in one durable transaction.

A store belongs to one service, and one actor of that service writes it; any actor may read. Each method is
one call: it may take time, it is atomic, and it either succeeds or raises a `StoreError` and has changed
nothing. A write that has returned survives the death of the process.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from actors.messages import AnyEvent, Record
from actors.tables import Row, Table


class StoreError(Exception):
    """A store call failed and changed nothing; the message says which store and what to do."""


class StoreUnavailable(StoreError):
    """The store cannot be reached; the call may succeed later."""


class StoreFull(StoreError):
    """The store refuses writes for want of space; it still answers reads."""


class Conflict(StoreError):
    """A row to insert is there already."""


class Put(msgspec.Struct, frozen=True, gc=False):
    """Insert the row, or replace the one with its key."""

    table: Table[Any]
    row: Any


class Insert(msgspec.Struct, frozen=True, gc=False):
    """Insert the row; the whole transaction fails with `Conflict` if its key is taken."""

    table: Table[Any]
    row: Any


class Delete(msgspec.Struct, frozen=True, gc=False):
    """Remove the row with this key (a tuple of the key columns); nothing happens if there is none."""

    table: Table[Any]
    key: tuple[Any, ...]


Change = Put | Insert | Delete


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to append to the log: `key` is the customer or product, `recorded_at` the writer's clock."""

    key: int
    recorded_at: float
    event: AnyEvent


class Store(Protocol):
    """One service's database. `name` is the service (`orders`, `summary`, …), also the log's `source`."""

    name: str

    def get(self, table: Table[Row], key: tuple[Any, ...]) -> Row | None:
        """The row with this key (a tuple of the key columns, in their order)."""
        ...

    def get_many(self, table: Table[Row], keys: Sequence[tuple[Any, ...]]) -> list[Row | None]:
        """The rows with these keys, in their order, in one call."""
        ...

    def page(
        self, table: Table[Row], value: Any, *, limit: int, before: tuple[Any, ...] | None = None
    ) -> list[Row]:
        """At most `limit` rows whose index column equals `value`, from the highest key down.

        With `before`, a full key, only rows whose key is below it: the last row's key gives the next page.
        """
        ...

    def pages(self, table: Table[Row], values: Sequence[Any], *, limit: int) -> list[list[Row]]:
        """The first page of each of these different index values, in their order, in one call."""
        ...

    def count(self, table: Table[Any], value: Any) -> int:
        """How many rows have `value` in the index column; of rows that repeat each other one counts."""
        ...

    def scan(self, table: Table[Row]) -> Iterable[Row]:
        """Every row, in ascending order of key."""
        ...

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent] = ()) -> list[int]:
        """Apply all changes in their order and append all events, or nothing; return the events' positions.

        Positions count from 1 without gaps, in the order of commit: a reader that has seen position n will
        never see a new event at or below n. Returns once the transaction is durable.

        Raises:
            Conflict: an `Insert` met an existing row.
            StoreError: the store could not be written.

        """
        ...

    def read_log(self, after: int, limit: int) -> list[Record]:
        """At most `limit` records of the log with positions above `after`, ascending, without a gap."""
        ...

    def head(self) -> int:
        """The highest position in the log; 0 when it is empty."""
        ...

    def close(self) -> None:
        """Release what the store holds; it may be opened again from its URL."""
        ...
