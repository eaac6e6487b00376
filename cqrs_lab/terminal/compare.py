"""What a comparison looks like in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cqrs_lab.comparing.grids import Grid, grids, remarks
from cqrs_lab.terminal.wide import Column, wide_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import RenderableType

STYLES = {"": "", "good": "green", "bad": "bold red"}


def show_compare(table: Mapping[str, Any], out: Path | None, width: int) -> RenderableType:
    """The sides, what differs in them and what comes of it, then what is to be said in words."""
    parts: list[RenderableType] = []
    for grid in grids(table):
        if grid.title:
            parts += [Text(), Text(grid.title, "bold")]
        parts += _tables(grid, width)
    parts.append(Text())
    parts += [Text(line) for line in remarks(table)]
    if out is not None:
        parts += [Text(), Text(f"Comparison: {out / 'compare.html'}")]
    return Group(*parts)


def _tables(grid: Grid, width: int) -> list[Table]:
    if grid.left > 1:  # words, which may be broken into lines
        table = Table(box=None, pad_edge=False, header_style="bold")
        for at, head in enumerate(grid.heads):
            table.add_column(head, overflow="fold", no_wrap=at == 0)
        for row in grid.rows:
            table.add_row(*(Text(cell.text, STYLES[cell.style]) for cell in row))
        return [table]
    columns = [
        Column(head, [Text(row[at].text, STYLES[row[at].style]) for row in grid.rows], right=at >= grid.left)
        for at, head in enumerate(grid.heads)
    ]
    return wide_table(columns[:1], columns[1:], width)
