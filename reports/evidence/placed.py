"""The orders as the command side placed them: where each stands in the log, and what it holds at the end."""

from typing import Any

import numpy as np

from reports.evidence.arrays import Flags, Integers
from reports.evidence.columns import flags, integers
from reports.evidence.frames import Run


def placed_rows(run: Run, order_ids: Integers) -> Integers:
    """The row in `events` of each order's `OrderPlaced`; −1 where there is none."""
    key = ("placed",)
    found: Any = run.memory.get(key)
    if found is None:
        placed = flags(run, "events", "source", "orders") & flags(run, "events", "type", "OrderPlaced")
        found = run.memory[key] = _ascending(integers(run, "events", "order_id"), np.flatnonzero(placed))
    known, rows = found
    return _looked_up(known, rows, order_ids)


def order_rows(run: Run, order_ids: Integers) -> Integers:
    """The row in `orders` of each order; −1 where the command side has no such order."""
    key = ("orders",)
    found: Any = run.memory.get(key)
    if found is None:
        ids = integers(run, "orders", "order_id")
        found = run.memory[key] = _ascending(ids, np.arange(len(ids)))
    known, rows = found
    return _looked_up(known, rows, order_ids)


def turned_down(run: Run, order_ids: Integers) -> Flags:
    """Which of the orders were accepted as pending and got none of their units from the inventory."""
    rejected = flags(run, "events", "type", "StockRejected")
    return np.isin(order_ids, integers(run, "events", "order_id")[rejected])


def _ascending(values: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """The values of some rows, ascending, and the rows."""
    order = np.argsort(values[rows], kind="stable")
    return values[rows][order], rows[order]


def _looked_up(known: Integers, rows: Integers, wanted: Integers) -> Integers:
    if len(known) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, rows[at], -1)
