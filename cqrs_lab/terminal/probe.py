"""What a probe looks like in the terminal: lag as its client saw it, the write's latencies, the prober."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from cqrs_lab.terminal.run import framed
from reports.quantities import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from cqrs_lab.experiment import Outcome

COLUMNS = ("p50", "p95", "p99", "max")


def show_probe(outcome: Outcome, question: str) -> RenderableType:
    """Verdict, numbers, claims, the sentence, and where it all is."""
    client = outcome.summary["client"]
    return framed(
        outcome, question, [_lags(client), _latencies(client), _prober(outcome.summary["generator"])]
    )


def _lags(client: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("read through")
    for head in ("writes", "lag p50", *COLUMNS[1:], "known to"):
        table.add_column(head, justify="right")
    for view, lag in client["lag_s"].items():
        count = f"{lag['count']:,}" + (f" ({lag['censored']:,} never)" if lag["censored"] else "")
        known = duration(lag["resolution"]["p50"])
        table.add_row(view, count, *(duration(lag[name]) for name in COLUMNS), known)
    return table


def _latencies(client: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("write", "ended", "latency from"):
        table.add_column(head)
    for head in COLUMNS:
        table.add_column(head, justify="right")
    for request, ended in client["requests"].items():
        latency = client["latency_s"][request]
        told = ", ".join(f"{n:,} {name}" for name, n in ended.items() if n)
        intended, sent = (
            [duration(latency[since][name]) for name in COLUMNS] for since in ("from_intended", "from_sent")
        )
        table.add_row(request, told, "intended", *intended)
        table.add_row("", "", "sent", *sent)
    return table


def _prober(generator: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column()
    share = generator["cpu_s"] / generator["wall_s"]
    late = f"99 % of the writes sent within {duration(generator['late_s']['p99'])} of their instants"
    table.add_row("the prober", f"{share:.0%} of a core, {generator['dropped']:,} dropped, {late}")
    return table
