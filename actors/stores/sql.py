"""The store in a SQL database: SQLite or PostgreSQL through the same SQLAlchemy Core statements.

The log is the table `events`; its positions come from the one row of `log_head`, which the transaction of a
write moves on, so that positions are dense and become visible in their order (ADR 2).

A store may be used by many threads and processes at once. A call that fails has changed nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import compress, groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from actors.messages import Record, decode_event, encode_event
from actors.stores.database import SOUGHT_MAX, Ask, Database, Work
from actors.stores.engines import snapshot
from actors.stores.failures import REFUSALS, failure
from actors.stores.port import Change, NewEvent
from actors.stores.postgres import Server
from actors.stores.sqlite import File
from actors.stores.statements import INTEGER, Statements, sql_table
from actors.tables import Row, Table

KEYS_PER_STATEMENT: Final = 5_000
"""How many keys `get_many` puts into one statement; databases bound the parameters of one."""

_TABLE: Final = attrgetter("table")

_OPENING_LOCK = 0x6371_7273
"""Held on PostgreSQL while a store's tables are made: several processes may open it at the same time."""


class _Attempt(NamedTuple):
    """What a store is about to do; at the end of the block the database's error, if any, is the store's."""

    store: str
    doing: str

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, REFUSALS):
            raise failure(self.store, self.doing, error) from error


class SqlStore:
    """One service's tables and log in a database; makes those that are missing. `schema` is for PostgreSQL.

    Tables that are `unasked` have no index.

    Raises:
        StoreUnavailable: the database cannot be reached, or does not let itself be written.

    """

    def __init__(
        self,
        name: str,
        tables: Iterable[Table[Any]],
        engine: sa.Engine,
        schema: str | None = None,
        *,
        unasked: Collection[Table[Any]] = (),
    ) -> None:
        self.name = name
        self._engine = engine
        self._database: Database = File(engine) if engine.dialect.name == "sqlite" else Server(engine)
        self._snapshot = snapshot(engine)
        upsert: Callable[[sa.Table], Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[
            engine.dialect.name
        ]
        metadata = sa.MetaData(schema=schema)
        made = {table: sql_table(table, metadata) for table in tables}
        self._statements = {table: Statements(table, sql, self._database) for table, sql in made.items()}
        events = sa.Table(
            "events",
            metadata,
            sa.Column("position", INTEGER, primary_key=True, autoincrement=False),
            sa.Column("key", INTEGER, nullable=False),
            sa.Column("recorded_at", sa.Float(53), nullable=False),
            sa.Column("body", sa.Text, nullable=False),
        )
        log_head = sa.Table(
            "log_head",
            metadata,
            sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
            sa.Column("position", INTEGER, nullable=False),
        )
        self._append = self._database.appending(events, log_head)
        self._head = self._database.asking(sa.select(log_head.c.position))
        self._read_log = self._database.asking(
            sa.select(events.c.position, events.c.key, events.c.recorded_at, events.c.body)
            .where(events.c.position > sa.bindparam("after", type_=INTEGER))
            .order_by(events.c.position)
            .limit(sa.bindparam("limit", type_=sa.Integer))
        )
        with self._attempt("opening"), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_OPENING_LOCK)))
                if schema is not None:
                    connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            metadata.create_all(connection)
            for table, sql in made.items():
                for index in sql.indexes:  # who opened it before may have asked otherwise
                    change = index.drop if table in unasked else index.create
                    change(connection, checkfirst=True)
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
        found: dict[Any, Row] = {}
        with self._attempt(f"reading {table.name}"):
            answer = statements.few(keys) if len(keys) <= SOUGHT_MAX else self._at_once(statements, keys)
        for values in answer:
            row = statements.to_row(values)
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

    def pages(self, table: Table[Row], values: Sequence[Any], *, limit: int) -> list[list[Row]]:
        """The first page of each of these different index values, in their order."""
        if not values:
            return []
        statements = self._statements[table]
        with self._attempt(f"reading {table.name}"):
            found = statements.pages(values, limit)
        return [[statements.to_row(row) for row in rows] for rows in found]

    def count(self, table: Table[Any], value: Any) -> int:
        """How many rows have `value` in the index column; of rows that repeat each other one counts."""
        with self._attempt(f"reading {table.name}"):
            return int(self._statements[table].count({"value": value})[0][0])

    def scan(self, table: Table[Row]) -> list[Row]:
        """Every row as of now, in ascending order of key."""
        return self._rows(table, self._statements[table].scan, {})

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent] = ()) -> list[int]:
        """Apply all changes and append all events in one transaction; return the events' positions."""
        if not changes and not events:
            return []
        with self._attempt("writing"):
            works, in_turn = self._works(changes)
            if events:
                rows = [(new.key, new.recorded_at, encode_event(new.event).decode()) for new in events]
                # Other writers of the log wait from here to the commit.
                works.append(Work(self._append, rows))
            head = self._database.write(works, in_turn=in_turn)
        return [*range(head - len(events) + 1, head + 1)] if events else []

    def read_log(self, after: int, limit: int) -> list[Record]:
        """At most `limit` records with positions above `after`, ascending."""
        with self._attempt("reading the log"):
            found = self._read_log({"after": after, "limit": limit})
        return [
            Record(self.name, position, key, recorded_at, decode_event(body))
            for position, key, recorded_at, body in found
        ]

    def head(self) -> int:
        """The highest position in the log; 0 when it is empty."""
        with self._attempt("reading the log"):
            return int(self._head({})[0][0])

    def close(self) -> None:
        """Close the connections; what is committed stays."""
        self._database.close()

    def _rows(self, table: Table[Row], ask: Ask, parameters: dict[str, Any]) -> list[Row]:
        try:  # as an attempt, which costs more than a row
            found = ask(parameters)
        except REFUSALS as error:
            raise failure(self.name, f"reading {table.name}", error) from error
        return [*map(self._statements[table].to_row, found)]

    def _at_once(self, statements: Statements, keys: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The rows with these many keys, as one state of the database has them."""
        found: list[Any] = []
        with self._snapshot.connect() as connection:
            for start in range(0, len(keys), KEYS_PER_STATEMENT):
                some = statements.many(keys[start : start + KEYS_PER_STATEMENT])
                found += connection.execute(statements.get_many, some)
        return found

    def _works(self, changes: Sequence[Change]) -> tuple[list[Work], bool]:
        """What is to be done for the changes, and whether it must be done in turn.

        Changes of one kind to one table go together, past others, unless some key is changed in two ways.
        """
        kinds = [*zip(map(_TABLE, changes), map(type, changes), strict=True)]
        alike = {kind: [*compress(changes, map(kind.__eq__, kinds))] for kind in dict.fromkeys(kinds)}
        in_turn = len({table for table, _ in alike}) < len(alike) and self._overlap(alike)
        groups = groupby(changes, lambda change: (change.table, type(change))) if in_turn else alike.items()
        return [self._statements[table].work(kind, [*some]) for (table, kind), some in groups], in_turn

    def _overlap(self, alike: Mapping[tuple[Table[Any], type], Sequence[Change]]) -> bool:
        """Whether changes that are not alike change one row."""
        rows = [
            {(table, self._statements[table].changed(one)) for one in some}
            for (table, _), some in alike.items()
        ]
        return len(set().union(*rows)) < sum(map(len, rows))

    def _attempt(self, doing: str) -> _Attempt:
        return _Attempt(self.name, doing)
