"""The store in memory: dicts of frozen rows, a list of records. It lives as long as its process.

Made for simulations of millions of orders: a row is kept once, as the object it came as; a single-column key
is kept as the bare value; an index is one sorted list of keys per value.

`MemoryStore` is for one thread, as virtual time has only one; where there are several, each call of a
`SharedMemoryStore` is atomic for the others. A lock costs a tenth of what a write does.

>>> from actors.stores.port import Put
>>> from actors.tables import CATALOG, CatalogRow
>>> store = MemoryStore("catalog", [CATALOG])
>>> store.write([Put(CATALOG, CatalogRow(product_id=7, name="Lamp", price_minor=1999))])
[]
>>> store.get(CATALOG, (7,)).name
'Lamp'
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import wraps
from operator import attrgetter
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from actors.messages import Record
from actors.stores.port import Change, Conflict, Delete, Insert, NewEvent
from actors.tables import Row, Table

P = ParamSpec("P")
T = TypeVar("T")


class _Rows:
    """The rows of one table by key, and the keys by index value, each list ascending."""

    __slots__ = ("by_key", "index_of", "key_of", "keys_by_value", "repeated", "repeats", "single")

    def __init__(self, table: Table[Any], *, is_asked: bool) -> None:
        self.by_key: dict[Any, Any] = {}
        self.single = len(table.key) == 1
        self.repeats = table.repeats
        self.repeated = False  # no row repeats another as long as all are numbered 0
        self.key_of: Callable[[Any], Any] = attrgetter(*table.key)
        index = table.index if is_asked else None
        self.index_of: Callable[[Any], Any] | None = attrgetter(index) if index else None
        self.keys_by_value: dict[Any, list[Any]] = {}

    def index(self, key: Any, old: Any, row: Any) -> None:
        """Note in the index that `row` has this key, which `old`, unless it is None, had before."""
        index_of = self.index_of
        assert index_of is not None, "only a table with an index is noted in it"
        value = index_of(row)
        if self.repeats and key[-1]:
            self.repeated = True
        if old is not None:
            before = index_of(old)
            if before == value:
                return
            self.leave(before, key)
        keys = self.keys_by_value.get(value)
        if keys is None:
            self.keys_by_value[value] = [key]
        elif keys[-1] < key:
            keys.append(key)
        else:
            insort(keys, key)

    def leave(self, value: Any, key: Any) -> None:
        """Note in the index that the row with this key does not have this value any more."""
        keys = self.keys_by_value[value]
        del keys[bisect_left(keys, key)]
        if not keys:
            del self.keys_by_value[value]

    def delete(self, key: Any) -> Any:
        """Remove the row with this key; return it, or None."""
        old = self.by_key.pop(key, None)
        if old is not None and self.index_of is not None:
            self.leave(self.index_of(old), key)
        return old


def _conflict(store: str, table: Table[Any], key: Any) -> Conflict:
    return Conflict(
        f"store {store}: {table.name} already has a row with key {key!r}; nothing was written; "
        "insert it under another key, or put it to replace the row"
    )


class MemoryStore:
    """One service's tables and log, those `unasked` without their index; for one thread."""

    def __init__(self, name: str, tables: Iterable[Table[Any]], unasked: Collection[Table[Any]] = ()) -> None:
        self.name = name
        self._unasked = unasked
        self._begin(tables)

    def _begin(self, tables: Iterable[Table[Any]]) -> None:
        self._tables = {table: _Rows(table, is_asked=table not in self._unasked) for table in tables}
        # What a write asks of each table, at less than the price of attributes.
        self._at_hand = {
            table: (rows.by_key, rows.key_of, rows.index if rows.index_of is not None else None)
            for table, rows in self._tables.items()
        }
        self._log: list[NewEvent] = []  # the one at position n stands at n − 1

    def get(self, table: Table[Row], key: tuple[Any, ...]) -> Row | None:
        """The row with this key."""
        rows = self._tables[table]
        row: Row | None = rows.by_key.get(key[0] if rows.single else key)
        return row

    def get_many(self, table: Table[Row], keys: Sequence[tuple[Any, ...]]) -> list[Row | None]:
        """The rows with these keys, in their order."""
        rows = self._tables[table]
        get = rows.by_key.get
        return [get(key) for (key,) in keys] if rows.single else [get(key) for key in keys]

    def page(
        self, table: Table[Row], value: Any, *, limit: int, before: tuple[Any, ...] | None = None
    ) -> list[Row]:
        """At most `limit` rows with this index value, from the highest key down, below `before`."""
        rows = self._tables[table]
        assert rows.index_of is not None, f"{table.name} was not to be asked by {table.index}"
        keys = rows.keys_by_value.get(value, [])
        end = len(keys)
        if before is not None:
            end = bisect_left(keys, before[0] if rows.single else before)
        newest = keys[max(0, end - limit) : end]
        newest.reverse()
        return list(map(rows.by_key.__getitem__, newest))

    def pages(self, table: Table[Row], values: Sequence[Any], *, limit: int) -> list[list[Row]]:
        """The first page of each of these index values, in their order."""
        rows = self._tables[table]
        assert rows.index_of is not None, f"{table.name} was not to be asked by {table.index}"
        found = [rows.keys_by_value.get(value, []) for value in values]
        return [[rows.by_key[key] for key in keys[: -limit - 1 : -1]] for keys in found]

    def count(self, table: Table[Any], value: Any) -> int:
        """How many rows have `value` in the index column; of rows that repeat each other one counts."""
        rows = self._tables[table]
        assert rows.index_of is not None, f"{table.name} was not to be asked by {table.index}"
        keys = rows.keys_by_value.get(value, ())
        return len({key[:-1] for key in keys}) if rows.repeated else len(keys)

    def scan(self, table: Table[Row]) -> list[Row]:
        """Every row as of now, in ascending order of key."""
        by_key = self._tables[table].by_key
        return list(map(by_key.__getitem__, sorted(by_key)))

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent] = ()) -> list[int]:
        """Apply all changes and append all events, or nothing; return the events' positions."""
        tables = self._at_hand
        replaced: list[Any] = []  # for each change made, the row that was there before, or None
        note = replaced.append
        try:
            for change in changes:
                kind = type(change)  # `isinstance` asks a Struct's metaclass, which takes long to say no
                if kind is Delete:
                    rows, key = self._tables[change.table], change.key  # type: ignore[union-attr]  # it is one
                    note(rows.delete(key[0] if rows.single else key))
                    continue
                by_key, key_of, index = tables[change.table]
                row = change.row  # type: ignore[union-attr]  # it is no Delete
                key = key_of(row)
                old = by_key.get(key)
                if old is not None and kind is Insert:
                    raise _conflict(self.name, change.table, key)
                by_key[key] = row
                if index is not None:
                    index(key, old, row)
                note(old)
        except BaseException:
            self._undo(changes, replaced)
            raise
        if not events:
            return []
        log = self._log
        first = len(log) + 1
        log.extend(events)
        return [*range(first, len(log) + 1)]

    def _undo(self, changes: Sequence[Change], replaced: Sequence[Any]) -> None:
        """Take back as many changes as there are rows `replaced`, the last one first."""
        for change, old in reversed(list(zip(changes, replaced, strict=False))):
            rows = self._tables[change.table]
            if isinstance(change, Delete):
                key = change.key[0] if rows.single else change.key
            else:
                key = rows.key_of(change.row)
            rows.delete(key)
            if old is not None:
                rows.by_key[key] = old
                if rows.index_of is not None:
                    rows.index(key, None, old)

    def read_log(self, after: int, limit: int) -> list[Record]:
        """At most `limit` records with positions above `after`, ascending."""
        events = self._log[after : after + limit]
        return [
            Record(self.name, position, new.key, new.recorded_at, new.event)
            for position, new in enumerate(events, after + 1)
        ]

    def head(self) -> int:
        """The highest position in the log; 0 when it is empty."""
        return len(self._log)

    def close(self) -> None:
        """Forget everything: a store in memory opens empty."""
        self._begin(self._tables)


def _atomic(call: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """The call of a store, made by one thread at a time."""

    @wraps(call)
    def atomic(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            return call(self, *args, **kwargs)

    return atomic


class SharedMemoryStore(MemoryStore):
    """The same for several threads: each call is atomic. None waits while it holds the lock."""

    def __init__(self, name: str, tables: Iterable[Table[Any]], unasked: Collection[Table[Any]] = ()) -> None:
        super().__init__(name, tables, unasked)
        self._lock = Lock()

    get = _atomic(MemoryStore.get)
    get_many = _atomic(MemoryStore.get_many)
    page = _atomic(MemoryStore.page)
    pages = _atomic(MemoryStore.pages)
    count = _atomic(MemoryStore.count)
    scan = _atomic(MemoryStore.scan)
    write = _atomic(MemoryStore.write)
    read_log = _atomic(MemoryStore.read_log)
    head = _atomic(MemoryStore.head)
    close = _atomic(MemoryStore.close)
