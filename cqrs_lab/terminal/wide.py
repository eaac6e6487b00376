"""A table with more columns than the terminal has room for: several tables, each with the leading columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

MOST_WIDE = 100
"""Lines longer than this are hard to follow, however wide the terminal is."""

_GAP = 2


class Column(NamedTuple):
    """A heading, whose lines stand below each other, and a cell for each row."""

    head: str
    cells: Sequence[Text]
    right: bool = True

    @property
    def width(self) -> int:
        """How many characters wide it is, with the gap beside it."""
        lines = (*self.head.split("\n"), *(cell.plain for cell in self.cells))
        return max(len(line) for line in lines) + _GAP


def wide_table(leading: Sequence[Column], columns: Sequence[Column], width: int) -> list[Table]:
    """As few tables as hold all columns in so many characters; one column at least stands in each."""
    room = min(width, MOST_WIDE) + _GAP - sum(column.width for column in leading)
    tables: list[list[Column]] = []
    left = 0
    for column in columns:
        if not tables or column.width > left:
            tables.append([])
            left = room
        tables[-1].append(column)
        left -= column.width
    return [_table([*leading, *some]) for some in tables]


def _table(columns: Iterable[Column]) -> Table:
    columns = list(columns)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.head, justify="right" if column.right else "left", no_wrap=True, vertical="bottom"
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    return table
