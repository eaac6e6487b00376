"""The store in a SQL database: SQLite or PostgreSQL through the same SQLAlchemy Core statements.

Columns are derived from the row types: int, str and float as such, a tuple of structs as JSON text. The log
is the table `events`; its positions come from the one row of `log_head`, which the transaction of a write
updates last, so that positions are dense and become visible in their order (ADR 2).

A store may be used by many threads and processes at once. A call that fails has changed nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, get_origin, get_type_hints

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from actors.messages import Record, decode_event, encode_event
from actors.stores.engines import reading, snapshot
from actors.stores.failures import REFUSALS, failure
from actors.stores.port import Change, Delete, Insert, NewEvent, Put
from actors.tables import Row, Table

KEYS_PER_STATEMENT: Final = 5_000
"""How many keys `get_many` puts into one statement; databases bound the parameters of one."""

_OPENING_LOCK = 0x6371_7273
"""Held on PostgreSQL while a store's tables are made: several processes may open it at the same time."""


class JsonText(TypeDecorator[Any]):
    """A value of `annotation` as JSON text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, annotation: Any) -> None:
        super().__init__()
        self.annotation = annotation
        self._decoder = msgspec.json.Decoder(annotation)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:  # noqa: ARG002  # SQLAlchemy's hook
        """The value as text."""
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's hook
        """The text as a value."""
        return self._decoder.decode(value)


# SQLite gives a single-column key its fast path, and 64 bits, only as INTEGER. PostgreSQL would sort text by
# the rules of a language; keys must have the same order everywhere.
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SCALARS: dict[Any, TypeEngine[Any]] = {int: _INTEGER, str: _TEXT, float: sa.Float(53)}


def _column_type(table: Table[Any], column: str, annotation: Any) -> TypeEngine[Any]:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if get_origin(annotation) is tuple:
        return JsonText(annotation)
    raise TypeError(
        f"table {table.name}: column {column} is a {annotation!r}; use int, str, float or a tuple of structs"
    )


def _sql_table(table: Table[Any], metadata: sa.MetaData) -> sa.Table:
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
    if table.index is not None:
        sa.Index(f"{table.name}_by_{table.index}", *(sql.c[name] for name in (table.index, *table.key)))
    return sql


_Batch: TypeAlias = tuple[sa.Executable, list[dict[str, Any]]]
"""A statement and the parameters of each of its executions."""


class _Statements:
    """What a store asks about one table; `k0`, `k1`, … stand for a key, `value` for an index value."""

    def __init__(self, table: Table[Any], sql: sa.Table, upsert: Callable[[sa.Table], Any]) -> None:
        columns = tuple(sql.c)
        key = [sql.c[name] for name in table.key]
        bound = [sa.bindparam(f"k{n}", type_=column.type) for n, column in enumerate(key)]
        same_key = sa.and_(*(column == k for column, k in zip(key, bound, strict=True)))
        self._key = table.key
        self._is_single = len(key) == 1
        whole_key: Any = key[0] if self._is_single else sa.tuple_(*key)
        whole_bound: Any = bound[0] if self._is_single else sa.tuple_(*bound)

        self.get = sa.select(*columns).where(same_key)
        self.get_many = sa.select(*columns).where(whole_key.in_(sa.bindparam("keys", expanding=True)))
        self.scan = sa.select(*columns).order_by(*key)

        put = upsert(sql)
        others = {
            column.name: put.excluded[column.name] for column in columns if column.name not in table.key
        }
        self.change: dict[type, sa.Executable] = {
            Insert: sa.insert(sql),
            Delete: sa.delete(sql).where(same_key),
            Put: put.on_conflict_do_update(index_elements=key, set_=others)
            if others
            else put.on_conflict_do_nothing(index_elements=key),
        }

        if table.index is not None:
            indexed = sql.c[table.index] == sa.bindparam("value", type_=sql.c[table.index].type)
            self.count = sa.select(sa.func.count()).select_from(sql).where(indexed)
            self.newest = (
                sa.select(*columns)
                .where(indexed)
                .order_by(*(column.desc() for column in key))
                .limit(sa.bindparam("limit", type_=sa.Integer))
            )
            self.newest_before = self.newest.where(whole_key < whole_bound)

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """The row's key."""
        return tuple(getattr(row, name) for name in self._key)

    def one(self, key: tuple[Any, ...]) -> dict[str, Any]:
        """The parameters that stand for a key."""
        return {f"k{n}": value for n, value in enumerate(key)}

    def many(self, keys: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
        """The parameter that stands for several keys."""
        return {"keys": [key[0] for key in keys] if self._is_single else [tuple(key) for key in keys]}


class SqlStore:
    """One service's tables and log in a database; makes those that are missing. `schema` is for PostgreSQL.

    Raises:
        StoreUnavailable: the database cannot be reached, or does not let itself be written.

    """

    def __init__(
        self, name: str, tables: Iterable[Table[Any]], engine: sa.Engine, schema: str | None = None
    ) -> None:
        self.name = name
        self._engine = engine
        self._reading = reading(engine)
        self._snapshot = snapshot(engine)
        upsert: Callable[[sa.Table], Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[
            engine.dialect.name
        ]
        metadata = sa.MetaData(schema=schema)
        self._statements = {
            table: _Statements(table, _sql_table(table, metadata), upsert) for table in tables
        }
        events = sa.Table(
            "events",
            metadata,
            sa.Column("position", _INTEGER, primary_key=True, autoincrement=False),
            sa.Column("key", _INTEGER, nullable=False),
            sa.Column("recorded_at", sa.Float(53), nullable=False),
            sa.Column("body", sa.Text, nullable=False),
        )
        log_head = sa.Table(
            "log_head",
            metadata,
            sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
            sa.Column("position", _INTEGER, nullable=False),
        )
        self._append = sa.insert(events)
        self._advance = (
            sa.update(log_head)
            .values(position=log_head.c.position + sa.bindparam("by", type_=_INTEGER))
            .returning(log_head.c.position)
        )
        self._head = sa.select(log_head.c.position)
        self._read_log = (
            sa.select(events.c.position, events.c.key, events.c.recorded_at, events.c.body)
            .where(events.c.position > sa.bindparam("after", type_=_INTEGER))
            .order_by(events.c.position)
            .limit(sa.bindparam("limit", type_=sa.Integer))
        )
        with self._attempt("opening"), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_OPENING_LOCK)))
                if schema is not None:
                    connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            metadata.create_all(connection)
            connection.execute(upsert(log_head).values(id=1, position=0).on_conflict_do_nothing())

    def get(self, table: Table[Row], key: tuple[Any, ...]) -> Row | None:
        """The row with this key."""
        statements = self._statements[table]
        found = self._rows(table, statements.get, statements.one(key))
        return found[0] if found else None

    def get_many(self, table: Table[Row], keys: Sequence[tuple[Any, ...]]) -> list[Row | None]:
        """The rows with these keys, in their order."""
        if not keys:
            return []
        statements = self._statements[table]
        engine = self._reading if len(keys) <= KEYS_PER_STATEMENT else self._snapshot
        found: dict[Any, Row] = {}
        with self._attempt(f"reading {table.name}"), engine.connect() as connection:
            for start in range(0, len(keys), KEYS_PER_STATEMENT):
                some = statements.many(keys[start : start + KEYS_PER_STATEMENT])
                for values in connection.execute(statements.get_many, some):
                    row = table.row(*values)
                    found[statements.key_of(row)] = row
        return [found.get(tuple(key)) for key in keys]

    def page(
        self, table: Table[Row], value: Any, *, limit: int, before: tuple[Any, ...] | None = None
    ) -> list[Row]:
        """At most `limit` rows with this index value, from the highest key down, below `before`."""
        statements = self._statements[table]
        parameters = {"value": value, "limit": limit}
        if before is None:
            return self._rows(table, statements.newest, parameters)
        return self._rows(table, statements.newest_before, parameters | statements.one(before))

    def count(self, table: Table[Any], value: Any) -> int:
        """How many rows have `value` in the index column."""
        with self._attempt(f"reading {table.name}"), self._reading.connect() as connection:
            return int(connection.execute(self._statements[table].count, {"value": value}).scalar_one())

    def scan(self, table: Table[Row]) -> list[Row]:
        """Every row as of now, in ascending order of key."""
        return self._rows(table, self._statements[table].scan, {})

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent] = ()) -> list[int]:
        """Apply all changes and append all events in one transaction; return the events' positions."""
        if not changes and not events:
            return []
        batches = self._batches(changes)
        rows = [
            {"key": new.key, "recorded_at": new.recorded_at, "body": encode_event(new.event).decode()}
            for new in events
        ]
        positions: list[int] = []
        with self._attempt("writing"), self._engine.begin() as connection:
            for statement, parameters in batches:
                connection.execute(statement, parameters)
            if rows:
                # From here to the commit other writers of the log wait, so this comes last.
                head = int(connection.execute(self._advance, {"by": len(rows)}).scalar_one())
                positions = list(range(head - len(rows) + 1, head + 1))
                for row, position in zip(rows, positions, strict=True):
                    row["position"] = position
                connection.execute(self._append, rows)
        return positions

    def read_log(self, after: int, limit: int) -> list[Record]:
        """At most `limit` records with positions above `after`, ascending."""
        with self._attempt("reading the log"), self._reading.connect() as connection:
            found = connection.execute(self._read_log, {"after": after, "limit": limit})
            return [
                Record(self.name, position, key, recorded_at, decode_event(body))
                for position, key, recorded_at, body in found
            ]

    def head(self) -> int:
        """The highest position in the log; 0 when it is empty."""
        with self._attempt("reading the log"), self._reading.connect() as connection:
            return int(connection.execute(self._head).scalar_one())

    def close(self) -> None:
        """Close the connections; what is committed stays."""
        self._engine.dispose()

    def _rows(self, table: Table[Row], statement: sa.Select[Any], parameters: dict[str, Any]) -> list[Row]:
        with self._attempt(f"reading {table.name}"), self._reading.connect() as connection:
            return [table.row(*values) for values in connection.execute(statement, parameters)]

    def _batches(self, changes: Sequence[Change]) -> list[_Batch]:
        """The changes as few statements with many parameters, in an order that has the same effect.

        Changes of one kind to one table go together, past others, until a key is changed in another way.
        """
        done: list[_Batch] = []
        batches: dict[tuple[Table[Any], type], _Batch] = {}
        kinds: dict[tuple[Table[Any], Any], type] = {}
        for change in changes:
            table, kind = change.table, type(change)
            statements = self._statements[table]
            if isinstance(change, Delete):
                key = tuple(change.key)
                parameters = statements.one(key)
            else:
                key = statements.key_of(change.row)
                parameters = msgspec.structs.asdict(change.row)
            if kinds.setdefault((table, key), kind) is not kind:
                done += batches.values()
                batches, kinds = {}, {(table, key): kind}
            _, batch = batches.setdefault((table, kind), (statements.change[kind], []))
            batch.append(parameters)
        return done + list(batches.values())

    @contextmanager
    def _attempt(self, doing: str) -> Iterator[None]:
        try:
            yield
        except REFUSALS as error:
            raise failure(self.name, doing, error) from error
