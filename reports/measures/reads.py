"""Stale reads: what a read returned against what had been committed for its key (Bailis et al., PBS, 2012).

A read at `t_r` is stale if an event of its key, committed at or before `t_r`, is missing from its answer; it
is as many versions behind as are missing. A read that was not judged (`seen` −1) or that failed is neither
stale nor fresh.

A product's version counts the events that took effect, and one that did so again twice; what was counted too
often is taken off, as the trace tells it. Where a read may have been answered by one of several copies, of
which some have counted too often, it is not judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.evidence.arrays import Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, replicas, seconds
from reports.evidence.following import committed_s, event_rows
from reports.evidence.frames import Run
from reports.evidence.window import Window
from reports.measures.percentile import mean

ANSWERED = ("ok", "stale")
"""The outcomes of a read that returned a state; `stale`: it was marked as older than was asked for."""

OF_PRODUCTS = ("ProductAdded", "ProductRenamed", "ProductRepriced", "InventoryUpdated")
"""The events that make a new version of a product in the Products read model."""


@dataclass(frozen=True, eq=False)
class Staleness:
    """The reads of a window: all, the failed and those marked as stale among them, and the judged ones.

    `versions_behind` is how far each judged one was behind, whether it was marked or not.
    """

    count: int
    failed: int
    marked: int
    versions_behind: Integers

    @property
    def judged(self) -> int:
        """How many reads say which version they saw."""
        return len(self.versions_behind)

    @property
    def stale(self) -> int:
        """How many judged reads missed something."""
        return int((self.versions_behind > 0).sum())

    @property
    def stale_ratio(self) -> float | None:
        """Stale reads over judged reads; None if none was judged."""
        return self.stale / self.judged if self.judged else None

    @property
    def mean_versions_behind(self) -> float | None:
        """The mean over judged reads; None if none was judged."""
        return mean(self.versions_behind.astype(np.float64))


def committed_versions(
    version_key: Integers, version_s: Seconds, read_key: Integers, read_s: Seconds
) -> Integers:
    """For each read the number of versions of its key that were committed at or before it."""
    order = np.argsort(version_s, kind="stable")
    n = len(order)
    lowest = min(version_key.min(initial=0), read_key.min(initial=0))
    # A version is (key, rank of its commit); a read comes after all ranks that lie at or before it.
    versions = np.sort((version_key[order].astype(np.int64) - lowest) * (n + 1) + np.arange(n))
    by_time = np.argsort(read_s, kind="stable")  # ascending needles keep a search in the processor's cache
    rank = np.empty(len(read_s), dtype=np.int64)
    rank[by_time] = np.searchsorted(version_s[order], read_s[by_time], side="right")
    base = (read_key.astype(np.int64) - lowest) * (n + 1)
    by_key = np.argsort(base + rank)
    counts = np.empty(len(read_s), dtype=np.int64)
    base, rank = base[by_key], rank[by_key]
    counts[by_key] = np.searchsorted(versions, base + rank) - np.searchsorted(versions, base)
    return counts


def staleness(run: Run, kind: str, window: Window) -> Staleness:
    """The reads of one kind (`history`, `own`, `stock`, `browse`) whose `read_s` lies in the window.

    A failed read that returned no state counts to the window in which it arrived.
    """
    mine = flags(run, "reads", "kind", kind)
    if not mine.any():
        return Staleness(0, 0, 0, np.empty(0, dtype=np.int64))
    rows = np.flatnonzero(mine)
    read_s, arrived_s = (seconds(run, "reads", name)[rows] for name in ("read_s", "arrived_s"))
    rows = rows[window.holds(np.where(np.isnan(read_s), arrived_s, read_s))]
    behind = versions_behind(run, kind)[rows]
    answered, marked = (
        flags(run, "reads", "outcome", *outcomes)[rows] for outcomes in (ANSWERED, ("stale",))
    )
    return Staleness(len(rows), int((~answered).sum()), int(marked.sum()), behind[answered & (behind >= 0)])


def versions_behind(run: Run, kind: str) -> Integers:
    """For each row of `reads` how many versions it was behind; −1 where that is not judged."""
    key = ("versions behind", kind)
    found: Any = run.memory.get(key)
    if found is None:
        seen = integers(run, "reads", "seen")
        judged = flags(run, "reads", "kind", kind) & flags(run, "reads", "outcome", *ANSWERED) & (seen >= 0)
        rows = np.flatnonzero(judged)
        asked, read_s = integers(run, "reads", "key")[rows], seconds(run, "reads", "read_s")[rows]
        there = committed_versions(*VERSIONS[kind](run), asked, read_s)
        found = np.full(len(seen), -1, dtype=np.int64)
        found[rows] = np.maximum(there - seen[rows], 0)
        if kind in _COUNTING:
            again = committed_versions(*_took_effect_again(run, _COUNTING[kind]), asked, read_s)
            known = again == 0 if len(replicas(run, _COUNTING[kind])) > 1 else np.True_
            found[rows] = np.where(known, np.maximum(there - seen[rows] + again, 0), -1)
        run.memory[key] = found
    result: Integers = found
    return result


_COUNTING = {"stock": "inventory", "browse": "products"}
"""The kinds of read whose versions count what takes effect at a view, and that view."""


def _took_effect_again(run: Run, view: str) -> tuple[Integers, Seconds]:
    """The product and the instant of each time that an event took effect once more at a copy of the view."""
    products, instants = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for copy in replicas(run, view):
        for source in run.consumers[copy]:
            rows = handlings(run, copy, source)
            rows = rows[flags(run, "applied", "outcome", "applied")[rows]]
            position, applied_s = (
                integers(run, "applied", "position")[rows],
                seconds(run, "applied", "applied_s")[rows],
            )
            order = np.lexsort((applied_s, position))
            position, applied_s = position[order], applied_s[order]
            again = np.append(False, position[1:] == position[:-1])[: len(position)]
            of_product, at = _products_of(run, source, position[again])
            products.append(of_product)
            instants.append(applied_s[again][at])
    return np.concatenate(products), np.concatenate(instants)


def _products_of(run: Run, source: str, positions: Integers) -> tuple[Integers, Integers]:
    """The products of these events, those of all lines of an order; and whose of the positions each is."""
    if source == "orders":
        held = integers(run, "lines", "position")
        ascending = np.argsort(held, kind="stable")
        first, last = (np.searchsorted(held[ascending], positions, side=side) for side in ("left", "right"))
        at = np.repeat(np.arange(len(positions)), last - first)
        within = np.arange(len(at)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        return integers(run, "lines", "product_id")[ascending[first[at] + within]], at
    events = event_rows(run, source, positions)
    told = np.append(flags(run, "events", "type", *OF_PRODUCTS), False)[events]
    return integers(run, "events", "key")[events[told]], np.flatnonzero(told)


def _orders_of_customers(run: Run) -> tuple[Integers, Seconds]:
    placed = flags(run, "events", "source", "orders") & flags(run, "events", "type", "OrderPlaced")
    return _keys_and_instants(run, np.flatnonzero(placed))


def _orders_of_products(run: Run) -> tuple[Integers, Seconds]:
    at_s = committed_s(run, "orders", integers(run, "lines", "position"))
    known = ~np.isnan(at_s)
    return integers(run, "lines", "product_id")[known], at_s[known]


def _events_of_products(run: Run) -> tuple[Integers, Seconds]:
    return _keys_and_instants(run, np.flatnonzero(flags(run, "events", "type", *OF_PRODUCTS)))


def _keys_and_instants(run: Run, rows: Integers) -> tuple[Integers, Seconds]:
    return integers(run, "events", "key")[rows], seconds(run, "events", "committed_s")[rows]


VERSIONS: dict[str, Callable[[Run], tuple[Integers, Seconds]]] = {
    "history": _orders_of_customers,
    "own": _orders_of_customers,
    "stock": _orders_of_products,
    "browse": _events_of_products,
}
"""For each kind of read the versions of its keys: key and instant of commit."""
