"""The checkers, in one table: questions about a run with the answer yes or no, and counter-examples.

What is expected comes from the command side and the client's ledger, never from the consumer's own account.
To add a checker, write a function here, add its line to `CHECKERS`, and its name to
`scenarios.expectations.CHECKERS`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reports import gaps
from reports.arrays import Integers
from reports.following import event_rows, first_applied_s, of_consumer
from reports.frames import Run
from reports.handling import dead_letters, last_outcome
from reports.sessions import PLACES_ORDERS
from reports.time_behind import ramps
from reports.window import Window
from scenarios.scenario import Scenario

MOST_EXAMPLES = 8

NOTHING_TO_JUDGE = "there was nothing to judge"

CounterExample = dict[str, Any]
"""What was expected and what was found: ids, positions and instants, `expected`, `found`."""


@dataclass(frozen=True)
class Checked:
    """The answer: `held` is None, with a `reason`, if the run cannot tell.

    `count` is the number of counter-examples, of which the first few are listed; `sample_size` how many
    things were looked at.
    """

    held: bool | None
    sample_size: int
    count: int = 0
    counter_examples: tuple[CounterExample, ...] = ()
    reason: str = ""


class Question(NamedTuple):
    """What is asked of which run: `within_s` is a checker's own time, `empty` the claims without a sample."""

    run: Run
    scenario: Scenario
    window: Window
    within_s: float | None = None
    empty: Sequence[str] = ()


def acknowledged_orders(run: Run, window: Window) -> pd.DataFrame:
    """The client's ledger: commands that arrived in the window and were answered with an order."""
    commands = run.commands
    theirs = commands["kind"].isin(PLACES_ORDERS) & (commands["outcome"] == "acknowledged")
    return commands[
        (theirs & (commands["order_id"] >= 0)).to_numpy() & window.holds(commands["arrived_s"].to_numpy())
    ]


def lost_orders(run: Run, window: Window) -> pd.DataFrame:
    """The acknowledged orders that are neither in the read model at the end nor a dead letter of it."""
    told = acknowledged_orders(run, window)
    letters = dead_letters(run, "summary")
    parked = letters["position"].to_numpy()[(letters["source"] == "orders").to_numpy()]
    safe = (
        told["order_id"].isin(run.summaries["order_id"]).to_numpy() | told["position"].isin(parked).to_numpy()
    )
    return told[~safe]


def _no_lost(question: Question) -> Checked:
    run = question.run
    lost = lost_orders(run, question.window)
    first = lost.head(MOST_EXAMPLES)
    outcome = last_outcome(run, "summary")
    outcome = outcome[(outcome["source"] == "orders").to_numpy()]
    ended = dict(zip(outcome["position"].tolist(), outcome["outcome"].tolist(), strict=True))
    stored = set(run.orders["order_id"].tolist())
    committed = _committed_s(run, first["position"].to_numpy())

    def found(order_id: int, position: int) -> str:
        if order_id not in stored:
            return "not among the command side's orders either"
        if position not in ended:
            return "no row, and the summary never finished its event"
        return f"no row, although its event ended as {ended[position]}"

    examples = [
        {
            "order_id": int(row["order_id"]),
            "position": int(row["position"]),
            "acknowledged_s": _second(row["answered_s"]),
            "committed_s": committed_s,
            "expected": "a row in the read model, or a dead letter",
            "found": found(int(row["order_id"]), int(row["position"])),
        }
        for row, committed_s in zip(first.to_dict("records"), committed, strict=True)
    ]
    return _answer(len(lost), len(acknowledged_orders(run, question.window)), examples)


def _no_phantom(question: Question) -> Checked:
    found = gaps.of_run(question.run).extra
    return _about_rows(question.run, found, "no row: the command side has no such order", "a row")


def _no_doubled(question: Question) -> Checked:
    found = gaps.of_run(question.run).doubled
    return _about_rows(question.run, found, "one row", "another row of the same order")


def _about_rows(run: Run, order_ids: Integers, expected: str, found: str) -> Checked:
    first = order_ids[:MOST_EXAMPLES]
    events = run.events[
        (run.events["source"] == "orders").to_numpy() & run.events["order_id"].isin(first).to_numpy()
    ]
    events = events.drop_duplicates("order_id").set_index("order_id")
    examples = [
        {
            "order_id": int(order_id),
            "position": int(events["position"].get(order_id, -1)),
            "committed_s": _second(events["committed_s"].get(order_id, math.nan)),
            "expected": expected,
            "found": found,
        }
        for order_id in first
    ]
    judged = np.union1d(run.orders["order_id"].to_numpy(), run.summaries["order_id"].to_numpy())
    return _answer(len(order_ids), len(judged), examples)


def _no_reordered(question: Question) -> Checked:
    """Orders of one customer must take effect in the order of their positions."""
    run = question.run
    applied = run.applied
    theirs = (
        (applied["consumer"] == "summary")
        & (applied["source"] == "orders")
        & (applied["outcome"] == "applied")
    )
    applied = applied[theirs.to_numpy()]
    position, applied_s = applied["position"].to_numpy(), applied["applied_s"].to_numpy()
    events = event_rows(run, "orders", position)
    events, position, applied_s = events[events >= 0], position[events >= 0], applied_s[events >= 0]
    inside = question.window.holds(run.events["committed_s"].to_numpy()[events])
    customer = run.events["key"].to_numpy()[events].astype(np.int64)
    order = np.lexsort((position, applied_s, customer))
    group = np.cumsum(np.diff(customer[order], prepend=customer[order][:1]) != 0)
    ladder = group * (int(position.max(initial=0)) + 1) + position[order]
    highest = np.maximum.accumulate(ladder)
    late = np.flatnonzero((ladder < highest) & inside[order])
    examples = [
        {
            "order_id": int(run.events["order_id"].to_numpy()[events[order[at]]]),
            "position": int(position[order[at]]),
            "customer_id": int(customer[order[at]]),
            "applied_s": float(applied_s[order[at]]),
            "expected": "applied before every later order of its customer",
            "found": f"applied after position {int(position[order[at]] + highest[at] - ladder[at])}",
        }
        for at in late[:MOST_EXAMPLES]
    ]
    return _answer(len(late), int(inside.sum()), examples)


def _converged(question: Question) -> Checked:
    """Every consumer's backlog is zero at the horizon; `within` s of settle: from then on, for good."""
    run = question.run
    within = question.within_s
    by_s = run.phases.end_s if within is None else min(run.phases.run_s + within, run.phases.end_s)
    count, sample_size = 0, 0
    examples: list[CounterExample] = []
    for consumer, sources in run.consumers.items():
        events = of_consumer(run, consumer)
        sample_size += len(events.committed_s)
        if len(ramps(events).end_s) == 0 or ramps(events).end_s[-1] <= by_s:
            continue
        late = np.flatnonzero((events.applied_s > by_s) & (events.applied_s > events.committed_s))
        count += len(late)
        applied_s = first_applied_s(run, consumer, sources)
        for at in late[: MOST_EXAMPLES - len(examples)]:
            row = run.events.iloc[int(events.event[at])]
            instant_s = float(applied_s[events.event[at]])
            examples.append(
                {
                    "consumer": consumer,
                    "source": str(row["source"]),
                    "position": int(row["position"]),
                    "order_id": int(row["order_id"]),
                    "committed_s": float(row["committed_s"]),
                    "expected": f"applied by {by_s:g} s",
                    "found": "never applied" if math.isnan(instant_s) else f"applied at {instant_s:.9g} s",
                }
            )
    return _answer(count, sample_size, examples)


def _in_bounds(question: Question) -> Checked:
    """Sampled inbox depths keep the policy's bounds, and the attempts of retrying consumers its limit."""
    run, policy = question.run, question.scenario.policy
    queues = run.queues[question.window.holds(run.queues["at_s"].to_numpy())]
    inbox = {node: policy.of(str(node)).inbox for node in queues["node"].unique()}
    bound = queues["node"].astype(object).map(inbox).to_numpy(dtype=np.int64)
    deep = queues[(bound > 0) & (queues["depth"].to_numpy() > bound)]
    tries = run.applied[question.window.holds(run.applied["applied_s"].to_numpy())]
    attempts = {
        consumer: _most_attempts(question.scenario, str(consumer)) for consumer in tries["consumer"].unique()
    }
    most = tries["consumer"].astype(object).map(attempts).to_numpy(dtype=np.float64)
    often = tries[tries["attempts"].to_numpy() > most]
    examples = [
        {
            "node": str(row["node"]),
            "at_s": float(row["at_s"]),
            "expected": f"an inbox of at most {inbox[row['node']]}",
            "found": f"{row['depth']} messages",
        }
        for row in deep.head(MOST_EXAMPLES).to_dict("records")
    ] + [
        {
            "consumer": str(row["consumer"]),
            "source": str(row["source"]),
            "position": int(row["position"]),
            "applied_s": float(row["applied_s"]),
            "expected": f"at most {attempts[row['consumer']]:g} attempts",
            "found": f"{row['attempts']} attempts",
        }
        for row in often.head(MOST_EXAMPLES).to_dict("records")
    ]
    return _answer(len(deep) + len(often), len(queues) + len(tries), examples[:MOST_EXAMPLES])


def _most_attempts(scenario: Scenario, consumer: str) -> float:
    policy = scenario.policy.of(consumer)
    if policy.on_error != "retry" or policy.retry.attempts == 0:
        return math.inf
    return 1 + policy.retry.attempts


def unfired(scenario: Scenario, hits: Mapping[int, int]) -> list[int]:
    """The indices of the scenario's faults that touched nothing or never occurred; `hits` is by index."""
    return [index for index in range(len(scenario.faults)) if hits.get(index, 0) <= 0]


def _faults_fired(question: Question) -> Checked:
    """Every fault touched something, and every other claim had something to judge."""
    examples: list[CounterExample] = []
    touched = question.run.faults.groupby("fault", as_index=False)["hits"].sum()
    hits = dict(zip(touched["fault"].tolist(), touched["hits"].tolist(), strict=True))
    for index in unfired(question.scenario, hits):
        fault = question.scenario.faults[index]
        times = int((question.run.faults["fault"] == index).sum())
        examples.append(
            {
                "fault": index,
                "kind": fault.kind,
                "on": fault.on,
                "expected": "at least one message, call or node touched",
                "found": f"{times} occurrences that touched nothing" if times else "it never occurred",
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


def _answer(count: int, sample_size: int, examples: Sequence[CounterExample]) -> Checked:
    if sample_size == 0 and count == 0:
        return Checked(None, 0, reason=NOTHING_TO_JUDGE)
    return Checked(count == 0, sample_size, count, tuple(examples))


def _committed_s(run: Run, positions: Integers) -> list[float | None]:
    rows = event_rows(run, "orders", positions)
    committed_s = run.events["committed_s"].to_numpy()
    return [float(committed_s[row]) if row >= 0 else None for row in rows]


def _second(instant_s: float) -> float | None:
    return None if math.isnan(instant_s) else float(instant_s)


CHECKERS: Mapping[str, Callable[[Question], Checked]] = {
    "no lost": _no_lost,
    "no phantom": _no_phantom,
    "no doubled": _no_doubled,
    "no reordered": _no_reordered,
    "converged": _converged,
    "in bounds": _in_bounds,
    "faults fired": _faults_fired,
}
