"""What compared designs look like in the terminal: one row a design, what it costs, and what it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from cqrs_lab.terminal.sweep import SHOWN
from cqrs_lab.terminal.wide import Column, wide_table
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
    heads = _short([key for key, _, _ in settings[0]])
    return [
        numbers,
        *(
            Column(head, [Text(of_row[at][2]) for of_row in settings], right=False)
            for at, head in enumerate(heads)
        ),
    ]


def _short(keys: Sequence[str]) -> list[str]:
    """The last parts of the keys, as few of them as tell all apart.

    >>> _short(["policy.join", "policy.summary.on_error"]), _short(["policy.summary.join", "policy.join"])
    (['join', 'on_error'], ['summary.join', 'policy.join'])
    """
    parts = 1
    while True:
        found = [".".join(key.split(".")[-parts:]) for key in keys]
        if len(set(found)) == len(keys):
            return found
        parts += 1


def _passed(rows: Sequence[Mapping[str, Any]]) -> Column:
    cells = []
    for row in rows:
        passed = row["passed"] or {"count": 0, "of": 0}
        everything = passed["count"] == len(row["seeds"])
        cells.append(Text(f"{passed['count']}/{passed['of']}", "green" if everything else "red"))
    return Column("pass", cells)


def _measure(name: str, rows: Sequence[Mapping[str, Any]], best: Sequence[int]) -> Column:
    cells = []
    shown = [_mean(row["measures"].get(name)) for row in rows]
    marked = {shown[at] for at in best}  # a difference that cannot be seen makes nothing better
    for text in shown:
        mark, style = (BEST, "bold green") if text in marked else (" ", "")
        cells.append(Text(f"{text}{mark}", style) if text != "–" else Text(text, "dim"))
    measure, _, part = name.rstrip("}").partition("{")
    return Column(f"{measure} \n{part} " if part else f"{measure} ", cells)


def _mean(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "–"
    return f"{'≥ ' if value['censored'] else ''}{quantity(value['mean'], value['unit'])}"


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
