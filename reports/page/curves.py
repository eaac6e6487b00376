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
