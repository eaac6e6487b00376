"""The parts of the page that show a figure over time or a distribution, each with its numbers as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.page.markup import Markup, figure, folded, paragraph, section, table
from reports.quantities import duration, quantity
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from reports.page.markup import Content
    from reports.page.told import Told

OVER_TIME = (
    "Grey bands are faults, with their names or their numbers in the table of faults; dotted lines part "
    "warm, run and settle."
)


def consistency(told: Told) -> Markup:
    """The figure: time behind and lag."""
    heads = ["read model", "changes", "never", "lag p50", "p95", "p99", "max", "most behind", "share behind"]
    rows = []
    for view, lag in _by_view(told, "lag_s").items():
        behind = told.summary["time_behind_s"][view]
        rows.append(
            [
                called(view),
                f"{lag['count']:,}",
                f"{lag['censored']:,}",
                *(duration(lag[name]) for name in ("p50", "p95", "p99", "max")),
                duration(behind["max"]),
                quantity(behind["share_behind"], "share"),
            ]
        )
    caption = (
        "Above: how old the oldest change is that a read model does not show yet. Below: how long the "
        "changes of each moment took to become visible, half of them (thin) and 99 % of them (thick). "
        f"{OVER_TIME}"
    )
    numbers = table(
        heads, rows, "Lag and time behind in the run phase; a change never seen counts as at least so late"
    )
    return _section(told, "consistency", "How far behind, and when", caption, numbers if rows else None)


def backlog(told: Told) -> Markup:
    """The backlog over time."""
    found = _by_view(told, "backlog_events")
    rows = [[called(view), quantity(one["mean"], "count"), f"{one['max']:,}"] for view, one in found.items()]
    numbers = table(["read model", "mean", "max"], rows, "Backlog in events, in the run phase")
    caption = f"How many changes were committed and not yet visible. {OVER_TIME}"
    return _section(told, "backlog", "Backlog", caption, numbers if rows else None)


def visibility(told: Told) -> Markup:
    """The visibility curve."""
    found = _by_view(told, "visible_within")
    after = list(next(iter(found.values()), {}))
    rows = [[called(view), *(quantity(one[key], "share") for key in after)] for view, one in found.items()]
    numbers = table(["within", *(f"{key} s" for key in after)], rows, "The share of changes visible")
    caption = (
        "The share of the changes in the run phase that could be seen within x of their commit; thin: of "
        "those that were not under way while a fault lasted or was being recovered from."
    )
    return _section(told, "visibility", "Visible within", caption, numbers if rows else None)


def tail(told: Told) -> Markup:
    """The tail of the lag."""
    names = ("mean", "p50", "p95", "p99", "p999", "max")
    rows = [
        [called(view), *(duration(lag[name]) for name in names)]
        for view, lag in _by_view(told, "lag_s").items()
    ]
    numbers = table(["lag", *names], rows, "The distribution of the lag in the run phase")
    caption = "The share of changes that took longer than x; what stays up at the right end was never seen."
    return _section(told, "lag_ccdf", "The tail", caption, numbers if rows else None)


def violations(told: Told) -> Markup:
    """What readers noticed."""
    if "session_violations" not in told.drawn:
        return section("violations", "What readers noticed", paragraph("No read of this run was judged."))
    heads = ["reads", "count", "stale", "share", "versions behind, mean", "failed"]
    rows: list[list[Content]] = []
    for kind, one in told.summary.get("reads", {}).items():
        if one["count"]:
            share, behind = quantity(one["stale_ratio"], "share"), one["mean_versions_behind"]
            mean = "–" if behind is None else f"{behind:.3g}"
            rows.append(
                [kind, f"{one['count']:,}", f"{one['stale']:,}", share, mean, f"{one.get('failed', 0):,}"]
            )
    caption = (
        "The share of reads that missed a change of what they asked for, and of reads by customers that "
        f"missed their own, acknowledged orders. {OVER_TIME}"
    )
    numbers = [table(heads, rows, "Reads in the run phase")] if rows else []
    numbers += _guarantees(told)
    return _section(told, "session_violations", "What readers noticed", caption, *numbers)


def _guarantees(told: Told) -> list[Markup]:
    rows = [
        [
            name.replace("_", " "),
            f"{one['opportunities']:,}",
            f"{one['violations']:,}",
            quantity(one["violations"] / one["opportunities"], "share") if one["opportunities"] else "–",
        ]
        for name, one in told.summary.get("session", {}).items()
    ]
    heads = ["guarantee", "chances", "violations", "share"]
    return [table(heads, rows, "What a session may rely on, in the run phase")] if rows else []


def clients(told: Told) -> Markup:
    """Throughput and latency as the clients of a real server saw them; nothing without such clients."""
    if not {"throughput_latency", "probed_visibility"} & set(told.drawn):
        return Markup("")
    caption = (
        "Above: requests that were meant to be sent, answered, failed or dropped. Below: latency from the "
        "instant at which a request was meant to be sent, half of them (thin) and 99 % of them (thick)."
    )
    seen = "The share of acknowledged writes that clients saw within x, by looking again and again."
    parts = [
        figure(name, told.drawn[name], words)
        for name, words in (("throughput_latency", caption), ("probed_visibility", seen))
        if name in told.drawn
    ]
    return section("clients", "Throughput and latency", *parts, *_generator(told), *_client_tables(told))


def _generator(told: Told) -> list[Markup]:
    """Whether the load was what it was meant to be: a generator that falls behind is no measure."""
    found: dict[str, Any] = told.summary.get("generator") or {}
    late_s = (found.get("late_s") or {}).get("p99")
    if not found.get("wall_s") or late_s is None:
        return []
    words = (
        f"The busiest process that made the load used {found.get('cpu_s', 0.0) / found['wall_s']:.0%} of a "
        f"core; 99 % of the requests of open loads were sent at most {duration(late_s)} late."
    )
    return [paragraph(words, class_="facts")]


def _client_tables(told: Told) -> list[Markup]:
    found: dict[str, Any] = told.summary.get("client") or {}
    rows = []
    for request, ended in found.get("requests", {}).items():
        latency = found.get("latency_s", {}).get(request, {}).get("from_intended", {})
        rows.append(
            [
                request,
                *(f"{ended.get(name, 0):,}" for name in ("ok", "rejected", "failed", "dropped")),
                *(duration(latency.get(name)) for name in ("p50", "p99", "max")),
            ]
        )
    heads = ["request", "ok", "rejected", "failed", "dropped", "latency p50", "p99", "max"]
    lags = [
        [
            view,
            f"{lag['count']:,}",
            f"{lag['censored']:,}",
            *(duration(lag[name]) for name in ("p50", "p99", "max")),
        ]
        for view, lag in found.get("lag_s", {}).items()
    ]
    tables = [table(heads, rows, "Requests in the run phase")] if rows else []
    if lags:
        seen = ["writes seen through", "looked for", "never seen", "p50", "p99", "max"]
        tables.append(table(seen, lags, "How long after its acknowledgement a write was seen"))
    return tables + _vantage(found.get("vantage") or {})


def _vantage(found: dict[str, Any]) -> list[Markup]:
    """The lag of the same orders as the server's trace has it and as their clients measured it."""
    if not found.get("count"):
        return []
    names = ("p50", "p95", "p99", "max")
    rows = [[who, *(duration(found[who][name]) for name in names)] for who in ("server", "client")]
    caption = (
        f"The lag of the {found['count']:,} orders that clients looked for, as the server's trace has it and "
        f"as clients measured it: theirs begins {duration(found['answered_after'])} later, with the answer, "
        f"and ends {duration(found['noticed_after'])} later, with the look that showed it (medians)"
    )
    return [table(["seen from the", *names], rows, caption)]


def _by_view(told: Told, key: str) -> dict[str, Any]:
    """A part of the summary by read model, in the order of the legends."""
    found = told.summary.get(key, {})
    return {name: found[name] for name in shown_consumers(told.run) if name in found}


def _section(told: Told, name: str, title: str, caption: str, *numbers: Markup | None) -> Markup:
    tables = [one for one in numbers if one is not None]
    parts: list[Content] = []
    if name in told.drawn:
        parts.append(figure(name, told.drawn[name], caption))
    else:
        why = "The run does not hold what this figure is made of."
        if not told.missing:
            why = "No read model had anything to follow in this run."
        parts.append(paragraph(why, class_="facts"))
    if tables:
        parts.append(folded("The numbers", *tables))
    return section(name, title, *parts)
