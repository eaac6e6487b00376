"""The way to a database: questions, and transactions of changes, each a statement of SQLAlchemy Core.

Both databases are reached on the connections of their drivers, with text that SQLAlchemy has compiled once:
SQLite answers in less time than it takes to get to it otherwise.

Rows are changed in bulk. What a row costs is mostly the way into the database and back, on which Python's
lock changes hands; in bulk that is paid once for many.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import sqlalchemy as sa

Values: TypeAlias = Mapping[str, Any]
"""What the parameters of a statement stand for, by name."""

Ask: TypeAlias = Callable[[Values], list[Any]]
"""Asks one question outside of any transaction, and returns the rows that answer it."""

Seek: TypeAlias = Callable[[Sequence[Sequence[Any]]], list[Any]]
"""Asks for the rows with these keys, at least one and at most `SOUGHT_MAX`, outside of any transaction."""

Turn: TypeAlias = Callable[[Sequence[Any], int], list[list[Any]]]
"""Asks for the first page, of so many rows at most, of each of these different values."""

Part: TypeAlias = Any
"""A kind of change, as the database that has made it can carry it out."""

SOUGHT_MAX: Final = 256


class Work(NamedTuple):
    """What is to be done of one kind: a row of values for each time."""

    part: Part
    rows: Sequence[Sequence[Any]]


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

    def inserting(self, table: sa.Table, finish: Callable[[Any], Any]) -> Part:
        """Inserts rows, each the values of all columns in their order.

        `finish` adds to an insert what is to be done about keys that are there.
        """
        ...

    def deleting(self, table: sa.Table, key: Sequence[sa.Column[Any]]) -> Part:
        """Deletes the rows with some keys, as far as they are there."""
        ...

    def appending(self, log: sa.Table, head: sa.Table) -> Part:
        """Appends to a log at the positions after the one in the one row of `head`.

        A row is the values of all columns but the position, which is the first. What comes of it is the
        position of the last. Until the end of the transaction nobody else appends.
        """
        ...

    def write(self, works: Sequence[Work], *, in_turn: bool) -> Any:
        """Carry out all in one transaction, durable at the end; return what comes of the last.

        Unless they are to be done `in_turn`, no two change the same row.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def as_is(insert: Any) -> Any:
    """The insert, which fails if a key is there."""
    return insert


def whole(key: Sequence[Any]) -> Any:
    """A key as one value."""
    return key[0] if len(key) == 1 else sa.tuple_(*key)


def further(head: sa.Table, by: sa.BindParameter[int]) -> Any:
    """What moves the head of a log on by so many positions, and says where it is then."""
    return sa.update(head).values(position=head.c.position + by).returning(head.c.position)
