"""Stock: how much of each product there was, what was ordered of it, and by how much it was oversold.

Oversold are the units by which accepted orders exceed what was ever in stock, per product. What was ever in
stock is the stock at the start of the run and every acknowledged adjustment of it. A pending order that the
inventory has turned down was not accepted.
"""

from typing import Any, NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, integers, seconds
from reports.evidence.following import committed_s, event_rows
from reports.evidence.frames import Run
from reports.evidence.noted import committed_by_s
from reports.evidence.placed import turned_down


class Units(NamedTuple):
    """So many units of a product, at an instant; −∞: from the start."""

    product_id: Integers
    quantity: Integers
    at_s: Seconds


def at_start(run: Run) -> Units:
    """What was on hand before the run began."""
    position = integers(run, "levels", "position")
    first = event_rows(run, "inventory", position) < 0
    product_id = integers(run, "levels", "product_id")[first]
    units = integers(run, "levels", "available")[first]
    return Units(product_id, units, np.full(len(units), -np.inf))


def ordered(run: Run) -> tuple[Units, Integers]:
    """The lines of the orders that count, at their commits, and each one's row in `events`."""
    found: Any = run.memory.get(("ordered",))
    if found is None:
        rows = event_rows(run, "orders", integers(run, "lines", "position"))
        counts = (rows >= 0) & ~turned_down(run, np.append(integers(run, "events", "order_id"), -1)[rows])
        product_id, quantity = (integers(run, "lines", name)[counts] for name in ("product_id", "quantity"))
        at_s = committed_by_s(run, "inventory")[rows[counts]]
        found = run.memory["ordered",] = (Units(product_id, quantity, at_s), rows[counts])
    result: tuple[Units, Integers] = found
    return result


def adjusted(run: Run, *outcomes: str) -> tuple[Units, Integers]:
    """The adjustments of clients that ended so, at their arrivals, and each one's row in `commands`."""
    asked = flags(run, "commands", "kind", "restock") & flags(run, "commands", "outcome", *outcomes)
    rows = np.flatnonzero(asked)
    product_id, quantity = (integers(run, "commands", name)[rows] for name in ("product_id", "quantity"))
    return Units(product_id, quantity, seconds(run, "commands", "arrived_s")[rows]), rows


def added(run: Run) -> Units:
    """The acknowledged adjustments, at their commits, or when they were answered if none is known."""
    units, rows = adjusted(run, "acknowledged")
    at_s = committed_s(run, "inventory", integers(run, "commands", "position")[rows])
    return units._replace(at_s=np.where(np.isnan(at_s), seconds(run, "commands", "answered_s")[rows], at_s))


def oversold(run: Run) -> dict[int, int]:
    """Units oversold by product id, of the oversold products."""
    products, short = per_product((ordered(run)[0],), minus=(at_start(run), added(run)))
    return {int(product): int(units) for product, units in zip(products, short, strict=True) if units > 0}


def per_product(plus: tuple[Units, ...], minus: tuple[Units, ...]) -> tuple[Integers, Integers]:
    """The product ids, ascending, and each one's units: those of `plus` less those of `minus`."""
    product_id = np.concatenate([part.product_id for part in (*plus, *minus)])
    quantity = np.concatenate([*(part.quantity for part in plus), *(-part.quantity for part in minus)])
    products, index = np.unique(product_id, return_inverse=True)
    total = np.zeros(len(products), dtype=np.int64)
    np.add.at(total, index, quantity)
    return products, total


def some(units: Units, chosen: Flags) -> Units:
    """Those of the units that are chosen."""
    return Units(units.product_id[chosen], units.quantity[chosen], units.at_s[chosen])


def together(*parts: Units) -> Units:
    """All of the units."""
    return Units(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def total_at(units: Units, product_id: Integers, at_s: Seconds) -> Integers:
    """For each product and instant the sum of the product's units up to, and at, that instant."""
    n = len(product_id)
    products = np.concatenate([product_id, units.product_id])
    asked = np.arange(len(products)) < n
    order = np.lexsort((asked, np.concatenate([at_s, units.at_s]), products))
    change = np.concatenate([np.zeros(n, dtype=np.int64), units.quantity])[order]
    total = np.cumsum(change)
    new = np.append(True, products[order][1:] != products[order][:-1])[: len(order)]
    result = np.empty(len(order), dtype=np.int64)
    result[order] = total - (total - change)[new][np.cumsum(new) - 1]
    return result[:n]
