"""The rows that customers see at the end, each beside its order: what is right about it and what is not."""

from typing import Any, NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, names, replicas, seconds
from reports.evidence.following import event_rows
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW
from reports.evidence.naming import had, in_catalogue
from reports.evidence.noted import committed_by_s
from reports.evidence.placed import order_rows, placed_rows

COMPARED = ("customer_id", "total_minor", "lines")
"""What a row of the read model must have in common with its order, beside its status and its lines."""


class Lines(NamedTuple):
    """The lines of all rows: `row` is the one of `summaries`, `name` the number of its text."""

    row: Integers
    product_id: Integers
    quantity: Integers
    name: Integers
    pending: Flags


def lines(run: Run) -> Lines:
    """The lines of the rows that customers see."""
    return Lines(
        integers(run, "items", "row"),
        integers(run, "items", "product_id"),
        integers(run, "items", "quantity"),
        integers(run, "items", "name"),
        integers(run, "items", "pending") != 0,
    )


def written_s(run: Run) -> tuple[Seconds, Seconds]:
    """For each row of `summaries` when its order was committed and when the row got its names.

    NaN where the command side has no such order, or the trace does not tell of a handling. A row that was
    written without names got them with its repair; of several handlings of an order the last one counts.
    """
    key = ("written",)
    found: Any = run.memory.get(key)
    if found is None:
        events = placed_rows(run, integers(run, "summaries", "order_id"))
        placed_s, last_s = np.full((2, len(events)), np.nan)
        for replica in replicas(run, CUSTOMERS_VIEW):
            mine = flags(run, "summaries", "replica", replica)
            placed_s[mine] = np.append(committed_by_s(run, replica), np.nan)[events[mine]]
            last_s[mine] = _last_written_s(run, replica)[events[mine]]
        found = run.memory[key] = (placed_s, last_s)
    result: tuple[Seconds, Seconds] = found
    return result


def _last_written_s(run: Run, replica: str) -> Seconds:
    """For each row of `events`, and none (−1), when this replica last wrote what follows from it."""
    rows = handlings(run, replica, "orders")
    rows = rows[flags(run, "applied", "outcome", "applied", "repaired")[rows]]
    events = event_rows(run, "orders", integers(run, "applied", "position")[rows])
    last_s = np.full(len(integers(run, "events", "position")) + 1, -np.inf)
    np.maximum.at(last_s, events[events >= 0], seconds(run, "applied", "applied_s")[rows[events >= 0]])
    return np.where(np.isneginf(last_s), np.nan, last_s)


def totals_differ(run: Run) -> Flags:
    """Which rows of `summaries` show another total than their order has; none without an order."""
    order = order_rows(run, integers(run, "summaries", "order_id"))
    return (order >= 0) & _differs(run, "total_minor", order)


def wrong_rows(run: Run) -> Flags:
    """Which rows of `summaries` say another thing than the command side; none without an order.

    Another customer, total, status or number of lines than the order has; a line that the order does not
    have; or a name that the catalogue did not have from the commit until the row was written.
    """
    key = ("wrong rows",)
    found: Any = run.memory.get(key)
    if found is None:
        order = order_rows(run, integers(run, "summaries", "order_id"))
        found = np.zeros(len(order), dtype=np.bool_)
        for column in COMPARED:
            found |= _differs(run, column, order)
        for status in names(run, "summaries", "status"):
            theirs = np.append(flags(run, "orders", "status", status), False)[order]
            found |= flags(run, "summaries", "status", status) & ~theirs
        found[lines(run).row[_wrong_lines(run)]] = True
        found = run.memory[key] = found & (order >= 0)
    result: Flags = found
    return result


def _differs(run: Run, column: str, order: Integers) -> Flags:
    theirs = np.append(integers(run, "orders", column), -1)[order]
    different: Flags = integers(run, "summaries", column) != theirs
    return different


def _wrong_lines(run: Run) -> Flags:
    shown = lines(run)
    placed_s, last_s = written_s(run)
    # What was there from the start was placed at any time before.
    placed_s = np.where(np.isnan(placed_s), -np.inf, placed_s)
    last_s = np.where(np.isnan(last_s), np.inf, last_s)
    right = had(in_catalogue(run), shown.product_id, shown.name, placed_s[shown.row], last_s[shown.row])
    return ~(right | shown.pending) | ~_ordered(run, shown)


def _ordered(run: Run, shown: Lines) -> Flags:
    """Whether each line is one of its order, with the same quantity."""
    order_id = integers(run, "summaries", "order_id")[shown.row]
    events = placed_rows(run, order_id)
    # An order that was there from the start is in no row of `events`; its id is its event's position.
    position = np.where(events >= 0, np.append(integers(run, "events", "position"), -1)[events], order_id)
    ordered = _line_key(
        integers(run, "lines", "position"),
        integers(run, "lines", "product_id"),
        integers(run, "lines", "quantity"),
    )
    return np.isin(_line_key(position, shown.product_id, shown.quantity), ordered)


def _line_key(position: Integers, product_id: Integers, quantity: Integers) -> Integers:
    """A number for a line; those of different lines of one run differ but for one in some 10^19 pairs."""
    mixed = position.astype(np.uint64)
    for column in (product_id, quantity):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + column.astype(np.uint64)
        mixed ^= mixed >> np.uint64(29)
    return mixed.view(np.int64)
