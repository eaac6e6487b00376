"""The orders that came latest, each with its messages drawn as a sequence diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.journey import worst_orders
from reports.page.markup import Markup, figure, paragraph, section, tag
from reports.quantities import duration

if TYPE_CHECKING:
    from reports.journey import Worst
    from reports.page.told import Told


def sequence_name(order_id: int) -> str:
    """What the figure of an order's messages is called."""
    return f"order-{order_id}"


def worst(told: Told) -> Markup:
    """The latest orders of the run phase; the first of them unfolded."""
    if told.is_probe:
        return Markup("")
    found = [one for one in worst_orders(told.run) if sequence_name(one.order_id) in told.drawn]
    if not found:
        return section("worst", "The worst orders", paragraph("No order was placed in the run phase."))
    intro = paragraph(
        "Time runs downwards, not to scale; the left column says how long after the first line. A message "
        "stands where it was taken up. A dashed arrow is an answer without the order."
    )
    parts = [_one(told, one, is_open=number == 0) for number, one in enumerate(found)]
    return section("worst", _title(len(found)), intro, *parts)


def _title(number: int) -> str:
    which = "worst order" if number == 1 else f"{number} worst orders"
    return f"The {which}: seen last, or never"


def _one(told: Told, one: Worst, *, is_open: bool) -> Markup:
    name = sequence_name(one.order_id)
    late = (
        f"never seen in the {duration(one.lag_s)} until the end of the run"
        if one.never
        else f"visible after {duration(one.lag_s)}"
    )
    title = tag("summary", tag("strong", f"Order {one.order_id}"), f", {late}", class_="order")
    drawing = figure(name, told.drawn[name], "")
    body = f"{title}{drawing}"
    return Markup(f"<details{' open' if is_open else ''}>{body}</details>")
