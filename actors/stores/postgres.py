"""A PostgreSQL server, through psycopg 3: a write is one statement, with one array for each column."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString, cast

import msgspec
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.stores.connections import Connections
from actors.stores.database import Ask, Part, Seek, Turn, Values, Work, further, whole


class Server:
    """A PostgreSQL server, on the driver's connections, as the engine makes them; each is in one hand."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connections = Connections[psycopg.Connection](engine)
        self._together = cache(self._compiled_together)

    def asking(self, question: sa.Select[Any]) -> Ask:
        """See `Database`."""
        text, constants = self._compiled(question)

        def ask(values: Values) -> list[Any]:
            with self._lent() as connection:
                return connection.execute(text, {**constants, **values}, binary=True).fetchall()

        return ask

    def seeking(self, question: sa.Select[Any], key: Sequence[sa.Column[Any]]) -> Seek:
        """See `Database`."""
        arrays = _Arrays(key)
        ask = self.asking(question.where(whole(key).in_(sa.select(*arrays.columns))))

        def seek(keys: Sequence[Sequence[Any]]) -> list[Any]:
            return ask(arrays.of(keys))

        return seek

    def paging(
        self, page: Callable[[Any], sa.Select[Any]], indexed: sa.Column[Any], key: Sequence[sa.Column[Any]]
    ) -> Turn:
        """See `Database`."""
        arrays = _Arrays([indexed])
        each = sa.select(arrays.columns[0].label("value")).subquery("each")
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
            asked = arrays.of([(value,) for value in values])
            for row in ask({**asked, "limit": limit}):
                pages[row[place]].append(row)
            return list(pages.values())

        return turn

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> Part:
        """See `Database`."""
        names = [column.name for column in table.columns]

        def insert(arrays: list[Any], _rows: Any) -> Any:
            return finish(postgresql.insert(table).from_select(names, sa.select(*arrays)))

        return _Part(table.columns, insert)

    def deleting(self, table: sa.Table, key: Sequence[sa.Column[Any]]) -> Part:
        """See `Database`."""

        def delete(arrays: list[Any], _rows: Any) -> Any:
            return sa.delete(table).where(whole(key).in_(sa.select(*arrays)))

        return _Part(key, delete)

    def appending(self, log: sa.Table, head: sa.Table) -> Part:
        """See `Database`."""
        names = [column.name for column in log.columns]

        def append(arrays: list[Any], number: Any) -> Any:
            reached = further(head, number).cte("reached")
            position = reached.c.position - number + sa.func.generate_series(1, number)
            rows = sa.select(position, *arrays).select_from(reached)
            added = postgresql.insert(log).from_select(names, rows).cte("added")
            return sa.select(reached.c.position).add_cte(added)

        return _Part([*log.columns][1:], append)

    def write(self, works: Sequence[Work], *, in_turn: bool) -> Any:
        """See `Database`.

        All of it is one statement, which needs no other transaction: what it costs is the ways to the server
        and back, each of which wakes two processes and lets Python's lock change hands twice.
        """
        with self._lent() as connection:
            if in_turn:
                with connection.transaction():
                    for work in works:
                        cursor = self._carry_out(connection, [work])
            else:
                cursor = self._carry_out(connection, works)
        row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]

    def _carry_out(self, connection: psycopg.Connection, works: Sequence[Work]) -> psycopg.Cursor:
        text, constants = self._together(tuple([work.part for work in works]))
        values = {**constants}
        for number, (part, rows) in enumerate(works):
            values.update(part.values(number, rows))
        return connection.execute(text, values)

    def _compiled_together(self, parts: "tuple[_Part, ...]") -> tuple[LiteralString, Values]:
        """One statement that does the work of all; what it returns is what the last does."""
        *others, last = [part.statement(number) for number, part in enumerate(parts)]
        return self._compiled(last.add_cte(*(one.cte(f"part_{n}") for n, one in enumerate(others))))

    def close(self) -> None:
        """See `Database`."""
        self._connections.close()

    def _compiled(self, statement: Any) -> tuple[LiteralString, Values]:
        """The text of a statement, and the values of those of its parameters that have one."""
        compiled = statement.compile(dialect=self._engine.dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return cast("LiteralString", compiled.string), constants

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection]:
        """A connection on which each statement is a transaction; it does not come back from an error."""
        connection = self._connections.take()
        try:
            if not connection.autocommit:
                connection.autocommit = True  # it is a fresh one
            yield connection
        except BaseException:
            if connection.broken:
                self.close()  # the server may be another one now: none of the others is good
            connection.close()
            raise
        self._connections.give_back(connection)


class _Arrays:
    """Rows of some columns as parameters of a statement: one for each column, with all of its values.

    `number` tells the parameters from those of other rows in the same statement.
    """

    def __init__(self, columns: Iterable[sa.Column[Any]], number: int = 0) -> None:
        self._names: list[str] = []
        self._written: list[Callable[[Sequence[Any]], str]] = []
        self.columns: list[Any] = []  # as the statement has them
        for column in columns:
            parameter = sa.bindparam(f"{column.name}_{number}", type_=sa.Text())
            self._names.append(parameter.key)
            if isinstance(column.type, sa.Text):
                self._written.append(_as_json)
                self.columns.append(sa.func.json_array_elements_text(sa.cast(parameter, postgresql.JSON)))
            else:
                kind = sa.Float(53) if isinstance(column.type, sa.Float) else sa.BigInteger()
                self._written.append(_as_array)
                self.columns.append(sa.func.unnest(sa.cast(parameter, postgresql.ARRAY(kind))))

    def of(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """What the parameters stand for."""
        columns = zip(*rows, strict=True)
        written = zip(self._names, self._written, columns, strict=True)
        return {name: write(values) for name, write, values in written}


# The driver could write arrays too, value by value.
def _as_json(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()


def _as_array(numbers: Sequence[float]) -> str:
    return f"{{{','.join(map(repr, numbers))}}}"


class _Part:
    """A kind of change to rows of some columns; `make` makes its statement from them and their number."""

    def __init__(self, columns: Iterable[sa.Column[Any]], make: Callable[[list[Any], Any], Any]) -> None:
        columns = tuple(columns)
        self._make = make
        self._arrays = cache(lambda number: _Arrays(columns, number))

    def statement(self, number: int) -> Any:
        """Its statement, if it is this one of the parts of a greater one."""
        rows = sa.bindparam(f"rows_{number}", type_=sa.BigInteger())
        return self._make(self._arrays(number).columns, rows)

    def values(self, number: int, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """What the parameters of that statement stand for."""
        return {**self._arrays(number).of(rows), f"rows_{number}": len(rows)}
