"""The checkers, in one table: questions about a run with the answer yes or no, and counter-examples.

What is expected comes from the command side and the client's ledger, never from the consumer's own account.
To add a checker, write a function here or in a file of its own, add its line to `CHECKERS`, and its name to
`scenarios.expectations.CHECKERS`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from actors.topology import node_of
from reports.evidence.arrays import Integers
from reports.evidence.columns import flags, integers, name_at, names, replicas, seconds
from reports.evidence.endings import outcomes
from reports.evidence.following import committed_s, first_applied_s, of_consumer
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW, acknowledged, lost_orders
from reports.evidence.placed import order_rows, placed_rows
from reports.judging.checked import MOST_EXAMPLES, Checked, CounterExample, Question, answer, second
from reports.judging.join_right import join_right
from reports.judging.stock_conserved import stock_conserved
from reports.measures import gaps
from reports.measures.time_behind import ramps
from scenarios.scenario import Scenario

__all__ = ["CHECKERS", "MOST_EXAMPLES"]


def _no_lost(question: Question) -> Checked:
    """Every order that a client was told is accepted is in each replica, or among its dead letters."""
    run = question.run
    lost = lost_orders(run, question.window)
    examples: list[CounterExample] = []
    for replica, rows in lost.items():
        examples += _lost_examples(run, replica, rows[: MOST_EXAMPLES - len(examples)])
    judged = len(acknowledged(run, question.window)) * len(lost)
    return answer(sum(len(rows) for rows in lost.values()), judged, examples)


def _lost_examples(run: Run, replica: str, rows: Integers) -> list[CounterExample]:
    order_id, position = (integers(run, "commands", name)[rows] for name in ("order_id", "position"))
    stored = order_rows(run, order_id) >= 0
    ended = outcomes(run, replica, "orders", position)

    def found(at: int) -> str:
        if not stored[at]:
            return "not among the command side's orders either"
        outcome = ended[at]
        if outcome is None:
            return "no row, and its event was never finished"
        return f"no row, although its event ended as {outcome[0]} at {outcome[1]:.9g} s"

    return [
        {
            "replica": replica,
            "order_id": int(order_id[at]),
            "position": int(position[at]),
            "acknowledged_s": second(seconds(run, "commands", "answered_s")[row]),
            "committed_s": second(committed_s(run, "orders", position[at : at + 1])[0]),
            "expected": "a row in the read model, or a dead letter",
            "found": found(at),
        }
        for at, row in enumerate(rows)
    ]


def _no_phantom(question: Question) -> Checked:
    """Every row belongs to an order of the command side."""
    rows = [gaps.of_replica(question.run, replica).extra for replica in _views(question.run)]
    return _about_rows(question.run, rows, "no row: the command side has no such order", "a row")


def _no_doubled(question: Question) -> Checked:
    """No order has two rows in one replica."""
    rows = [gaps.of_replica(question.run, replica).doubled for replica in _views(question.run)]
    return _about_rows(question.run, rows, "one row", "another row of the same order")


def _views(run: Run) -> tuple[str, ...]:
    return replicas(run, CUSTOMERS_VIEW)


def _about_rows(run: Run, each: list[Integers], expected: str, found: str) -> Checked:
    rows = np.concatenate([*each, np.empty(0, dtype=np.int64)])
    first = rows[:MOST_EXAMPLES]
    order_id = integers(run, "summaries", "order_id")
    events = placed_rows(run, order_id[first])
    examples = [
        {
            "replica": name_at(run, "summaries", "replica", int(row)),
            "order_id": int(order_id[row]),
            "position": int(integers(run, "events", "position")[event]) if event >= 0 else -1,
            "committed_s": second(seconds(run, "events", "committed_s")[event]) if event >= 0 else None,
            "expected": expected,
            "found": found,
        }
        for row, event in zip(first, events, strict=True)
    ]
    return answer(len(rows), max(len(order_id), len(integers(run, "orders", "order_id"))), examples)


def _no_reordered(question: Question) -> Checked:
    """What follows from the orders of one customer takes effect in the order of their positions.

    An event that takes effect again counts once, when it first did.
    """
    run = question.run
    count, judged = 0, 0
    examples: list[CounterExample] = []
    rows = np.flatnonzero(flags(run, "events", "source", "orders"))
    inside = question.window.holds(seconds(run, "events", "committed_s")[rows])
    position, customer = (integers(run, "events", name)[rows] for name in ("position", "key"))
    for replica in _views(run):
        applied_s = first_applied_s(run, replica)[rows]
        took = np.flatnonzero(~np.isnan(applied_s))
        took = took[np.lexsort((position[took], applied_s[took], customer[took]))]
        new = np.append(True, customer[took][1:] != customer[took][:-1])[: len(took)]
        ladder = np.cumsum(new) * (int(position.max(initial=0)) + 1) + position[took]
        highest = np.maximum.accumulate(ladder)
        late = np.flatnonzero((ladder < highest) & inside[took])
        count += len(late)
        judged += int(inside[took].sum())
        for at in late[: MOST_EXAMPLES - len(examples)]:
            row = int(took[at])
            examples.append(
                {
                    "replica": replica,
                    "order_id": int(integers(run, "events", "order_id")[rows[row]]),
                    "position": int(position[row]),
                    "customer_id": int(customer[row]),
                    "applied_s": float(applied_s[row]),
                    "expected": "applied before every later event of its customer",
                    "found": f"applied after position {int(position[row] + highest[at] - ladder[at])}",
                }
            )
    return answer(count, judged, examples)


def _converged(question: Question) -> Checked:
    """Every consumer's backlog is zero at the horizon; `within` s of settle: from then on, for good.

    Of more time than settle has nothing is known but that it sufficed, if it did.
    """
    run = question.run
    within = question.within_s
    by_s = run.phases.end_s if within is None else min(run.phases.run_s + within, run.phases.end_s)
    count, sample_size = 0, 0
    examples: list[CounterExample] = []
    for consumer in run.consumers:
        events = of_consumer(run, consumer)
        sample_size += len(events.committed_s)
        if len(ramps(events).end_s) == 0 or ramps(events).end_s[-1] <= by_s:
            continue
        late = np.flatnonzero((events.applied_s > by_s) & (events.applied_s > events.committed_s))
        count += len(late)
        first = events.event[late[: MOST_EXAMPLES - len(examples)]]
        examples += [_late_example(run, consumer, int(event), by_s) for event in first]
    found = answer(count, sample_size, examples)
    if count and within is not None and within > run.phases.settle_s:
        reason = (
            f"settle lasts {run.phases.settle_s:g} s of the {within:g} s that it may take; make it longer"
        )
        return replace(found, held=None, reason=reason)
    return found


def _late_example(run: Run, consumer: str, event: int, by_s: float) -> CounterExample:
    source = name_at(run, "events", "source", event)
    position = integers(run, "events", "position")[event : event + 1]
    (ended,) = outcomes(run, consumer, source, position)
    found = "never finished"
    if ended is not None:
        found = f"ended as {ended[0]} at {ended[1]:.9g} s"
        if ended[0] == "applied":
            found = f"applied at {float(first_applied_s(run, consumer)[event]):.9g} s"
    return {
        "consumer": consumer,
        "source": source,
        "position": int(position[0]),
        "order_id": int(integers(run, "events", "order_id")[event]),
        "committed_s": float(seconds(run, "events", "committed_s")[event]),
        "expected": f"applied by {by_s:g} s",
        "found": found,
    }


def _in_bounds(question: Question) -> Checked:
    """Sampled inbox depths keep the policy's bounds, and the attempts of consumers its limit."""
    run = question.run
    at_s, depth = seconds(run, "queues", "at_s"), integers(run, "queues", "depth")
    applied_s, attempts = seconds(run, "applied", "applied_s"), integers(run, "applied", "attempts")
    sampled, handled = question.window.holds(at_s), question.window.holds(applied_s)
    deep: list[CounterExample] = []
    often: list[CounterExample] = []
    count = 0
    for node in sorted({node_of(consumer) for consumer in run.consumers}):
        bound = _inbox_bound(question.scenario, node, len(replicas(run, node)))
        rows = np.flatnonzero(sampled & (depth > bound) & flags(run, "queues", "node", node))
        count += len(rows)
        deep += [
            {
                "node": node,
                "at_s": float(at_s[row]),
                "expected": f"at most {bound:g} messages waiting",
                "found": f"{depth[row]} messages",
            }
            for row in rows[:MOST_EXAMPLES]
        ]
    for consumer in names(run, "applied", "consumer"):
        most = _most_attempts(question.scenario, node_of(consumer))
        rows = np.flatnonzero(handled & (attempts > most) & flags(run, "applied", "consumer", consumer))
        count += len(rows)
        often += [
            {
                "consumer": consumer,
                "source": name_at(run, "applied", "source", int(row)),
                "position": int(integers(run, "applied", "position")[row]),
                "applied_s": float(applied_s[row]),
                "expected": f"at most {most:g} attempts",
                "found": f"{attempts[row]} attempts",
            }
            for row in rows[:MOST_EXAMPLES]
        ]
    return answer(count, int(sampled.sum()) + int(handled.sum()), [*deep, *often])


def _inbox_bound(scenario: Scenario, node: str, actors: int) -> float:
    """How many messages may wait at a node: each of its actors bounds its own inbox, but not its lanes."""
    policy = scenario.policy.of(node)
    return policy.inbox * actors if policy.inbox and policy.partitions == 1 else math.inf


def _most_attempts(scenario: Scenario, consumer: str) -> float:
    """How often an event may be tried before what follows the last failure."""
    policy = scenario.policy.of(consumer)
    if policy.on_error != "retry":
        return 1
    return 1 + policy.retry.attempts if policy.retry.attempts else math.inf


def unfired(scenario: Scenario, hits: Mapping[int, int]) -> list[int]:
    """The indices of the enabled faults that touched nothing or never occurred; `hits` is by index."""
    return [index for index, fault in enumerate(scenario.faults) if fault.enabled and hits.get(index, 0) <= 0]


def _how_often(times: int) -> str:
    if not times:
        return "it never occurred"
    return f"it occurred {'once' if times == 1 else f'{times} times'}, and touched nothing"


def _faults_fired(question: Question) -> Checked:
    """Every fault touched something, and every other claim had something to judge."""
    run = question.run
    examples: list[CounterExample] = []
    number, touched = integers(run, "faults", "fault"), integers(run, "faults", "hits")
    hits = {int(index): int(touched[number == index].sum()) for index in np.unique(number)}
    for index in unfired(question.scenario, hits):
        fault = question.scenario.faults[index]
        times = int((number == index).sum())
        examples.append(
            {
                "fault": index,
                "kind": fault.kind,
                "on": fault.on,
                "expected": "at least one message, call or node touched",
                "found": _how_often(times),
            }
        )
    examples += [
        {"claim": text, "expected": "something to judge", "found": "an empty sample"}
        for text in question.empty
    ]
    return Checked(
        held=not examples,
        sample_size=len(question.scenario.faults),
        count=len(examples),
        counter_examples=tuple(examples[:MOST_EXAMPLES]),
    )


CHECKERS: Mapping[str, Callable[[Question], Checked]] = {
    "no lost": _no_lost,
    "no phantom": _no_phantom,
    "no doubled": _no_doubled,
    "no reordered": _no_reordered,
    "join right": join_right,
    "stock conserved": stock_conserved,
    "converged": _converged,
    "in bounds": _in_bounds,
    "faults fired": _faults_fired,
}
