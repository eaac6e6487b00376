"""Which name each product had when: in the catalogue, as it was decided, and in the Products read model.

What the catalogue said comes from its own events; when the read model followed, from its handling of them.
Names stand in the trace as numbers (`actors.trace.name_number`).
"""

from typing import Any, NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, replicas, seconds
from reports.evidence.following import committed_s
from reports.evidence.frames import Run
from reports.evidence.noted import visible_from_s


class Spells(NamedTuple):
    """Over [since, until] a product had a name; `key` stands for the two and is ascending."""

    key: Integers
    since_s: Seconds
    until_s: Seconds


def in_catalogue(run: Run) -> Spells:
    """The names as the catalogue's command side decided them."""
    found: Any = run.memory.get(("names", "catalogue"))
    if found is None:
        said = _said(run)
        decided_s = _decided_s(run)[said]
        found = run.memory["names", "catalogue"] = _spells(run, said, decided_s, decided_s)
    assert isinstance(found, Spells)
    return found


def in_products(run: Run) -> Spells:
    """The names as Products could show them, in any of its replicas (see `reports.evidence.noted`)."""
    found: Any = run.memory.get(("names", "products"))
    if found is None:
        said, position = _said(run), integers(run, "catalogue", "position")
        at_start = said[np.isneginf(_decided_s(run)[said])]
        ascending = said[np.argsort(position[said], kind="stable")]
        parts = []
        for replica in replicas(run, "products"):
            rows = handlings(run, replica, "catalog")
            rows = rows[flags(run, "applied", "outcome", "applied")[rows]]
            taken = integers(run, "applied", "position")[rows]
            at = np.minimum(np.searchsorted(position[ascending], taken), max(len(ascending) - 1, 0))
            there = position[ascending][at] == taken if len(ascending) else np.zeros(len(taken), np.bool_)
            event = np.concatenate([at_start, ascending[at[there]]])
            since_s, noted_s = np.full((2, len(event)), -np.inf)
            since_s[len(at_start) :] = visible_from_s(run, rows[there])
            noted_s[len(at_start) :] = seconds(run, "applied", "applied_s")[rows[there]]
            parts.append(_spells(run, event, since_s, noted_s))
        found = run.memory["names", "products"] = _together(parts)
    assert isinstance(found, Spells)
    return found


def had(spells: Spells, product_id: Integers, name: Integers, since_s: Seconds, until_s: Seconds) -> Flags:
    """Whether each product had this name at some instant of [since, until]."""
    key = _key(product_id, name)
    first = np.searchsorted(spells.key, key, side="left")
    count = np.searchsorted(spells.key, key, side="right") - first
    found = np.zeros(len(key), dtype=np.bool_)
    for number in range(int(count.max(initial=0))):  # nearly always a product has a name once
        there = np.flatnonzero(count > number)
        at = first[there] + number
        found[there] |= (spells.since_s[at] <= until_s[there]) & (spells.until_s[at] >= since_s[there])
    return found


def _said(run: Run) -> Integers:
    """The rows of `catalogue` that say a name."""
    return np.flatnonzero(integers(run, "catalogue", "name") >= 0)


def _decided_s(run: Run) -> Seconds:
    """When each row of `catalogue` was committed; what was there from the start, infinitely long ago."""
    at_s = committed_s(run, "catalog", integers(run, "catalogue", "position"))
    return np.where(np.isnan(at_s), -np.inf, at_s)


def _spells(run: Run, rows: Integers, since_s: Seconds, noted_s: Seconds) -> Spells:
    """Each of these rows of `catalogue` is in force from its instant until the product's next is noted."""
    product = integers(run, "catalogue", "product_id")[rows]
    order = np.lexsort((noted_s, product))  # stable: of one instant the later position comes last
    product, since_s, noted_s, rows = product[order], since_s[order], noted_s[order], rows[order]
    until_s = np.append(noted_s[1:], np.inf)[: len(rows)]
    until_s[np.append(product[1:] != product[:-1], True)[: len(rows)]] = np.inf
    key = _key(product, integers(run, "catalogue", "name")[rows])
    return _together([Spells(key, since_s, until_s)])


def _together(parts: list[Spells]) -> Spells:
    if not parts:
        return Spells(np.empty(0, np.int64), np.empty(0), np.empty(0))
    key, since_s, until_s = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(key, kind="stable")
    return Spells(key[order], since_s[order], until_s[order])


def _key(product_id: Integers, name: Integers) -> Integers:
    """One number for a product and a name; names are hashes already, so the sum spreads as well."""
    mixed = name.astype(np.uint64) + product_id.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed.view(np.int64)
