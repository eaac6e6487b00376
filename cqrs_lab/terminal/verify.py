"""What the check of the library looks like in the terminal: what was expected, what came, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cqrs_lab.terminal.sweep import STYLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType


LONGEST = 120
"""So many characters of a reason are shown; the JSON has all of it."""


def show_verify(table: Mapping[str, Any]) -> RenderableType:
    """One row a scenario; then how many differ, and how to run those again."""
    rows = table["scenarios"]
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    shown.add_column("scenario", no_wrap=True)
    shown.add_column("expected")
    shown.add_column("got")
    shown.add_column("why")
    for row in rows:
        word = row["got"]
        mark = "" if row["agrees"] else "  ✗"
        why = Text(row["why"] if len(row["why"]) <= LONGEST else f"{row['why'][:LONGEST]} …")
        shown.add_row(row["scenario"], row["expected"] or "–", Text(word + mark, STYLES[word]), why)
    wrong = [row for row in rows if not row["agrees"]]
    if not wrong:
        return Group(shown, Text(), Text(f"All {len(rows)} scenarios came out as expected.", "bold green"))
    parts: list[RenderableType] = [shown, Text()]
    parts.append(Text(f"{len(wrong)} of {len(rows)} scenarios did not come out as expected.", "bold red"))
    parts += [
        Text(f"  {row['reproduce']}", "cyan", no_wrap=True, overflow="ignore")
        for row in wrong
        if row["reproduce"]
    ]
    return Group(*parts)
