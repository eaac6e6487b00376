"""What a run looks like in the terminal: progress while it runs, then the verdict and the main numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cqrs_lab.terminal.clients import clients_tables
from reports.measures.recovery import OTHER_ACTIVE
from reports.quantities import claimed, duration, fact, name_of_fact, quantity
from reports.read_models import called, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from cqrs_lab.experiment import Outcome

VERDICT_STYLES = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow"}
NARROW = 76
"""Terminals of fewer columns get fewer numbers."""

PERMANENT = ("missing", "extra", "doubled", "wrong", "pending", "parked")
"""The gaps that are left at the end; what was only late has closed by then."""

_MARKS = {True: Text("held", "green"), False: Text("broken", "bold red"), None: Text("unknown", "yellow")}


TELL_EVERY_S: Final = 10.0
"""So often a console that is no terminal, but a file or a pipe, is told how far a run is."""


class Progressing:
    """A progress bar on the console while a run goes on; on one that is no terminal, a line now and then."""

    def __init__(self, console: Console, scenario: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._shows = console.is_terminal
        self._console = console
        self._told_s = time.monotonic()
        self._scenario = scenario
        self._task = self._progress.add_task(scenario, total=1.0)

    def __enter__(self) -> Callable[[str, float], object]:
        if self._shows:
            self._progress.start()
        return self._update

    def __exit__(self, *exc_info: object) -> None:
        if self._shows:
            self._progress.stop()

    def _update(self, stage: str, share: float) -> None:
        said = f"{self._scenario}: {stage}"
        if self._shows:
            self._progress.update(self._task, completed=share, description=said)
        elif time.monotonic() - self._told_s >= TELL_EVERY_S:
            self._told_s = time.monotonic()
            self._console.print(f"{said} ({share:.0%})", soft_wrap=True, highlight=False, markup=False)


def show(outcome: Outcome, question: str, width: int) -> RenderableType:
    """Verdict, numbers, claims, the sentence to repeat in a meeting, and where it all is.

    For a terminal so many characters wide; a narrow one gets fewer numbers.
    """
    summary = outcome.summary
    followed = any(lag["count"] for lag in summary["lag_s"].values())
    read_models = [_read_models(summary, width)] if followed else []
    tables = [*read_models, _counts(summary), *clients_tables(summary)]
    return framed(outcome, question, tables)


def framed(outcome: Outcome, question: str, tables: Sequence[RenderableType]) -> RenderableType:
    """The tables of a run between its verdict and what follows from them."""
    verdict = outcome.verdict
    word = verdict["verdict"]
    parts: list[RenderableType] = [
        Text.assemble((f"{word.upper()}  ", VERDICT_STYLES[word]), (question, "italic")),
    ]
    for table in tables:
        parts += [Text(), table]
    if verdict["results"]:
        parts += [Text(), _claims(verdict["results"])]
    if any(result["held"] is False for result in verdict["results"]):
        again = Text(f"  {verdict['reproduce']}", "cyan", no_wrap=True, overflow="ignore")
        parts += [Text(), Text("What is broken is broken again by"), again]
    parts += [Text(f"unknown because {reason}", "yellow") for reason in verdict["unknown_because"]]
    place = Text(f"Run folder: {outcome.folder}", no_wrap=True, overflow="ignore")
    parts += [Text(), Text(outcome.sentence, "bold"), Text(), place]
    return Group(*parts)


def _read_models(summary: dict[str, Any], width: int) -> Table:
    """A line for each read model that had events, and for each of its copies."""
    lags = {name: lag for name, lag in summary["lag_s"].items() if lag["count"]}
    never = any(lag["censored"] for lag in lags.values())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("read model", vertical="bottom", min_width=8)
    percentiles = {"p50": "lag p50", "p95": "p95", "p99": "p99", "max": "max"}
    if width < NARROW:
        del percentiles["p95"]
    backlog = [] if width < NARROW else ["largest\nbacklog"]
    for head in ("events", *(["never"] if never else []), *percentiles.values(), *backlog, "recovery"):
        table.add_column(head, justify="right", no_wrap=True, vertical="bottom")
    for view in in_order(lags):
        lag = lags[view]
        table.add_row(
            called(view),
            f"{lag['count']:,}",
            *([f"{lag['censored']:,}"] if never else []),
            *(duration(lag[key]) for key in percentiles),
            *(f"{summary['backlog_events'][view]['max']:,}" for _ in backlog),
            _recovery(summary, view),
        )
    return table


def _recovery(summary: dict[str, Any], view: str) -> str:
    """The longest recovery of the view after a fault, ≥ if that was cut off by the next or by the end.

    As in the sentence, an occurrence that ended while another was active is left to that one.
    """
    ended = [fault for fault in summary["faults"] if fault["recovery_censored"].get(view) != OTHER_ACTIVE]
    if not ended:
        return "–"
    longest = max(ended, key=lambda fault: fault["recovery_at_least_s"][view])
    took_s = longest["recovery_at_least_s"][view]
    return ("≥ " if longest["recovery_s"][view] is None else "") + duration(took_s)


def _counts(summary: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column()
    orders = summary["orders"]
    ended = [f"{orders[what]:,} {what}" for what in ("acknowledged", "rejected", "failed")]
    ended += [f"{orders['unanswered']:,} unanswered"] if orders.get("unanswered") else []
    table.add_row("orders", ", ".join(ended))
    for kind, reads in summary["reads"].items():
        if reads["count"]:
            table.add_row(f"reads of {kind}", _stale(reads))
    writes = summary["session"]["read_your_writes"]
    if writes["opportunities"]:
        share = writes["violations"] / writes["opportunities"]
        table.add_row(
            "read your writes",
            f"{writes['violations']:,} of {writes['opportunities']:,} reads missed one"
            f" ({quantity(share, 'share')})",
        )
    for view, gaps in summary["gaps"].items():
        found = [f"{gaps[what]:,} {what}" for what in PERMANENT if gaps[what]]
        table.add_row(f"at the end, {view}", ", ".join(found) if found else "complete and right")
    return table


def _stale(reads: dict[str, Any]) -> str:
    """How many of the reads that can be judged were stale; a failed read, or one of a list, is not judged."""
    if not reads["judged"]:
        return f"{reads['count']:,}, none that can be judged"
    many = "none" if not reads["stale"] else f"{reads['stale']:,}"
    of = "" if reads["judged"] == reads["count"] else f" of the {reads['judged']:,} that can be judged"
    share = f" ({quantity(reads['stale_ratio'], 'share')})" if reads["stale"] else ""
    return f"{reads['count']:,}, {many}{of} stale{share}"


def _claims(results: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in ("expected", "when", "", "found"):
        table.add_column(head, no_wrap=head != "found")
    for result in results:
        table.add_row(result["text"], result["when"], _MARKS[result["held"]], Text(_found(result)))
    return table


def _found(result: dict[str, Any]) -> str:
    if result["counter_examples"]:
        count = result["count"]
        many = "1 counter-example" if count == 1 else f"{count:,} counter-examples, the first"
        facts = result["counter_examples"][0].items()
        told = (f"{name_of_fact(key)} {fact(key, value)}" for key, value in facts if value not in (None, ""))
        return f"{many}: {', '.join(told)}"
    if result["value"] is None:
        return str(result["reason"] or "")
    text = result["text"]
    number = claimed(text, result["value"])
    if result["held"] is False and result["margin"] and number == claimed(text, result["limit"]):
        number += f", {claimed(text, -result['margin'])} beyond it"
    number = f"≥ {number}" if result["censored"] else number
    return f"{number} (of {result['sample_size']:,})" if result["sample_size"] else number
