"""What compared designs look like in the terminal: one row a design, what it costs, and what it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from cqrs_lab.sweep_table import SHOWN
from cqrs_lab.wide_table import Column, wide_table
from reports.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

BEST = "*"


def show_vary(table: Mapping[str, Any], question: str, folder: Path | None, width: int) -> RenderableType:
    """A row for each design, the best value of each column marked; the claims that each design breaks."""
    rows, seeds = table["designs"], table["seeds"]
    names = [name for name in _names(rows) if _differs(name, rows)]
    many = "1 seed" if len(seeds) == 1 else f"{len(seeds):,} seeds, means of them"
    parts: list[RenderableType] = [
        Text.assemble(("DESIGNS  ", "bold"), (question, "italic")),
        Text(),
        Text(f"{len(rows)} designs, the same load and faults, {many}; {BEST} is the best of a column."),
    ]
    measures = [_measure(name, rows, table["best"].get(name, ())) for name in names]
    for block in wide_table(_designs(rows), [_passed(rows), *measures], width):
        parts += [Text(), block]
    same = len(_names(rows)) - len(names)
    if same:
        parts += [Text(), Text(f"{same} other measures are the same in every design.", "dim")]
    broken = [line for number, row in enumerate(rows, start=1) for line in _broken(number, row, len(seeds))]
    if broken:
        parts += [Text(), Text("What does not hold:", "bold"), *broken]
    if folder is not None:
        parts += [Text(), Text(f"Sweep folder: {folder}")]
    return Group(*parts)


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The measures of the table: those of `SHOWN` that a design has."""
    found = dict.fromkeys(name for row in rows for name in row["measures"])
    return [name for name in found if name.partition("{")[0] in SHOWN]


def _differs(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    values = [row["measures"].get(name, {}) for row in rows]
    return len({(value.get("mean"), value.get("censored")) for value in values}) > 1


def _designs(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Their numbers, and a column for each key that is varied."""
    settings = [[setting.partition("=") for setting in row["design"]] for row in rows]
    numbers = Column("", [Text(str(number)) for number in range(1, len(rows) + 1)])
    return [
        numbers,
        *(
            Column(key.rpartition(".")[2], [Text(of_row[at][2]) for of_row in settings], right=False)
            for at, (key, _, _) in enumerate(settings[0])
        ),
    ]


def _passed(rows: Sequence[Mapping[str, Any]]) -> Column:
    cells = []
    for row in rows:
        passed = row["passed"] or {"count": 0, "of": 0}
        everything = passed["count"] == len(row["seeds"])
        cells.append(Text(f"{passed['count']}/{passed['of']}", "green" if everything else "red"))
    return Column("pass", cells)


def _measure(name: str, rows: Sequence[Mapping[str, Any]], best: Sequence[int]) -> Column:
    cells = []
    for at, row in enumerate(rows):
        value = row["measures"].get(name)
        if value is None:
            cells.append(Text("–", "dim"))
            continue
        bound = "≥ " if value["censored"] else ""
        mark, style = (BEST, "bold green") if at in best else (" ", "")
        cells.append(Text(f"{bound}{quantity(value['mean'], value['unit'])}{mark}", style))
    measure, _, part = name.rstrip("}").partition("{")
    return Column(f"{measure} \n{part} " if part else f"{measure} ", cells)


def _broken(number: int, row: Mapping[str, Any], seeds: int) -> list[Text]:
    """The claims that a design breaks in some seed, or leaves undecided; then what broke the lab."""
    lines = []
    for text, counts in row["claims"].items():
        for word, style in (("broken", "red"), ("undecided", "yellow")):
            if counts[word]:
                share = "" if seeds == 1 else f" in {counts[word]:,} of {seeds:,} seeds"
                lines.append(Text(f"  {number}  {text}: {word}{share}", style))
    lines += [Text(f"  {number}  seed {one['seed']}: {one['error']}", "bold red") for one in row["errors"]]
    return lines
