"""A store behind a gate: what takes time and fails in a store call is decided outside of the store."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors.messages import Record
    from actors.runtime.port import Gate
    from actors.stores.port import Change, NewEvent, Store
    from actors.tables import Row, Table


class GatedStore:
    """The store itself while its gate is idle; else the gate makes each call, or lets it fail."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self.name = store.name
        self._store = store
        self._gate = gate

    def get(self, table: Table[Row], key: tuple[Any, ...]) -> Row | None:
        """The row with this key."""
        if self._gate.active:
            row: Row | None = self._gate.read(self._store, methodcaller("get", table, key))
            return row
        return self._store.get(table, key)

    def get_many(self, table: Table[Row], keys: Sequence[tuple[Any, ...]]) -> list[Row | None]:
        """The rows with these keys, in their order; one call for all."""
        if self._gate.active:
            return self._gate.read(self._store, methodcaller("get_many", table, keys))
        return self._store.get_many(table, keys)

    def page(
        self, table: Table[Row], value: Any, *, limit: int, before: tuple[Any, ...] | None = None
    ) -> list[Row]:
        """At most `limit` rows with this index value, from the highest key down, below `before`."""
        if self._gate.active:
            return self._gate.read(
                self._store, methodcaller("page", table, value, limit=limit, before=before)
            )
        return self._store.page(table, value, limit=limit, before=before)

    def pages(self, table: Table[Row], values: Sequence[Any], *, limit: int) -> list[list[Row]]:
        """The first page of each of these index values; one call for all."""
        if self._gate.active:
            return self._gate.read(self._store, methodcaller("pages", table, values, limit=limit))
        return self._store.pages(table, values, limit=limit)

    def count(self, table: Table[Any], value: Any) -> int:
        """How many rows have `value` in the index column."""
        if self._gate.active:
            rows: int = self._gate.read(self._store, methodcaller("count", table, value))
            return rows
        return self._store.count(table, value)

    def scan(self, table: Table[Row]) -> Iterable[Row]:
        """Every row, in ascending order of key."""
        if self._gate.active:
            return self._gate.read(self._store, methodcaller("scan", table))
        return self._store.scan(table)

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent] = ()) -> list[int]:
        """Apply all changes and append all events, or nothing; return the events' positions."""
        if self._gate.active or self._gate.remembers:
            return self._gate.write(self._store, changes, events)
        return self._store.write(changes, events)

    def read_log(self, after: int, limit: int) -> list[Record]:
        """At most `limit` records with positions above `after`, ascending."""
        if self._gate.active:
            return self._gate.read(self._store, methodcaller("read_log", after, limit))
        return self._store.read_log(after, limit)

    def head(self) -> int:
        """The highest position in the log; 0 when it is empty."""
        if self._gate.active:
            position: int = self._gate.read(self._store, methodcaller("head"))
            return position
        return self._store.head()

    def close(self) -> None:
        """Release what the store holds; the gate has no say in it."""
        self._store.close()
