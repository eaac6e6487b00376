"""The statements of one table, and how its rows become columns and back.

Columns are derived from the row type: int, str and float as such, a tuple of structs as JSON text.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final, get_origin, get_type_hints

import msgspec
import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from actors.stores.database import Database, Part, Work, as_is, whole
from actors.stores.port import Change, Delete, Insert, Put
from actors.tables import Table

# SQLite gives a single-column key its fast path, and 64 bits, only as INTEGER. PostgreSQL would sort text by
# the rules of a language; keys must have the same order everywhere.
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SCALARS: dict[Any, TypeEngine[Any]] = {int: INTEGER, str: _TEXT, float: sa.Float(53)}

_ROW: Final = attrgetter("row")


def _column_type(table: Table[Any], column: str, annotation: Any) -> TypeEngine[Any]:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if get_origin(annotation) is tuple:
        return sa.Text()  # JSON
    raise TypeError(
        f"table {table.name}: column {column} is a {annotation!r}; use int, str, float or a tuple of structs"
    )


def sql_table(table: Table[Any], metadata: sa.MetaData) -> sa.Table:
    """The table as SQLAlchemy has it."""
    sql = sa.Table(
        table.name,
        metadata,
        *(
            sa.Column(name, _column_type(table, name, annotation), nullable=False, autoincrement=False)
            for name, annotation in get_type_hints(table.row).items()
        ),
        sa.PrimaryKeyConstraint(*table.key),
        sqlite_with_rowid=len(table.key) == 1,
    )
    if table.index is not None and table.index != table.key[0]:
        sa.Index(f"{table.name}_by_{table.index}", *(sql.c[name] for name in (table.index, *table.key)))
    return sql


class Statements:
    """What a store does with one table; `k0`, `k1`, … stand for a key, `value` for an index value."""

    def __init__(self, table: Table[Any], sql: sa.Table, database: Database) -> None:
        columns = tuple(sql.c)
        key = [sql.c[name] for name in table.key]
        self._bound = [f"k{n}" for n in range(len(key))]
        bound = [sa.bindparam(name, type_=column.type) for name, column in zip(self._bound, key, strict=True)]
        same_key = sa.and_(*(column == k for column, k in zip(key, bound, strict=True)))
        self._is_single = len(key) == 1
        whole_key, whole_bound = whole(key), whole(bound)

        self.to_row = _to_row(table)
        self._to_values = _to_values(table)
        self._key_of: Callable[[Any], Any] = attrgetter(*table.key)

        self.get = database.asking(sa.select(*columns).where(same_key))
        self.get_many = sa.select(*columns).where(whole_key.in_(sa.bindparam("keys", expanding=True)))
        self.few = database.seeking(sa.select(*columns), key)
        self.scan = database.asking(sa.select(*columns).order_by(*key))
        put = partial(_replacing, key=key, others=[one for one in columns if one.name not in table.key])
        self._parts: dict[type, Part] = {
            Insert: database.inserting(sql, as_is),
            Put: database.inserting(sql, put),
            Delete: database.deleting(sql, key),
        }

        if table.index is not None:
            indexed = sql.c[table.index]
            value = sa.bindparam("value", type_=indexed.type)
            rows = sa.func.count(sa.distinct(*key[:-1])) if table.repeats else sa.func.count()
            self.count = database.asking(sa.select(rows).select_from(sql).where(indexed == value))

            def newest(value: Any) -> sa.Select[Any]:
                return (
                    sa.select(*columns)
                    .where(indexed == value)
                    .order_by(*(column.desc() for column in key))
                    .limit(sa.bindparam("limit", type_=sa.Integer))
                )

            self.newest = database.asking(newest(value))
            self.newest_before = database.asking(newest(value).where(whole_key < whole_bound))
            self.pages = database.paging(newest, indexed, key)

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """The row's key."""
        key = self._key_of(row)
        return (key,) if self._is_single else key

    def one(self, key: Sequence[Any]) -> dict[str, Any]:
        """The parameters that stand for a key."""
        return dict(zip(self._bound, key, strict=True))

    def many(self, keys: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameter that stands for several keys."""
        return {"keys": [key[0] for key in keys] if self._is_single else [tuple(key) for key in keys]}

    def changed(self, change: Change) -> tuple[Any, ...]:
        """The key of the row that a change concerns."""
        return tuple(change.key) if isinstance(change, Delete) else self.key_of(change.row)

    def work(self, kind: type, changes: Sequence[Any]) -> Work:
        """What is to be done for changes of one kind; of rows put under one key only the last one stays."""
        if kind is Delete:
            return Work(self._parts[kind], [change.key for change in changes])
        rows: Iterable[Any] = [*map(_ROW, changes)]
        if kind is Put:
            rows = dict(zip(map(self._key_of, rows), rows, strict=True)).values()
        return Work(self._parts[kind], [*map(self._to_values, rows)])


def _replacing(insert: Any, key: list[Any], others: list[Any]) -> Any:
    """The insert, which replaces the row if its key is there."""
    if not others:
        return insert.on_conflict_do_nothing(index_elements=key)
    values = {column.name: insert.excluded[column.name] for column in others}
    return insert.on_conflict_do_update(index_elements=key, set_=values)


def _to_values(table: Table[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What turns a row into the values of its columns."""
    hints = list(get_type_hints(table.row).values())
    as_json = [place for place, annotation in enumerate(hints) if annotation not in _SCALARS]
    if not as_json:
        return msgspec.structs.astuple

    def values(row: Any) -> tuple[Any, ...]:
        plain = list(msgspec.structs.astuple(row))
        for place in as_json:
            plain[place] = msgspec.json.encode(plain[place]).decode()
        return tuple(plain)

    return values


def _to_row(table: Table[Any]) -> Callable[[Sequence[Any]], Any]:
    """What turns the values of its columns into a row."""
    row, hints = table.row, get_type_hints(table.row).values()
    decoders = [
        (place, msgspec.json.Decoder(annotation).decode)
        for place, annotation in enumerate(hints)
        if annotation not in _SCALARS
    ]
    if not decoders:
        return lambda values: row(*values)

    def decoded(values: Sequence[Any]) -> Any:
        plain = [*values]
        for place, decode in decoders:
            plain[place] = decode(plain[place])
        return row(*plain)

    return decoded
