"""Stale reads: what a read returned against what had been committed for its key (Bailis et al., PBS, 2012).

A read at `t_r` is stale if an event of its key, committed at or before `t_r`, is missing from its answer; it
is as many versions behind as are missing. A read that was not judged (`seen` −1) or that failed is neither
stale nor fresh.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reports.arrays import Integers, Seconds
from reports.following import event_rows
from reports.frames import Run
from reports.percentile import mean
from reports.window import Window


@dataclass(frozen=True, eq=False)
class Staleness:
    """The reads of a window: all, the failed among them, and how far each judged one was behind."""

    count: int
    failed: int
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
    reads = run.reads[(run.reads["kind"] == kind).to_numpy()]
    failed = (reads["outcome"] != "ok").to_numpy()
    read_s, arrived_s = reads["read_s"].to_numpy(), reads["arrived_s"].to_numpy()
    inside = window.holds(np.where(np.isnan(read_s), arrived_s, read_s))
    judged = inside & ~failed & (reads["seen"] >= 0).to_numpy()
    version_key, version_s = VERSIONS[kind](run)
    there = committed_versions(version_key, version_s, reads["key"].to_numpy()[judged], read_s[judged])
    behind = np.maximum(there - reads["seen"].to_numpy()[judged], 0)
    return Staleness(int(inside.sum()), int((inside & failed).sum()), behind)


def _orders_of_customers(run: Run) -> tuple[Integers, Seconds]:
    placed = (run.events["source"] == "orders") & (run.events["type"] == "OrderPlaced")
    return _keys_and_instants(run, np.flatnonzero(placed.to_numpy()))


def _orders_of_products(run: Run) -> tuple[Integers, Seconds]:
    rows = event_rows(run, "orders", run.lines["position"].to_numpy())
    known = rows >= 0
    products = run.lines["product_id"].to_numpy()[known].astype(np.int64)
    return products, run.events["committed_s"].to_numpy()[rows[known]]


def _events_of_products(run: Run) -> tuple[Integers, Seconds]:
    return _keys_and_instants(
        run, np.flatnonzero(run.events["source"].isin(["catalog", "inventory"]).to_numpy())
    )


def _keys_and_instants(run: Run, rows: Integers) -> tuple[Integers, Seconds]:
    keys = run.events["key"].to_numpy()[rows].astype(np.int64)
    return keys, run.events["committed_s"].to_numpy()[rows]


VERSIONS: dict[str, Callable[[Run], tuple[Integers, Seconds]]] = {
    "history": _orders_of_customers,
    "own": _orders_of_customers,
    "stock": _orders_of_products,
    "browse": _events_of_products,
}
"""For each kind of read the versions of its keys: key and instant of commit."""
