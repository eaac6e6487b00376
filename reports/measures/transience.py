"""Gaps over time: what was missing, doubled or wrong when, so that late and lost are never confused.

A gap that closed within the run was transient: its order was only late. One that was open at the end is
permanent. The largest transient count is over the gaps that did close, so a lost order is never in it.

    missing   from the answer that the order is accepted (without one: its commit) to its row
    extra     known at the end only
    doubled   from the handling that wrote another row of an order
    wrong     from the row; with pending orders, while a row shows another status than its order has
    pending   from a row without some product's name to its repair
    parked    from the dead letter to its replay
    oversold  units sold beyond what was in stock until then, until more was added

With replicas the gaps of all are counted together. `oversold` is the whole system's.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.evidence.arrays import Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, replicas, seconds
from reports.evidence.following import event_rows, first_applied_s
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW, acknowledged
from reports.evidence.placed import order_rows, placed_rows
from reports.measures import gaps, stock

INSTANTS = 200
"""At how many instants the gaps are counted."""


class Spans(NamedTuple):
    """Gaps, open over [since, until); one that never closed until infinity."""

    since_s: Seconds
    until_s: Seconds


class Steps(NamedTuple):
    """How the number of open gaps changes, and that of those among them that close before the end."""

    at_s: Seconds
    gaps: Integers
    transient: Integers


def gaps_over_time(run: Run, instants: int = INSTANTS) -> pd.DataFrame:
    """How many gaps of each kind were open (`t_s`, `kind`, `count`) at instants evenly over the whole run."""
    whole = run.phases.window("always")
    at_s = np.linspace(whole.start_s, whole.end_s, instants)
    counts = {kind: _at(made.at_s, made.gaps, at_s) for kind, made in _steps(run).items()}
    return pd.DataFrame(
        {
            "t_s": np.tile(at_s, len(counts)),
            "kind": np.repeat(list(counts), len(at_s)),
            "count": np.concatenate(list(counts.values())),
        }
    )


def highest_gaps(run: Run, bounds_s: Seconds) -> dict[str, Integers]:
    """For each kind the largest number of gaps that were open at once in each window between the bounds."""
    return {kind: _highest(made, bounds_s) for kind, made in _steps(run).items()}


def _highest(made: Steps, bounds_s: Seconds) -> Integers:
    """The largest sum of the changes in each window, what was there at its start among them."""
    at_s = np.concatenate([bounds_s[:-1], made.at_s])
    inside = (at_s >= bounds_s[0]) & (at_s < bounds_s[-1])
    window = np.searchsorted(bounds_s, at_s[inside], side="right") - 1
    highest = np.zeros(len(bounds_s) - 1, dtype=np.int64)
    np.maximum.at(highest, window, _at(made.at_s, made.gaps, at_s[inside]))
    return highest


def largest_transient(run: Run) -> dict[str, int]:
    """For each kind the largest number of gaps that were open at once and closed before the end."""
    found: Any = run.memory.get(("largest transient",))
    if found is None:
        found = run.memory["largest transient",] = {
            kind: int(_at(made.at_s, made.transient, made.at_s).max(initial=0))
            for kind, made in _steps(run).items()
        }
    result: dict[str, int] = found
    return result


def late(run: Run) -> int:
    """How many orders were not yet shown when their customer was told that they were accepted.

    With replicas: not by all of them. Those that never came are not among them.
    """
    came_late: list[Integers] = []
    for replica in replicas(run, CUSTOMERS_VIEW):
        order_id, spans = _missing(run, replica)
        told = np.isin(order_id, integers(run, "commands", "order_id")[_told(run)])
        came_late.append(order_id[told & np.isfinite(spans.until_s)])
    return len(np.unique(np.concatenate(came_late))) if came_late else 0


def _steps(run: Run) -> dict[str, Steps]:
    found: Any = run.memory.get(("gap steps",))
    if found is None:
        spans: dict[str, list[Spans]] = {kind: [] for kind in gaps.KINDS}
        for replica in replicas(run, CUSTOMERS_VIEW):
            for kind, made in _spans(run, replica).items():
                spans[kind].append(made)
        found = {kind: _stepwise(made) for kind, made in spans.items()} | {"oversold": _oversold(run)}
        run.memory["gap steps",] = found
    result: dict[str, Steps] = found
    return result


def _at(at_s: Seconds, change: Integers, instants_s: npt.NDArray[np.float64]) -> Integers:
    """The sum of the changes at or before each instant."""
    if len(at_s) == 0:
        return np.zeros(len(instants_s), dtype=np.int64)
    order = np.argsort(at_s, kind="stable")
    total = np.concatenate([[0], np.cumsum(change[order])])
    counted: Integers = total[np.searchsorted(at_s[order], instants_s, side="right")]
    return counted


def _stepwise(spans: list[Spans]) -> Steps:
    since_s, until_s = (np.concatenate([[], *(one[part] for one in spans)]) for part in (0, 1))
    closed = np.isfinite(until_s)
    up, down = np.ones(len(since_s), np.int64), np.full(int(closed.sum()), -1)
    return Steps(
        np.concatenate([since_s, until_s[closed]]),
        np.concatenate([up, down]),
        np.concatenate([up * closed, down]),
    )


def _spans(run: Run, replica: str) -> dict[str, Spans]:
    """The gaps of one replica, by kind."""
    found, end_s = gaps.of_replica(run, replica), run.phases.end_s
    return {
        "missing": _missing(run, replica)[1],
        "extra": _for_good(np.full(len(found.extra), end_s)),
        "doubled": _for_good(_doubled_s(run, replica, found.doubled)),
        "wrong": _joined(_for_good(_first_s(run, replica, found.wrong)), _other_status(run, replica)),
        "pending": _joined(_for_good(_first_s(run, replica, found.pending)), _repaired(run, replica)),
        "parked": _parked(run, replica),
    }


def _for_good(since_s: Seconds) -> Spans:
    return Spans(since_s, np.full(len(since_s), np.inf))


def _joined(one: Spans, other: Spans) -> Spans:
    return Spans(np.concatenate([one.since_s, other.since_s]), np.concatenate([one.until_s, other.until_s]))


def _told(run: Run) -> Integers:
    """The acknowledged orders of the whole run, as rows of `commands`."""
    told = acknowledged(run, run.phases.window("always"))
    return told[integers(run, "commands", "order_id")[told] >= 0]


def _missing(run: Run, replica: str) -> tuple[Integers, Spans]:
    """The orders that were missing, by their ids, and when."""
    key = ("missing", replica)
    found: Any = run.memory.get(key)
    if found is None:
        found = run.memory[key] = _found_missing(run, replica)
    result: tuple[Integers, Spans] = found
    return result


def _found_missing(run: Run, replica: str) -> tuple[Integers, Spans]:
    order_id = integers(run, "orders", "order_id")
    events = placed_rows(run, order_id)
    since_s = np.append(seconds(run, "events", "committed_s"), np.nan)[events]
    told = _told(run)
    answered_s = np.full(len(order_id) + 1, np.inf)
    np.minimum.at(
        answered_s,
        order_rows(run, integers(run, "commands", "order_id")[told]),
        seconds(run, "commands", "answered_s")[told],
    )
    since_s = np.where(np.isinf(answered_s[:-1]), since_s, answered_s[:-1])
    until_s = np.append(first_applied_s(run, replica), np.nan)[events]
    until_s = np.where(
        np.isnan(until_s), since_s, until_s
    )  # it is shown, and the trace does not say since when
    until_s[np.isin(order_id, gaps.of_replica(run, replica).missing)] = np.inf
    open_at_all = until_s > since_s
    return order_id[open_at_all], Spans(since_s[open_at_all], until_s[open_at_all])


def _first_s(run: Run, replica: str, rows: Integers) -> Seconds:
    """When each of these rows of `summaries` was written first; at the end if the trace does not tell."""
    events = placed_rows(run, integers(run, "summaries", "order_id")[rows])
    first_s = np.append(first_applied_s(run, replica), np.nan)[events]
    return np.where(np.isnan(first_s), run.phases.end_s, first_s)


def _doubled_s(run: Run, replica: str, rows: Integers) -> Seconds:
    """When each further row of an order was written: with the order's second handling, its third, …"""
    if len(rows) == 0:
        return np.empty(0)
    order_id = integers(run, "summaries", "order_id")[rows]
    handled = handlings(run, replica, "orders")
    handled = handled[flags(run, "applied", "outcome", "applied")[handled]]
    event = event_rows(run, "orders", integers(run, "applied", "position")[handled])
    at_s = seconds(run, "applied", "applied_s")[handled]
    order = np.lexsort((at_s, event))
    event, at_s = event[order], at_s[order]
    placed = placed_rows(run, order_id)
    first = np.searchsorted(event, placed, side="left")
    times = np.searchsorted(event, placed, side="right") - first
    ascending = np.argsort(order_id, kind="stable")
    number = np.empty(len(rows), dtype=np.int64)  # of the order's further rows, from 1
    ids = order_id[ascending]
    number[ascending] = 1 + np.arange(len(ids)) - np.searchsorted(ids, ids, side="left")
    at = first + np.minimum(number, times - 1)
    return np.where(times > 0, np.append(at_s, np.inf)[np.where(times > 0, at, -1)], run.phases.end_s)


def _other_status(run: Run, replica: str) -> Spans:
    """While the row of a pending order does not show yet what became of the order."""
    decided = np.flatnonzero(flags(run, "events", "type", "OrderConfirmed", "OrderRejected"))
    since_s = seconds(run, "events", "committed_s")[decided]
    until_s = first_applied_s(run, replica)[decided]
    late = until_s > since_s  # one that never came: the row is wrong for good
    return Spans(since_s[late], until_s[late])


def _repaired(run: Run, replica: str) -> Spans:
    rows = handlings(run, replica, "orders")
    rows = rows[flags(run, "applied", "outcome", "repaired")[rows]]
    events = event_rows(run, "orders", integers(run, "applied", "position")[rows])
    since_s = np.append(first_applied_s(run, replica), np.nan)[events]
    until_s = seconds(run, "applied", "applied_s")[rows]
    known = until_s > since_s
    return Spans(since_s[known], until_s[known])


def _parked(run: Run, replica: str) -> Spans:
    rows = handlings(run, replica, "orders")
    if not flags(run, "applied", "outcome", "parked")[rows].any():
        return _for_good(np.empty(0))
    rows = rows[~flags(run, "applied", "outcome", "duplicate", "repaired")[rows]]
    position, at_s = integers(run, "applied", "position")[rows], seconds(run, "applied", "applied_s")[rows]
    order = np.lexsort((np.arange(len(rows)), position))
    rows, position, at_s = rows[order], position[order], at_s[order]
    until_s = np.append(at_s[1:], np.inf)
    until_s[np.append(position[1:] != position[:-1], True)] = np.inf
    parked = flags(run, "applied", "outcome", "parked")[rows]
    return Spans(at_s[parked], until_s[parked])


def _oversold(run: Run) -> Steps:
    """How the oversold units of all products together change; transient is what the end does not lack."""
    sold, _ = stock.ordered(run)
    there = (stock.at_start(run), stock.added(run))
    product_id = np.concatenate([sold.product_id, *(part.product_id for part in there)])
    change = np.concatenate([sold.quantity, *(-part.quantity for part in there)])
    at_s = np.concatenate([sold.at_s, *(part.at_s for part in there)])
    order = np.lexsort((change, at_s, product_id))  # of one instant, what was added comes first
    product_id, change, at_s = product_id[order], change[order], at_s[order]
    new = np.append(True, product_id[1:] != product_id[:-1])[: len(order)]
    total = np.cumsum(change)
    number = np.cumsum(new) - 1
    before = (total - change)[new]
    short = np.maximum(total - before[number], 0)
    at_end = short[np.append(new[1:], True)[: len(order)]][number]
    passing = np.maximum(short - at_end, 0)
    return Steps(at_s, *(np.diff(level, prepend=0) + _reset(level, new) for level in (short, passing)))


def _reset(level: Integers, new: npt.NDArray[np.bool_]) -> Integers:
    """What to add to the differences of levels so that each product's begin from 0."""
    previous = np.append(0, level[:-1])[: len(level)]
    return np.where(new, previous, 0)
