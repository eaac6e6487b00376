"""The way of one order through the system, as its messages in the order of time; and which orders to look at.

Everything comes from the trace: the client's command and its answer, the event's commit, what each consumer
did with it, what the inventory published in consequence, and the first reads of the customer that missed the
order and that showed it. When a message was sent is not in the trace; it stands where it was taken up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from reports.evidence.columns import flags, handlings, integers, name_at, replicas, seconds
from reports.evidence.following import first_applied_s, of_consumer
from reports.evidence.ledger import CUSTOMERS_VIEW, PLACES_ORDERS
from reports.evidence.placed import placed_rows
from reports.measures.occurrences import occurrences
from reports.measures.reads import ANSWERED
from reports.quantities import duration
from reports.read_models import in_order

if TYPE_CHECKING:
    from reports.evidence.arrays import Integers
    from reports.evidence.frames import Run

CLIENT, SERVICE, LOG = "client", "orders", "log"
"""The ends of messages that are no consumers: who orders, who decides, and where events are read from."""

SLOW_S: Final = 0.001
"""A fault or a wait shorter than this is not worth a line."""


class Step(NamedTuple):
    """A message from `source` to `target` at an instant; what happens at one place if both are the same."""

    at_s: float
    source: str
    target: str
    text: str


class Worst(NamedTuple):
    """An order that came late, and how late to the customers' view; `never` if not by the end of the run."""

    order_id: int
    lag_s: float
    never: bool


def worst_orders(run: Run, most: int = 8) -> list[Worst]:
    """The orders of the run phase that the customers' view showed latest, or never: those come first."""
    worst: dict[int, Worst] = {}
    for replica in replicas(run, CUSTOMERS_VIEW):
        events = of_consumer(run, replica)
        inside = run.phases.window("run").holds(events.committed_s)
        inside &= flags(run, "events", "type", "OrderPlaced")[events.event]
        at = np.flatnonzero(inside)
        late_s = events.applied_s[at] - events.committed_s[at]
        for number in at[np.argsort(-late_s, kind="stable")[:most]].tolist():
            never = bool(np.isinf(events.applied_s[number]))
            end_s = events.end_s if never else float(events.applied_s[number])
            order = int(integers(run, "events", "order_id")[events.event[number]])
            one = Worst(order, end_s - float(events.committed_s[number]), never)
            worst[order] = max(worst.get(order, one), one, key=lambda each: (each.never, each.lag_s))
    return sorted(worst.values(), key=lambda each: (not each.never, -each.lag_s))[:most]


def journey(run: Run, order_id: int) -> list[Step]:
    """What happened to the order, by time; nothing if the run knows no such order."""
    steps = _command(run, order_id)
    row = int(placed_rows(run, np.array([order_id]))[0])
    if row >= 0:
        position = int(integers(run, "events", "position")[row])
        placed_s = float(seconds(run, "events", "committed_s")[row])
        steps.append(Step(placed_s, SERVICE, LOG, f"OrderPlaced #{position}"))
        for consumer, sources in run.consumers.items():
            if "orders" in sources:
                steps += _handled(run, consumer, position, placed_s)
        steps += _stock(run, position, placed_s)
        steps += _decided(run, order_id)
        steps += _reads(run, row, placed_s)
    steps.sort(key=lambda step: (step.at_s, step.target == CLIENT))  # of one instant the commit comes first
    return _with_faults(run, steps)


def places(run: Run, steps: list[Step]) -> list[str]:
    """The ends of these messages, in the order in which events travel; projections that were added last."""
    known = [CLIENT, SERVICE, LOG, "inventory", "products", *replicas(run, CUSTOMERS_VIEW)]
    met = {place for step in steps for place in (step.source, step.target) if place}
    return [place for place in known if place in met] + in_order(met.difference(known))


def _command(run: Run, order_id: int) -> list[Step]:
    rows = np.flatnonzero(
        (integers(run, "commands", "order_id") == order_id) & flags(run, "commands", "kind", *PLACES_ORDERS)
    )
    steps = []
    for row in rows[:1].tolist():
        ordered = name_at(run, "commands", "kind", row) == "orders"
        arrived_s = float(seconds(run, "commands", "arrived_s")[row])
        answered_s = float(seconds(run, "commands", "answered_s")[row])
        steps.append(Step(arrived_s, CLIENT, SERVICE, "PlaceOrder" if ordered else "CheckOut"))
        outcome = name_at(run, "commands", "outcome", row)
        if np.isfinite(answered_s):
            steps.append(Step(answered_s, SERVICE, CLIENT, outcome))
    return steps


def _handled(run: Run, consumer: str, position: int, placed_s: float) -> list[Step]:
    """What a consumer did with the order's event: took it up, and how that ended, each time."""
    rows = handlings(run, consumer, "orders")
    rows = rows[integers(run, "applied", "position")[rows] == position]
    if len(rows) == 0:
        return [Step(run.phases.end_s, consumer, consumer, "not handled by the end of the run")]
    steps = []
    order = np.argsort(seconds(run, "applied", "applied_s")[rows], kind="stable")
    for row in rows[order][:4].tolist():
        taken_s, ended_s = (float(seconds(run, "applied", name)[row]) for name in ("taken_s", "applied_s"))
        outcome = name_at(run, "applied", "outcome", row)
        tries = int(integers(run, "applied", "attempts")[row])
        if np.isfinite(taken_s):
            steps.append(Step(taken_s, LOG, consumer, "OrderPlaced"))
        how = f"{outcome} after {tries} tries" if tries > 1 else outcome
        if outcome == "applied":
            how += f": lag {duration(max(0.0, ended_s - placed_s))}"
        steps.append(Step(ended_s, consumer, consumer, how))
    return steps


def _stock(run: Run, position: int, placed_s: float) -> list[Step]:
    """The levels that the inventory published because of the order, and when Products had all of them."""
    rows = handlings(run, "inventory", "orders") if "inventory" in run.consumers else np.empty(0, np.int64)
    rows = rows[integers(run, "applied", "position")[rows] == position]
    if len(rows) == 0:
        return []
    taken_s, ended_s = (float(seconds(run, "applied", name)[rows[0]]) for name in ("taken_s", "applied_s"))
    products = integers(run, "lines", "product_id")[integers(run, "lines", "position") == position]
    published = np.flatnonzero(
        flags(run, "events", "type", "InventoryUpdated")
        & (seconds(run, "events", "committed_s") >= max(taken_s, placed_s))
        & (seconds(run, "events", "committed_s") <= ended_s + 1e-9)
        & np.isin(integers(run, "events", "key"), products)
    )
    if len(published) == 0:
        return []
    many = f"{len(published)} × " if len(published) > 1 else ""
    at_s = float(seconds(run, "events", "committed_s")[published].max())
    steps = [Step(at_s, "inventory", LOG, f"{many}InventoryUpdated")]
    if "inventory" in run.consumers.get("products", ()):
        steps += _levels(run, "products", integers(run, "events", "position")[published], many)
    return steps


def _levels(run: Run, consumer: str, positions: Integers, many: str) -> list[Step]:
    rows = handlings(run, consumer, "inventory")
    rows = rows[np.isin(integers(run, "applied", "position")[rows], positions)]
    rows = rows[flags(run, "applied", "outcome", "applied")[rows]]
    if len(rows) < len(positions):
        return [Step(run.phases.end_s, consumer, consumer, "stock not applied by the end of the run")]
    taken_s, ended_s = seconds(run, "applied", "taken_s")[rows], seconds(run, "applied", "applied_s")[rows]
    tries = int(integers(run, "applied", "attempts")[rows].max())
    how = f"stock applied after {tries} tries" if tries > 1 else "stock applied"
    return [
        Step(float(np.min(taken_s)), LOG, consumer, f"{many}InventoryUpdated"),
        Step(float(np.max(ended_s)), consumer, consumer, how),
    ]


DECISIONS: Final = {"OrderConfirmed": "shown as confirmed", "OrderRejected": "shown as rejected"}
"""What becomes of an order that was accepted as pending, and what its customer sees then."""


def _decided(run: Run, order_id: int) -> list[Step]:
    """What the inventory said to a pending order, what the order service made of it, when that was seen."""
    answers = flags(run, "events", "type", "StockReserved", "StockRejected", *DECISIONS)
    steps = []
    for row in np.flatnonzero(answers & (integers(run, "events", "order_id") == order_id)).tolist():
        source, kind = name_at(run, "events", "source", row), name_at(run, "events", "type", row)
        steps.append(Step(float(seconds(run, "events", "committed_s")[row]), source, LOG, kind))
        position = int(integers(run, "events", "position")[row])
        for replica in replicas(run, CUSTOMERS_VIEW) if kind in DECISIONS else ():
            done = handlings(run, replica, source)
            done = done[integers(run, "applied", "position")[done] == position]
            done = done[flags(run, "applied", "outcome", "applied")[done]]
            seen_s = seconds(run, "applied", "applied_s")[done[:1]]
            steps += [Step(float(at_s), replica, replica, DECISIONS[kind]) for at_s in seen_s]
    return steps


def _reads(run: Run, row: int, placed_s: float) -> list[Step]:
    """The customer's first read that missed the order, the last one, and the first that showed it.

    A read tells how many orders it showed, not which: it showed this one if it showed enough of them after
    this one had been applied.
    """
    customer = int(integers(run, "events", "key")[row])
    mine = flags(run, "reads", "kind", "history", "own") & flags(run, "reads", "outcome", *ANSWERED)
    mine &= (integers(run, "reads", "key") == customer) & (integers(run, "reads", "seen") >= 0)
    mine &= seconds(run, "reads", "read_s") >= placed_s
    rows = np.flatnonzero(mine)
    if len(rows) == 0:
        return []
    rows = rows[np.argsort(seconds(run, "reads", "read_s")[rows], kind="stable")]
    at_s = seconds(run, "reads", "read_s")[rows]
    placed = flags(run, "events", "source", "orders") & flags(run, "events", "type", "OrderPlaced")
    placed &= integers(run, "events", "key") == customer
    number = int((seconds(run, "events", "committed_s")[placed] <= placed_s).sum())
    applied_s = [float(first_applied_s(run, one)[row]) for one in replicas(run, CUSTOMERS_VIEW)]
    shows = (integers(run, "reads", "seen")[rows] >= number) & (at_s >= np.fmin.reduce([*applied_s, np.inf]))
    until = int(np.argmax(shows)) if shows.any() else len(rows)
    steps = []
    if until > 0:
        steps.append(Step(float(at_s[0]), CUSTOMERS_VIEW, CLIENT, "a read misses it"))
    if until > 1:
        steps.append(Step(float(at_s[until - 1]), CUSTOMERS_VIEW, CLIENT, f"read {until} misses it too"))
    if until < len(rows):
        steps.append(Step(float(at_s[until]), CUSTOMERS_VIEW, CLIENT, "a read shows it"))
    return steps


def _with_faults(run: Run, steps: list[Step]) -> list[Step]:
    """The steps, and between them when the first faults that lasted meanwhile began and ended."""
    if not steps:
        return steps
    first_s, last_s = steps[0].at_s, steps[-1].at_s
    during = [one for one in occurrences(run) if one.start_s <= last_s and one.end_s >= first_s]
    during = [one for one in during if one.end_s - one.start_s > SLOW_S][:2]
    found = list(steps)
    for one in during:
        what = f"{one.kind} {one.on}"
        since = f"{what}, since {duration(first_s - one.start_s)} before"
        found.append(
            Step(max(first_s, one.start_s), "", "", since if one.start_s < first_s else f"{what} begins")
        )
        if one.end_s < last_s:
            found.append(Step(one.end_s, "", "", f"{what} ends"))
    return sorted(found, key=lambda step: step.at_s)
