"""What a sweep looks like in the terminal: how many seeds pass, the main measures, the seeds to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cqrs_lab.terminal.run import VERDICT_STYLES
from reports.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import RenderableType

SHOWN = (
    "lag.p99",
    "lag.max",
    "backlog.max",
    "recovery",
    "stale_reads",
    "read_your_writes",
    "monotonic_reads",
    "accepted",
    "latency.p99",
    "gaps.missing",
    "gaps.extra",
    "gaps.doubled",
    "gaps.wrong",
    "gaps.pending",
    "gaps.parked",
    "oversold",
    "dead_letters",
)
"""The measures of the table; sweep.json has the others too."""

STYLES = VERDICT_STYLES | {"error": "bold red"}


def show_sweep(table: Mapping[str, Any], question: str, folder: Path | None) -> RenderableType:
    """The verdict over all seeds, the spread of each measure, broken claims, and what to run again."""
    word = table["verdict"]
    parts: list[RenderableType] = [
        Text.assemble((f"{word.upper()}  ", STYLES[word]), (question, "italic")),
        Text(),
        Text(_passed(table)),
        Text(),
    ]
    shown = {name: row for name, row in table["measures"].items() if name.partition("{")[0] in SHOWN}
    quiet = [name for name, row in shown.items() if row["least"] == row["most"] == 0]
    rows = {name: row for name, row in shown.items() if name not in quiet}
    if rows:
        parts.append(_measures(rows))
    if quiet:
        parts += [Text(), Text(f"Nothing in any seed: {', '.join(quiet)}.")]
    broken = {
        text: counts for text, counts in table["claims"].items() if counts["held"] < sum(counts.values())
    }
    if broken:
        parts += [Text(), _claims(broken)]
    if table["worst"]:
        parts += [Text(), *_worst(table)]
    if folder is not None:
        parts += [Text(), Text(f"Sweep folder: {folder}")]
    return Group(*parts)


def _passed(table: Mapping[str, Any]) -> str:
    passed, counts = table["passed"], table["verdicts"]
    if passed is None:
        return f"None of {len(table['seeds'])} seeds could be run."
    many = f"{passed['count']:,} of {passed['of']:,} seeds pass"
    interval = f"95 % interval {100 * passed['low']:.3g}–{100 * passed['high']:.3g} %"
    others = [
        f"{counts[word]:,} {text}"
        for word, text in (("fail", "fail"), ("unknown", "unknown"), ("error", "broke the lab"))
        if counts[word]
    ]
    tail = f"; {', '.join(others)}" if others else ""
    return f"{many} ({100 * passed['share']:.3g} %, {interval}){tail}."


def _measures(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("measure", no_wrap=True)
    for head in ("mean", "95 % interval", "range", "worst"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, row in rows.items():
        unit, bound = row["unit"], "≥ " if row["censored"] else ""
        table.add_row(
            name,
            bound + quantity(row["mean"], unit),
            "–" if row["low"] is None else _between(row["low"], row["high"], unit),
            _between(row["least"], row["most"], unit, bound),
            "" if row["least"] == row["most"] else f"seed {row['worst_seed']}",
        )
    return table


def _between(low: float, high: float, unit: str, bound: str = "") -> str:
    first, last = quantity(low, unit), quantity(high, unit)
    if first == last:
        return bound + first
    number, _, unit_of_first = first.rpartition(" ")
    return bound + (
        f"{number} – {last}" if number and last.endswith(f" {unit_of_first}") else f"{first} – {last}"
    )


def _claims(claims: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expected, but not in every seed")
    for head in ("held", "broken", "undecided"):
        table.add_column(head, justify="right")
    for text, counts in claims.items():
        style = "red" if counts["broken"] else "yellow"
        table.add_row(Text(text, style), *(f"{counts[word]:,}" for word in ("held", "broken", "undecided")))
    return table


def _worst(table: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for named in table["worst"]:
        word = named["verdict"]
        parts.append(Text.assemble(f"seed {named['seed']} ", (word, STYLES[word]), f": {named['why']}"))
        parts.append(Text(f"  {named['reproduce']}", "cyan", no_wrap=True, overflow="ignore"))
    bad = sum(table["verdicts"][word] for word in ("fail", "unknown", "error"))
    if bad > len(table["worst"]):
        parts.append(Text(f"… and {bad - len(table['worst']):,} more seeds, named in sweep.json"))
    return parts
