"""`stock conserved`: what was there, plus what was added, less what orders took, is on hand at every commit.

What may have been added is in the client's ledger, what may have been taken in the command side's orders;
what is on hand is what the inventory published at each of its commits. An adjustment that a client was told
of stands at its position in the log. One that was never answered may have happened or not.

At every commit a level must not be negative. Where orders take their units when the inventory hears of them
(all stock policies but `reserve`), each step of a product's level must be an adjustment of that size, or a
line of that quantity of an order that was committed before, each used once. A reservation takes units
before its order is there and may give them back: there no level may exceed what was ever put in, and an
adjustment that was never answered may pass for units that came back. At the end
what is on hand, and in reservations, must be what was put in less the lines of every order whose event the
inventory has handled and not turned down; those of an order that has not reached it may be taken or not.
"""

from typing import NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, handlings, integers, seconds
from reports.evidence.endings import EFFECTIVE
from reports.evidence.following import committed_s, event_rows
from reports.evidence.frames import Run
from reports.judging.checked import MOST_EXAMPLES, Checked, CounterExample, Question, answer, second
from reports.measures import stock
from reports.measures.stock import Units


class Levels(NamedTuple):
    """What the inventory published, by product and then in the order of its log.

    `step` is by how much a level differs from the product's level before, which for the first is nothing;
    `at_start` marks what was on hand before the run began.
    """

    position: Integers
    product_id: Integers
    available: Integers
    step: Integers
    committed_s: Seconds
    at_start: Flags
    last: Flags


class Balance(NamedTuple):
    """For each product what is on hand or held at the end beyond what was put in and taken for sure.

    That must be what unanswered adjustments added, less what they and the orders that the inventory may not
    have heard of took: `maybe_in` and `maybe_out` are all of those.
    """

    product_id: Integers
    surplus: Integers
    maybe_in: Units
    maybe_out: Units


def stock_conserved(question: Question) -> Checked:
    """Over the whole run, whatever the window."""
    run = question.run
    levels = _levels(run)
    if levels.at_start.all():
        return answer(0, 0, ())
    balance = _balance(run, levels)
    negative = np.flatnonzero(levels.available < 0)
    examples = [_example(run, levels, at, "a level of 0 or more") for at in negative[:MOST_EXAMPLES]]
    if question.scenario.policy.stock == "reserve":
        odd = _above_what_there_was(run, levels, balance)
        expected = "no more than was ever put in"
    else:
        odd = _unexplained(run, levels)
        expected = "an adjustment of this size, or a line of an order that was not counted before"
    examples += [_example(run, levels, at, expected) for at in odd[:MOST_EXAMPLES]]
    unbalanced = _unbalanced(levels, balance, levels.product_id[odd])
    examples += unbalanced[:MOST_EXAMPLES]
    examples.sort(key=lambda example: example["committed_s"] or np.inf)
    return answer(len(negative) + len(odd) + len(unbalanced), int((~levels.at_start).sum()), examples)


def _levels(run: Run) -> Levels:
    order = np.lexsort((integers(run, "levels", "position"), integers(run, "levels", "product_id")))
    position, product_id, available = (
        integers(run, "levels", name)[order] for name in ("position", "product_id", "available")
    )
    at_s = committed_s(run, "inventory", position)
    first = np.append(True, product_id[1:] != product_id[:-1])[: len(order)]
    before = np.where(first, 0, np.append(0, available[:-1])[: len(order)])
    last = np.append(first[1:], True)[: len(order)]
    return Levels(position, product_id, available, available - before, at_s, np.isnan(at_s), last)


def _unexplained(run: Run, levels: Levels) -> Integers:
    """The steps that are neither an adjustment nor a line of an order, each of which explains one step."""
    told, rows = stock.adjusted(run, "acknowledged")
    known = integers(run, "commands", "position")[rows]
    in_place = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[in_place], levels.position), max(len(known) - 1, 0))
    explained = levels.at_start | (levels.step == 0)
    if len(known):
        command = in_place[at]
        explained |= (
            (known[command] == levels.position)
            & (told.product_id[command] == levels.product_id)
            & (told.quantity[command] == levels.step)
        )
    lines, _ = stock.ordered(run)
    taken = lines._replace(quantity=-lines.quantity)
    unanswered, _ = stock.adjusted(run, "failed", "unanswered")
    for units in (taken, unanswered):
        open_steps = np.flatnonzero(~explained)
        explained[open_steps[_matched(levels, open_steps, units)]] = True
    return np.flatnonzero(~explained)


def _matched(levels: Levels, steps: Integers, units: Units) -> Flags:
    """Which of the steps find units of their product and size that are no younger, each for itself alone."""
    product_id = np.concatenate([levels.product_id[steps], units.product_id])
    size = np.concatenate([levels.step[steps], units.quantity])
    at_s = np.concatenate([levels.committed_s[steps], units.at_s])
    is_step = np.arange(len(at_s)) < len(steps)
    order = np.lexsort((is_step, at_s, size, product_id))
    group = np.cumsum(
        np.append(False, (np.diff(product_id[order]) != 0) | (np.diff(size[order]) != 0))[: len(order)]
    )
    # Within a group, `left` is how many units are left over; a step that makes it lower than ever, and than
    # nothing, finds none. Each group's numbers lie below all those of the groups before it.
    left = np.cumsum(np.where(is_step[order], -1, 1))
    starts = np.append(True, group[1:] != group[:-1])[: len(order)]
    left -= np.append(0, left)[:-1][starts][group]
    floor = -2 * (len(order) + 1) * group
    lowest = np.minimum.accumulate(left + floor)
    before = np.minimum(np.append(0, lowest)[:-1], floor)
    matched = np.ones(len(at_s), dtype=np.bool_)
    matched[order] = left + floor >= before
    return matched[: len(steps)]


def _above_what_there_was(run: Run, levels: Levels, balance: Balance) -> Integers:
    """The commits at which there was more of a product than had been put in by then.

    Of unanswered adjustments no more can have been put in than the balance at the end leaves room for.
    """
    out, room = stock.per_product((balance.maybe_out,), minus=())
    room = np.append(room, 0)[_places(out, balance.product_id)] + balance.surplus
    put_in = stock.total_at(
        stock.together(stock.at_start(run), stock.added(run)), levels.product_id, _when(levels)
    )
    maybe = stock.total_at(balance.maybe_in, levels.product_id, _when(levels))
    room = np.append(np.maximum(room, 0), 0)[_places(balance.product_id, levels.product_id)]
    return np.flatnonzero(levels.available > put_in + np.minimum(maybe, room))


def _when(levels: Levels) -> Seconds:
    return np.where(levels.at_start, -np.inf, levels.committed_s)


def _places(ascending: Integers, wanted: Integers) -> Integers:
    """Where each of the wanted stands among the others; −1: nowhere."""
    at = np.searchsorted(ascending, wanted)
    return np.where(np.append(ascending, -1)[at] == wanted, at, -1)


def _balance(run: Run, levels: Levels) -> Balance:
    on_hand = Units(levels.product_id[levels.last], levels.available[levels.last], np.empty(0))
    held = Units(integers(run, "reserved", "product_id"), integers(run, "reserved", "quantity"), np.empty(0))
    ordered, rows = stock.ordered(run)
    handled = _handled(run)[rows]
    taken, perhaps = stock.some(ordered, handled), stock.some(ordered, ~handled)
    unanswered, _ = stock.adjusted(run, "failed", "unanswered")
    lower = stock.some(unanswered, unanswered.quantity < 0)
    put_in = (stock.at_start(run), stock.added(run))
    return Balance(
        *stock.per_product((on_hand, held, taken), minus=put_in),
        stock.some(unanswered, unanswered.quantity > 0),
        stock.together(perhaps, lower._replace(quantity=-lower.quantity)),
    )


def _unbalanced(levels: Levels, balance: Balance, known_wrong: Integers) -> list[CounterExample]:
    """The products whose balance nothing explains, but for those that are known to be wrong."""
    examples = []
    for at in np.flatnonzero((balance.surplus != 0) & ~np.isin(balance.product_id, known_wrong)):
        product_id, surplus = int(balance.product_id[at]), int(balance.surplus[at])
        if _explained(surplus, *(_of(product_id, units) for units in (balance.maybe_in, balance.maybe_out))):
            continue
        mine = np.flatnonzero(levels.last & (levels.product_id == product_id))
        found = int(levels.available[mine[0]]) if len(mine) else 0
        examples.append(
            {
                "product_id": product_id,
                "position": int(levels.position[mine[0]]) if len(mine) else -1,
                "committed_s": second(levels.committed_s[mine[0]]) if len(mine) else None,
                "expected": f"{found - surplus} on hand at the end, from what was put in and taken",
                "found": f"{found} on hand",
            }
        )
    return examples


def _of(product_id: int, units: Units) -> list[int]:
    quantities: list[int] = units.quantity[units.product_id == product_id].tolist()
    return quantities


def _explained(surplus: int, maybe_in: list[int], maybe_out: list[int]) -> bool:
    """Whether some of the one less some of the other is the surplus.

    >>> _explained(3, [5, 1], [2]), _explained(2, [5, 1], [2])
    (True, False)
    """
    sums = 1  # bit n: so many units can be had from those that came in and those that did not go out
    for quantity in (*maybe_in, *maybe_out):
        sums |= sums << quantity
    wanted = surplus + sum(maybe_out)
    return wanted >= 0 and bool(sums >> wanted & 1)


def _handled(run: Run) -> Flags:
    """Which rows of `events` the inventory has taken notice of."""
    rows = handlings(run, "inventory", "orders")
    rows = rows[flags(run, "applied", "outcome", *EFFECTIVE)[rows]]
    events = event_rows(run, "orders", integers(run, "applied", "position")[rows])
    found = np.zeros(len(integers(run, "events", "position")), dtype=np.bool_)
    found[events[events >= 0]] = True
    return found


def _example(run: Run, levels: Levels, at: int, expected: str) -> CounterExample:
    """A step of a level; the order, if any, is the one that the inventory handled at that instant."""
    available, step = int(levels.available[at]), int(levels.step[at])
    return {
        "product_id": int(levels.product_id[at]),
        "position": int(levels.position[at]),
        "order_id": _order_at(run, float(levels.committed_s[at])),
        "committed_s": second(levels.committed_s[at]),
        "expected": expected,
        "found": f"a level that went from {available - step} to {available}",
    }


def _order_at(run: Run, at_s: float) -> int:
    rows = handlings(run, "inventory", "orders")
    applied_s, taken_s = (seconds(run, "applied", name)[rows] for name in ("applied_s", "taken_s"))
    rows = rows[(taken_s <= at_s) & (at_s <= applied_s)]
    events = event_rows(run, "orders", integers(run, "applied", "position")[rows[:1]])
    return int(integers(run, "events", "order_id")[events[0]]) if len(events) and events[0] >= 0 else -1
