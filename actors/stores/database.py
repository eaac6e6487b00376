"""The way to a database: questions, and transactions of changes, each a statement of SQLAlchemy Core.

Both are reached on the connections of their drivers, with text that SQLAlchemy has compiled once: SQLite
answers in less time than it takes to get to it otherwise.

Rows are inserted in bulk. What a row costs is mostly the way into the database and back, on which Python's
lock changes hands; in bulk that is paid once for many. SQLite takes them as lists of values of some fixed
lengths, PostgreSQL as one array for each column, so that both know the statements already.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final, LiteralString, Protocol, TypeAlias, cast

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.waiting import Ready, Wait
from sqlalchemy.dialects import postgresql, sqlite

Values: TypeAlias = Mapping[str, Any]
"""What the parameters of a statement stand for, by name."""

Ask: TypeAlias = Callable[[Values], list[Any]]
"""Asks one question outside of any transaction, and returns the rows that answer it."""

Execute: TypeAlias = Callable[[Any, Values], list[Any]]
"""Executes one statement in a transaction, and returns the rows that it returns."""

Seek: TypeAlias = Callable[[Sequence[Sequence[Any]]], list[Any]]
"""Asks for the rows with these keys, at least one and at most `SOUGHT_MAX`, outside of any transaction."""

Turn: TypeAlias = Callable[[Sequence[Any], int], list[list[Any]]]
"""Asks for the first page, of so many rows at most, of each of these different values."""

InsertAll: TypeAlias = Callable[[Any, Sequence[Sequence[Any]]], None]
"""Inserts rows in a transaction, each the values of all columns in their order."""

AppendAll: TypeAlias = Callable[[Any, Sequence[Sequence[Any]]], Callable[[], int]]
"""Appends rows to a log in a transaction, each the values of all columns after its position.

What it returns says the position of the last, once the transaction has ended.
"""

LENGTHS: Final = (64, 16, 4, 1)
"""How many rows one statement for SQLite inserts: a number of rows is made up of these."""

NUMBERS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""For how many keys a file is asked at once; for fewer the last one is asked for again."""

SOUGHT_MAX: Final = NUMBERS[-1]

_COMMIT: Final = "COMMIT"

IDLE_MAX: Final = 8
"""So many connections to a file that nobody uses are kept open."""


class Database(Protocol):
    """A database; what stands in its way is made from statements once, and used often."""

    def asking(self, question: sa.Select[Any]) -> Ask:
        """The way to ask this question."""
        ...

    def seeking(self, question: sa.Select[Any], key: Sequence[sa.Column[Any]]) -> Seek:
        """The way to ask this question for the rows with some keys."""
        ...

    def paging(
        self, page: Callable[[Any], sa.Select[Any]], indexed: sa.Column[Any], key: Sequence[sa.Column[Any]]
    ) -> Turn:
        """The way to ask for the pages of several values of a column; `page` makes the question for one.

        A page has at most `limit` rows, from the highest key down.
        """
        ...

    def executing(self, statement: sa.Executable) -> Execute:
        """The way to execute this statement, which may return rows."""
        ...

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> InsertAll:
        """The way to insert; `finish` adds to an insert what is to be done about keys that are there."""
        ...

    def appending(self, log: sa.Table, head: sa.Table) -> AppendAll:
        """The way to append to a log at the positions after the one in the one row of `head`.

        From then to the end of the transaction nobody else appends.
        """
        ...

    def transaction(self) -> AbstractContextManager[Any]:
        """A transaction, to be handed to what executes and inserts; durable at the end of the block."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def database(engine: sa.Engine) -> Database:
    """The database of this engine."""
    return _File(engine) if engine.dialect.name == "sqlite" else _Server(engine)


def as_is(insert: Any) -> Any:
    """The insert, which fails if a key is there."""
    return insert


class _Server:
    """A PostgreSQL server. In a transaction, what returns no rows goes out with what comes after it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def asking(self, question: sa.Select[Any]) -> Ask:
        """See `Database`."""
        text, constants = self._compiled(question)

        def ask(values: Values) -> list[Any]:
            with self._lent() as connection:
                connection.autocommit = True
                rows = connection.execute(text, {**constants, **values}, binary=True).fetchall()
                connection.autocommit = False
            return rows

        return ask

    def executing(self, statement: sa.Executable) -> Execute:
        """See `Database`."""
        text, constants = self._compiled(statement)
        returns_rows = bool(statement.exported_columns)  # type: ignore[attr-defined]  # all in use have them

        def execute(transaction: psycopg.Connection, values: Values) -> list[Any]:
            cursor = transaction.execute(text, {**constants, **values})
            return cursor.fetchall() if returns_rows else []

        return execute

    def seeking(self, question: sa.Select[Any], key: Sequence[sa.Column[Any]]) -> Seek:
        """See `Database`."""
        names, written, arrays = _arrays(key)
        ask = self.asking(question.where(_whole(key).in_(sa.select(*arrays))))

        def seek(keys: Sequence[Sequence[Any]]) -> list[Any]:
            return ask(_as_arrays(names, written, keys))

        return seek

    def paging(
        self, page: Callable[[Any], sa.Select[Any]], indexed: sa.Column[Any], key: Sequence[sa.Column[Any]]
    ) -> Turn:
        """See `Database`."""
        names, written, (wanted,) = _arrays([indexed])
        each = sa.select(wanted.label("value")).subquery("each")
        one = page(each.c.value)
        rows = one.lateral("page")
        place = list(rows.c.keys()).index(indexed.name)
        ask = self.asking(
            sa.select(rows)
            .select_from(each.join(rows, sa.true()))
            .order_by(*(rows.c[column.name].desc() for column in key))
        )

        def turn(values: Sequence[Any], limit: int) -> list[list[Any]]:
            pages: dict[Any, list[Any]] = {value: [] for value in values}
            asked = _as_arrays(names, written, [(value,) for value in values])
            for row in ask({**asked, "limit": limit}):
                pages[row[place]].append(row)
            return list(pages.values())

        return turn

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> InsertAll:
        """See `Database`."""
        names, written, arrays = _arrays(table.columns)
        insert = finish(postgresql.insert(table).from_select(names, sa.select(*arrays)))
        text, constants = self._compiled(insert)

        def insert_all(transaction: psycopg.Connection, rows: Sequence[Sequence[Any]]) -> None:
            _send(transaction, text, {**constants, **_as_arrays(names, written, rows)})

        return insert_all

    def appending(self, log: sa.Table, head: sa.Table) -> AppendAll:
        """See `Database`. It is one statement, so that nothing is waited for before the commit."""
        place, *columns = log.columns
        names, written, arrays = _arrays(columns)
        by = sa.bindparam("by", type_=sa.BigInteger())
        reached = _further(head, by).cte("reached")
        at = reached.c.position - by + sa.func.generate_series(1, by)
        rows = sa.select(at, *arrays).select_from(reached)
        added = postgresql.insert(log).from_select([place.name, *names], rows).cte("added")
        text, constants = self._compiled(sa.select(reached.c.position).add_cte(added))

        def append_all(transaction: psycopg.Connection, rows: Sequence[Sequence[Any]]) -> Callable[[], int]:
            values = {**constants, **_as_arrays(names, written, rows), "by": len(rows)}
            cursor = _send(transaction, text, values)
            return lambda: int(cursor.fetchall()[0][0])

        return append_all

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """See `Database`."""
        with self._lent() as connection, connection.pipeline():
            yield connection
            connection.execute(_COMMIT)  # with what comes before it, and with one answer to all

    def close(self) -> None:
        """See `Database`."""
        self._engine.dispose()

    def _compiled(self, statement: Any) -> tuple[LiteralString, Values]:
        """The text of a statement, and the values of those of its parameters that have one."""
        compiled = statement.compile(dialect=self._engine.dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return cast("LiteralString", compiled.string), constants

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection]:
        """A connection of the pool; it does not come back from an error."""
        lent = self._engine.raw_connection()
        connection = cast("psycopg.Connection", lent.driver_connection)
        try:
            yield connection
        except BaseException:
            if connection.broken:
                self._engine.dispose()  # the server may be another one now: none of the others is good
            lent.invalidate()
            raise
        lent.close()


def _further(head: sa.Table, by: sa.BindParameter[int]) -> Any:
    """What moves the head of a log on by so many positions, and says where it is then."""
    return sa.update(head).values(position=head.c.position + by).returning(head.c.position)


def _send(connection: psycopg.Connection, text: LiteralString, values: Values) -> psycopg.Cursor:
    """Send a statement within a pipeline; its answer comes later."""
    cursor = connection.execute(text, values)
    if connection.pgconn.flush():
        connection.wait(_sending(connection.pgconn))
    return cursor


def _sending(connection: psycopg.pq.abc.PGconn) -> Generator[Wait, Ready | int, None]:
    """Send all of a long statement.

    Within a pipeline the driver sends what the way takes at once, and would then wait for the answer.
    """
    while connection.flush():
        if (yield Wait.RW) & Ready.R:
            connection.consume_input()


def _arrays(
    columns: Iterable[sa.Column[Any]],
) -> tuple[list[str], list[Callable[[Sequence[Any]], str]], list[Any]]:
    """Per column its name, how values of it are written as one text, and the values of that text as rows.

    The driver could write arrays too, value by value.
    """
    names: list[str] = []
    written: list[Callable[[Sequence[Any]], str]] = []
    arrays: list[Any] = []
    for column in columns:
        text = sa.bindparam(column.name, type_=sa.Text())
        names.append(column.name)
        if isinstance(column.type, sa.Text):
            written.append(lambda values: msgspec.json.encode(values).decode())
            arrays.append(sa.func.json_array_elements_text(sa.cast(text, postgresql.JSON)))
        else:
            kind = sa.Float(53) if isinstance(column.type, sa.Float) else sa.BigInteger()
            written.append(lambda values: f"{{{','.join(map(repr, values))}}}")
            arrays.append(sa.func.unnest(sa.cast(text, postgresql.ARRAY(kind))))
    return names, written, arrays


def _as_arrays(
    names: Sequence[str], written: Sequence[Callable[[Sequence[Any]], str]], rows: Sequence[Sequence[Any]]
) -> Values:
    columns = zip(*rows, strict=True)
    return {name: write(values) for name, write, values in zip(names, written, columns, strict=True)}


def _whole(key: Sequence[Any]) -> Any:
    """A key as one value."""
    return key[0] if len(key) == 1 else sa.tuple_(*key)


class _File:
    """A SQLite file, on the driver's connections, made as the engine makes them; each is in one hand."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._idle: deque[sqlite3.Connection] = deque()

    def asking(self, question: sa.Select[Any]) -> Ask:
        """See `Database`."""
        text, in_order = self._compiled(question)
        return lambda values: self._ask(text, in_order(values))

    def seeking(self, question: sa.Select[Any], key: Sequence[sa.Column[Any]]) -> Seek:
        """See `Database`."""

        @cache
        def text_for(number: int) -> str:
            keys = [
                [sa.bindparam(f"k{n}_{place}", type_=column.type) for place, column in enumerate(key)]
                for n in range(number)
            ]
            text, in_order = self._compiled(question.where(_whole(key).in_([_whole(one) for one in keys])))
            names = [one.key for part in keys for one in part]
            assert [*in_order({name: name for name in names})] == names, "they stand in the order of the keys"
            return text

        def seek(keys: Sequence[Sequence[Any]]) -> list[Any]:
            number = next(number for number in NUMBERS if number >= len(keys))
            padded = [*keys, *[keys[-1]] * (number - len(keys))]
            return self._ask(text_for(number), list(chain.from_iterable(padded)))

        return seek

    def paging(
        self,
        page: Callable[[Any], sa.Select[Any]],
        indexed: sa.Column[Any],
        key: Sequence[sa.Column[Any]],  # noqa: ARG002  # each page is in its order already
    ) -> Turn:
        """See `Database`."""
        ask = self.asking(page(sa.bindparam("value", type_=indexed.type)))

        def turn(values: Sequence[Any], limit: int) -> list[list[Any]]:
            return [ask({"value": value, "limit": limit}) for value in values]

        return turn

    def executing(self, statement: sa.Executable) -> Execute:
        """See `Database`."""
        text, in_order = self._compiled(statement)

        def execute(transaction: sqlite3.Connection, values: Values) -> list[Any]:
            return transaction.execute(text, in_order(values)).fetchall()

        return execute

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> InsertAll:
        """See `Database`."""
        row = {column.name: None for column in table.columns}

        @cache
        def text(length: int) -> str:
            insert = finish(sqlite.insert(table).values([row] * length))
            return str(insert.compile(dialect=self._engine.dialect))

        def insert_all(transaction: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
            begin, end = 0, len(rows)
            for length in LENGTHS:
                while end - begin >= length:
                    some = rows[begin : begin + length]
                    transaction.execute(text(length), tuple(chain.from_iterable(some)))
                    begin += length

        return insert_all

    def appending(self, log: sa.Table, head: sa.Table) -> AppendAll:
        """See `Database`."""
        advance = self.executing(_further(head, sa.bindparam("by", type_=sa.Integer())))
        insert_all = self.inserting(log, as_is)

        def append_all(transaction: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> Callable[[], int]:
            reached = int(advance(transaction, {"by": len(rows)})[0][0])
            first = reached - len(rows) + 1
            insert_all(transaction, [(position, *row) for position, row in enumerate(rows, first)])
            return lambda: reached

        return append_all

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """See `Database`."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.rollback()
            connection.close()
            raise
        self._give_back(connection)

    def close(self) -> None:
        """See `Database`."""
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    def _compiled(self, statement: Any) -> tuple[str, Callable[[Values], Sequence[Any]]]:
        """The text of a statement, and what puts the values of its parameters in their order."""
        compiled = statement.compile(dialect=self._engine.dialect)
        names = compiled.positiontup or []
        constants = {name: compiled.params[name] for name in names if compiled.params[name] is not None}
        if len(names) > 1 and not constants:
            return compiled.string, itemgetter(*names)
        return compiled.string, lambda values: [*map({**constants, **values}.__getitem__, names)]

    def _ask(self, text: str, values: Sequence[Any]) -> list[Any]:
        connection = self._connection()
        try:
            rows = connection.execute(text, values).fetchall()
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return rows

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            fresh = self._engine.raw_connection()
            connection: Any = fresh.driver_connection
            fresh.detach()  # from the pool, which would lend it to others
            return connection  # type: ignore[no-any-return]  # the driver's own

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if len(self._idle) < IDLE_MAX:
            self._idle.append(connection)
        else:
            connection.close()
