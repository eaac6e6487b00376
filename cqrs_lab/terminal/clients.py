"""What clients of a live run have measured, in the terminal: lag from both vantage points, and requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from reports.evidence.ledger import CUSTOMERS_VIEW
from reports.measures.vantage import SIDES, difference
from reports.quantities import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

PERCENTILES = ("p50", "p95", "p99", "max")


def clients_tables(summary: dict[str, Any]) -> Iterator[Table]:
    """The tables for a run with clients; none for any other."""
    if "client" not in summary:
        return
    if summary["client"]["vantage"]["count"]:
        yield _vantage(summary["client"])
    yield _requests(summary)


def _vantage(client: dict[str, Any]) -> Table:
    """The lag of the same orders by the server's trace and as clients saw it, and why they differ."""
    vantage, resolution = client["vantage"], client["lag_s"][CUSTOMERS_VIEW]["resolution"]
    words = difference(vantage)
    if resolution["p50"] is not None:
        words += f" That came {duration(resolution['p50'])} after the look before."
    table = _table(words)
    table.add_column(f"lag of {vantage['count']:,} orders")
    for head in ("never seen", *PERCENTILES):
        table.add_column(head, justify="right")
    for side, name in zip(SIDES, ("as the server traced it", "as its client saw it"), strict=True):
        never = f"{vantage['censored'][side]:,}"
        table.add_row(name, never, *(duration(vantage[side][key]) for key in PERCENTILES))
    return table


def _requests(summary: dict[str, Any]) -> Table:
    """How requests ended, their latency from when they were sent, and from when they were to be."""
    client, generator = summary["client"], summary["generator"]
    share = generator["cpu_s"] / generator["wall_s"] if generator["wall_s"] else 0.0
    table = _table(
        f"The load's busiest process used {share:.0%} of a core; {generator['dropped']:,} requests were "
        f"missed, 99 % of those of open loads sent at most {duration(generator['late_s']['p99'])} late."
    )
    table.add_column("\nrequest", overflow="fold")  # the only one that a narrow terminal may break
    table.add_column("\nended", no_wrap=True)
    for head in ("sent\np50", "\np99", "intended\np50", "\np99"):
        table.add_column(head, justify="right", no_wrap=True)
    for request, counts in client["requests"].items():
        sent, intended = (client["latency_s"][request][since] for since in ("from_sent", "from_intended"))
        latencies = (since[key] for since in (sent, intended) for key in ("p50", "p99"))
        ended = "\n".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
        table.add_row(request, ended, *(duration(value) for value in latencies))
    return table


def _table(caption: str) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", caption=caption, caption_justify="left")
