"""A SQLite file: rows are inserted as lists of a few lengths, so that it has met the statements before."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from actors.stores.connections import Connections
from actors.stores.database import (
    SOUGHT_MAX,
    Ask,
    Part,
    Seek,
    Turn,
    Values,
    Work,
    as_is,
    further,
    whole,
)

LENGTHS: Final = (64, 16, 4, 1)
"""How many rows one statement inserts: a number of rows is made up of these."""

NUMBERS: Final = (1, 2, 4, 8, 16, 32, 64, 128, SOUGHT_MAX)
"""For how many keys a file is asked at once; for fewer the last one is asked for again."""


class File:
    """A SQLite file, on the driver's connections, made as the engine makes them; each is in one hand."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connections = Connections[sqlite3.Connection](engine)

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
            text, in_order = self._compiled(question.where(whole(key).in_([whole(one) for one in keys])))
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

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> Part:
        """See `Database`."""
        row = {column.name: None for column in table.columns}

        @cache
        def text(length: int) -> str:
            insert = finish(sqlite.insert(table).values([row] * length))
            return str(insert.compile(dialect=self._engine.dialect))

        def insert_all(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
            begin, end = 0, len(rows)
            for length in LENGTHS:
                while end - begin >= length:
                    some = rows[begin : begin + length]
                    connection.execute(text(length), tuple(chain.from_iterable(some)))
                    begin += length

        return insert_all

    def deleting(self, table: sa.Table, key: Sequence[sa.Column[Any]]) -> Part:
        """See `Database`."""
        bound = [sa.bindparam(column.name, type_=column.type) for column in key]
        text, _ = self._compiled(sa.delete(table).where(whole(key) == whole(bound)))

        def delete_all(connection: sqlite3.Connection, keys: Sequence[Sequence[Any]]) -> None:
            connection.executemany(text, keys)

        return delete_all

    def appending(self, log: sa.Table, head: sa.Table) -> Part:
        """See `Database`."""
        advance, _ = self._compiled(further(head, sa.bindparam("by", type_=sa.Integer())))
        insert_all = self.inserting(log, as_is)

        def append_all(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> int:
            ((reached,),) = connection.execute(advance, (len(rows),)).fetchall()
            first = reached - len(rows) + 1
            insert_all(connection, [(position, *row) for position, row in enumerate(rows, first)])
            return int(reached)

        return append_all

    def write(self, works: Sequence[Work], *, in_turn: bool) -> Any:  # noqa: ARG002  # it always is
        """See `Database`."""
        connection = self._connections.take()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for part, rows in works:
                comes_of_it = part(connection, rows)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.rollback()
            connection.close()
            raise
        self._connections.give_back(connection)
        return comes_of_it

    def close(self) -> None:
        """See `Database`."""
        self._connections.close()

    def _compiled(self, statement: Any) -> tuple[str, Callable[[Values], Sequence[Any]]]:
        """The text of a statement, and what puts the values of its parameters in their order."""
        compiled = statement.compile(dialect=self._engine.dialect)
        names = compiled.positiontup or []
        constants = {name: compiled.params[name] for name in names if compiled.params[name] is not None}
        if len(names) > 1 and not constants:
            return compiled.string, itemgetter(*names)
        return compiled.string, lambda values: [*map({**constants, **values}.__getitem__, names)]

    def _ask(self, text: str, values: Sequence[Any]) -> list[Any]:
        connection = self._connections.take()
        try:
            rows = connection.execute(text, values).fetchall()
        except BaseException:
            connection.close()
            raise
        self._connections.give_back(connection)
        return rows
