"""What the cost of faults looks like in the terminal: the verdict without each, and the differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cqrs_lab.terminal.sweep import STYLES
from cqrs_lab.terminal.wide import Column, wide_table
from reports.comparing.replications import measure_of
from reports.quantities import change, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType


def show_cost(table: Mapping[str, Any], question: str, width: int) -> RenderableType:
    """The runs with their verdicts, the measures that faults make a difference to, how to run them again."""
    names = {fault["index"]: f"{fault['kind']} {fault['on']}" for fault in table["faults"]}
    parts: list[RenderableType] = [
        Text.assemble(("COST  ", "bold"), (question, "italic")),
        Text(),
        _runs(table, names),
    ]
    costly = {
        name: row
        for name, row in table["measures"].items()
        if any(one["difference"] or one["bound"] for one in row["costs"])
    }
    if costly:
        parts += [Text(), Text("What each fault adds (value with all faults − value without it):", "italic")]
        for block in wide_table(_values(costly), _costs(table, costly), width):
            parts += [Text(), block]
    same = len(table["measures"]) - len(costly)
    if same:
        parts += [Text(), Text(f"No fault makes a difference to {same} other measures.", "dim")]
    again = table["runs"][1]["reproduce"]
    parts += [
        Text(),
        Text(f"Without fault {table['runs'][1]['without'][0]}, in full:"),
        Text(f"  {again}", "cyan", no_wrap=True, overflow="ignore"),
    ]
    return Group(*parts)


def _runs(table: Mapping[str, Any], names: Mapping[int, str]) -> Table:
    runs = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in ("without", "", "verdict", "why"):
        runs.add_column(head)
    for run in table["runs"]:
        left_out = run["without"]
        one = left_out[0] if len(left_out) == 1 else None
        what = names[one] if one is not None else f"all {len(left_out)}" if left_out else "with all faults"
        word = run["verdict"]
        why = run["why"]
        if word == "fail":
            why = ", ".join(run["broken"])
        elif word == "unknown" and run["undecided"]:
            why = "cannot be said: " + ", ".join(run["undecided"])
        runs.add_row("" if one is None else str(one), what, Text(word, STYLES[word]), Text(why))
    return runs


def _values(costly: Mapping[str, Mapping[str, Any]]) -> list[Column]:
    values = [
        Text(f"{'≥ ' if row['censored'] else ''}{quantity(row['value'], row['unit'])}")
        for row in costly.values()
    ]
    return [
        Column("measure", [Text(name) for name in costly], right=False),
        Column("with all", values),
    ]


def _costs(table: Mapping[str, Any], costly: Mapping[str, Mapping[str, Any]]) -> list[Column]:
    kinds = {fault["index"]: fault["kind"] for fault in table["faults"]}
    columns = []
    for at, run in enumerate(table["runs"][1:]):
        left_out = run["without"]
        head = f"fault {left_out[0]}\n{kinds[left_out[0]]}" if len(left_out) == 1 else "all\nfaults"
        columns.append(Column(head, [_difference(name, row, at) for name, row in costly.items()]))
    return columns


def _difference(name: str, row: Mapping[str, Any], at: int) -> Text:
    cost = row["costs"][at]
    value = cost["difference"]
    if value is None:
        return Text("–", "dim")
    if value == 0 and not cost["bound"]:
        return Text("·", "dim")
    worse = (value > 0) == measure_of(name).less_is_better
    bound = f"{cost['bound']} " if cost["bound"] else ""
    return Text(f"{bound}{change(value, row['unit'])}", "red" if worse else "green")
