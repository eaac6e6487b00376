"""Gaps: what customers did not see or saw wrongly, for a time and for good; and the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.evidence.columns import integers, seconds
from reports.evidence.endings import dead_letters
from reports.evidence.following import event_rows
from reports.page.expectations import counter_examples
from reports.page.markup import Markup, figure, paragraph, section, table
from reports.quantities import duration
from reports.read_models import called

if TYPE_CHECKING:
    from reports.page.markup import Content
    from reports.page.told import Told

MEANINGS = {
    "missing": "orders that customers do not see",
    "extra": "rows of orders that do not exist",
    "doubled": "further rows of an order",
    "wrong": "rows that say another thing than the order",
    "pending": "rows with a number in place of a product's name",
    "parked": "orders put aside as dead letters",
}

SHOWN = 8
"""So many dead letters at most of each consumer have a line."""


def gaps(told: Told) -> Markup:
    """Transient and permanent gaps, and the counter-examples of what was broken."""
    parts: list[Content] = []
    if "gaps" in told.drawn:
        caption = (
            "How many orders were missing, doubled or wrong at a time. What comes back to zero was only "
            "late; what is left at the right end stays. Of what was oversold units are counted."
        )
        parts.append(figure("gaps", told.drawn["gaps"], caption))
    for view, found in told.summary.get("gaps", {}).items():
        rows = [
            [kind, f"{found['transient'][kind]:,}", f"{found[kind]:,}", meaning]
            for kind, meaning in MEANINGS.items()
            if found["transient"][kind] or found[kind]
        ]
        if rows:
            heads = ["gap", "most at a time that closed", "left for good", "meaning"]
            parts.append(table(heads, rows, f"Gaps of the {view} against the order service's own rows"))
        else:
            parts.append(paragraph(f"At no time was an order missing from, or wrong in, the {view}."))
        if found.get("late"):
            late = f"{found['late']:,} orders were, however shortly, not visible yet when acknowledged."
            parts.append(paragraph(late, class_="facts"))
    parts += _oversold(told)
    parts += counter_examples(told)
    if not parts:
        parts.append(paragraph("The run does not tell.", class_="facts"))
    return section("gaps", "Gaps, late and lost", *parts)


def _oversold(told: Told) -> list[Markup]:
    stock = told.summary.get("stock", {})
    units = stock.get("oversold_units", 0)
    if not units:
        return []
    products = stock["oversold_products"]
    of = "one product" if products == 1 else f"{products:,} products"
    return [paragraph(f"{units:,} units of {of} were sold that never were in stock.")]


def letters(told: Told) -> Markup:
    """How many events each consumer has put aside, and the first of them."""
    heads = ["consumer", "dead letters", "oldest waited", "handled", "attempts", "failed attempts"]
    rows = [
        [
            called(consumer),
            f"{done['dead_letters']:,}",
            duration(done["oldest_dead_letter_s"]),
            f"{done['applied']:,}",
            f"{done['attempts']:,}",
            f"{done['failed_attempts']:,}",
        ]
        for consumer, done in told.summary.get("applied", {}).items()
    ]
    if not rows:
        return Markup("")
    listed = _listed(told)
    parts: list[Content] = [] if listed else [paragraph("No event was put aside.")]
    if listed:
        lines = ["consumer", "log", "position", "order", "put aside at"]
        parts.append(
            table(lines, listed, f"Dead letters at the end, {SHOWN} at most of each consumer and log")
        )
    parts.append(table(heads, rows, "Handling of the run phase's events"))
    return section("letters", "Dead letters", *parts)


def _listed(told: Told) -> list[list[Content]]:
    run = told.run
    rows: list[list[Content]] = []
    for consumer, sources in run.consumers.items():
        for source in sources:
            found = dead_letters(run, consumer, source)
            positions, at = found.position[:SHOWN], found.rows[:SHOWN]
            orders = integers(run, "events", "order_id")[event_rows(run, source, positions)]
            since_s = seconds(run, "applied", "applied_s")[at]
            rows += [
                [
                    called(consumer),
                    source,
                    str(position),
                    str(order) if order >= 0 else "–",
                    duration(float(at_s)),
                ]
                for position, order, at_s in zip(positions.tolist(), orders.tolist(), since_s, strict=True)
            ]
    return rows
