"""What happened while each fault lasted and was being recovered from, beside the time without any.

It is what a single run tells of a fault's cost: what lay in its time, whatever else did. What is due to it
alone is said by the same seed without it (`cqrs_lab.sweeps.cost`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reports.evidence.columns import flags, seconds
from reports.evidence.following import of_consumer
from reports.evidence.ledger import PLACES_ORDERS
from reports.measures.occurrences import occurrences, recovered, untouched
from reports.measures.reads import VERSIONS, versions_behind

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.evidence.arrays import Flags, Seconds
    from reports.evidence.frames import Run


class Meanwhile(NamedTuple):
    """What lay in the time of one occurrence, or in none of them (`occurrence` −1).

    `lag_s` is the largest lag of each consumer's changes that were under way then, None without any; of those
    in `never` some were not applied by the end, so that it is at least as large. `reads` are those that can
    be judged; `refused` are the orders and check-outs that were not acknowledged.
    """

    occurrence: int
    lag_s: dict[str, float | None]
    never: frozenset[str]
    reads: int
    stale: int
    orders: int
    refused: int


def meanwhile(run: Run, most: int = 40) -> list[Meanwhile]:
    """Of the first occurrences of faults, in their order, and last of the run phase outside all of them.

    The time of an occurrence ends when all consumers had recovered, or when the next fault began or the run
    ended before they had.
    """
    found = occurrences(run)
    until_s = [one.end_s for one in found]
    for consumer in run.consumers:
        took = zip(found, recovered(run, consumer), strict=True)
        back_s = [one.end_s + each.at_least_s for one, each in took]
        until_s = [max(pair) for pair in zip(until_s, back_s, strict=True)]
    times = [(one.start_s, end_s) for one, end_s in zip(found, until_s, strict=True)]
    judged = np.max([versions_behind(run, kind) for kind in VERSIONS], axis=0)
    rows = np.flatnonzero(judged >= 0)
    behind, read_s = judged[rows], seconds(run, "reads", "read_s")[rows]
    placed = flags(run, "commands", "kind", *PLACES_ORDERS)
    arrived_s = seconds(run, "commands", "arrived_s")[placed]
    accepted = flags(run, "commands", "outcome", "acknowledged")[placed]

    def within(number: int, inside: Callable[[Seconds, Seconds], Flags]) -> Meanwhile:
        lag_s: dict[str, float | None] = {}
        never = set()
        for consumer in run.consumers:
            events = of_consumer(run, consumer)
            mine = inside(events.committed_s, events.applied_s)
            applied_s = events.applied_s[mine]
            lasted_s = np.minimum(applied_s, events.end_s) - events.committed_s[mine]
            lag_s[consumer] = float(lasted_s.max()) if len(lasted_s) else None
            if np.isinf(applied_s).any():
                never.add(consumer)
        read, asked = inside(read_s, read_s), inside(arrived_s, arrived_s)
        return Meanwhile(
            number,
            lag_s,
            frozenset(never),
            reads=int(read.sum()),
            stale=int((behind[read] > 0).sum()),
            orders=int(asked.sum()),
            refused=int((~accepted[asked]).sum()),
        )

    def during(number: int) -> Callable[[Seconds, Seconds], Flags]:
        start_s, end_s = times[number]
        return lambda since_s, until_s: (until_s >= start_s) & (since_s <= end_s)

    def at_ease(since_s: Seconds, until_s: Seconds) -> Flags:
        return run.phases.window("run").holds(since_s) & untouched(since_s, until_s, times)

    return [*(within(number, during(number)) for number in range(len(times[:most]))), within(-1, at_ease)]
