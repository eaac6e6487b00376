"""The part of the page that tells what clients of a real server have measured, and how well they could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.measures.client_side import OUTCOMES
from reports.measures.vantage import SIDES, difference
from reports.page.markup import Markup, figure, paragraph, section, table
from reports.quantities import duration, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.page.told import Told

PERCENTILES = ("p50", "p95", "p99", "max")


def clients(told: Told) -> Markup:
    """Throughput, latency and lag as clients saw them, and their generator; nothing without such clients."""
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
    found: Mapping[str, Any] = told.summary.get("client") or {}
    tables = [*_requests(found), *_lags(found), *_vantage(found.get("vantage") or {})]
    generator = told.summary.get("generator") or {}
    of = "" if told.is_probe else " in the run phase"
    return section("clients", "Throughput and latency", *parts, *tables, *_generator(generator, of))


def _requests(found: Mapping[str, Any]) -> list[Markup]:
    """How requests ended, and both of their latencies."""
    rows = []
    for request, ended in found.get("requests", {}).items():
        latency = found.get("latency_s", {}).get(request, {})
        intended, sent = (latency.get(since, {}) for since in ("from_intended", "from_sent"))
        rows.append(
            [
                request,
                *(f"{ended.get(name, 0):,}" for name in OUTCOMES),
                *(duration(since.get(name)) for since in (intended, sent) for name in ("p50", "p99")),
            ]
        )
    heads = ["request", *OUTCOMES, "intended p50", "p99", "sent p50", "p99"]
    caption = (
        "Requests in the run phase, and the latency of those that ended well: from the instant at which they "
        "were meant to be sent, and from the one at which they were"
    )
    return [table(heads, rows, caption)] if rows else []


def _lags(found: Mapping[str, Any]) -> list[Markup]:
    rows = [
        [
            view,
            f"{lag['count']:,}",
            f"{lag['censored']:,}",
            *(duration(lag[name]) for name in PERCENTILES),
            duration(lag["resolution"]["p50"]),
        ]
        for view, lag in found.get("lag_s", {}).items()
    ]
    heads = ["writes seen through", "looked for", "never seen", *PERCENTILES, "known to"]
    caption = (
        "How long after its acknowledgement a write was seen; known to: the time since the look that missed "
        "it, in the median"
    )
    return [table(heads, rows, caption)] if rows else []


def _vantage(found: Mapping[str, Any]) -> list[Markup]:
    """The lag of the same orders as the server's trace has it and as their clients measured it."""
    if not found.get("count"):
        return []
    never = found.get("censored", {})
    rows = [
        [who, f"{never.get(who, 0):,}", *(duration(found[who][name]) for name in PERCENTILES)]
        for who in SIDES
    ]
    caption = (
        f"The lag of the {found['count']:,} orders that clients looked for, as the server's trace has it and "
        f"as their clients measured it"
    )
    heads = ["seen from the", "never seen", *PERCENTILES]
    return [table(heads, rows, caption), paragraph(difference(found), class_="facts")]


def _generator(found: Mapping[str, Any], of: str) -> list[Markup]:
    """How well the load `of` some time was made; nothing where nobody made one."""
    if not found:
        return []
    late_s, wall_s = found.get("late_s", {}), found.get("wall_s", 0.0)
    share = quantity(found["cpu_s"] / wall_s, "share") if wall_s else "–"
    heads = ["meant to be sent", "sent", "missed", "late p50", "p99", "max", "processor"]
    row = [
        *(quantity(found.get(name), "count") for name in ("intended", "sent", "dropped")),
        *(duration(late_s.get(name)) for name in ("p50", "p99", "max")),
        share,
    ]
    caption = (
        f"The load generator{of}: requests, how late those of open loads were sent, and the share of a core "
        "that its busiest process used"
    )
    kept_up, reason = found.get("kept_up", True), found.get("reason", "")
    words = "It kept up." if kept_up else f"It could not keep up: {reason}."
    return [table(heads, [row], caption), paragraph(words, class_="facts")]
