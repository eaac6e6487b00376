"""A comparison as Markdown, to be read in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cqrs_lab.comparing.grids import grids, remarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKS = {"": "", "good": "", "bad": "**"}


def markdown(table: Mapping[str, Any]) -> str:
    """The comparison as headings, tables and a list; bad news are bold."""
    blocks = ["## Comparison"]
    for grid in grids(table):
        if grid.title:
            blocks.append(f"### {grid.title}")
        rule = ["---" if at < grid.left else "---:" for at in range(len(grid.heads))]
        rows = [
            _row([f"{MARKS[cell.style]}{_safe(cell.text)}{MARKS[cell.style]}" for cell in row])
            for row in grid.rows
        ]
        blocks.append("\n".join([_row([_safe(head) for head in grid.heads]), _row(rule), *rows]))
    blocks.append("\n".join(f"* {_safe(line)}" for line in remarks(table)))
    return "\n\n".join(blocks) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """The text with nothing in it that Markdown or a table takes for a sign."""
    for sign in "\\|*_<>`[]":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
