"""What a run's trace says of the times that a scenario gives: how long parts work, how long links take.

Only calm times are looked at: what was handled while a fault lasted, or was recovered from, tells of it.

    time.<consumer>  from the instant at which the consumer took an event to that at which its effect could
                     be read, if the first attempt succeeded. Its store calls are in it. Of events that took
                     effect in one transaction each has its share of the time.
    time.<service>   from the arrival of a command, or from when the service had done what came before if that
                     was later, to the commit of its event; of commands committed in one transaction each has
                     its share. Without an event: to its answer.
    link.<link>      from an event's commit to the instant at which the consumer took it, if nothing was
                     under way to the consumer at the commit, and it did not wait. The relay's work is in it.

Waiting in an inbox is in none of these. What cannot be told apart from a trace stays where it happened: a
store call in the service that made it, a wait for the turn of another lane in the lane that waited.
"""

import numpy as np

from actors.topology import CONSUMERS
from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, integers, replicas, seconds
from reports.evidence.following import committed_s, event_rows, of_consumer
from reports.evidence.frames import Run
from reports.measures.occurrences import occurrences, recovered
from scenarios.scenario import Scenario

HANDOVER_S = 1e-4
"""What is taken so soon after something else was done had been waiting for that."""

OF_COMMANDS = {"orders": ("orders", "orders"), "catalog": ("catalogue", "catalog"), "carts": ("carts", "")}
"""The services whose time is that of commands: the kind of command, and the log that it writes to."""


def durations_s(run: Run, scenario: Scenario) -> dict[str, Seconds]:
    """The durations (s) by the key of the scenario that they stand for, such as `time.summary`.

    Keys for which the run has nothing are there, with no durations.
    """
    found = {f"time.{service}": _of_commands(run, service) for service in OF_COMMANDS}
    for consumer in CONSUMERS:
        copies = replicas(run, consumer)
        if consumer not in OF_COMMANDS:  # there the time is that of commands
            in_groups = scenario.policy.of(consumer).partitions == 1
            services = [_of_events(run, copy, in_groups=in_groups) for copy in copies]
            found[f"time.{consumer}"] = _all(services)
        for source in CONSUMERS[consumer]:
            following = [copy for copy in copies if source in run.consumers[copy]]
            found[f"link.{source}->{consumer}"] = _all([_on_the_way(run, copy, source) for copy in following])
    return found


def answering_s(run: Run) -> Seconds:
    """How long after its commit the answer to each order was out (s): a scenario has no place for that."""
    _, committed, answered = _commands(run, "orders", "orders")
    late_s: Seconds = answered - committed
    return late_s


def _all(samples: list[Seconds]) -> Seconds:
    return np.concatenate(samples) if samples else np.empty(0)


def _calm(run: Run, at_s: Seconds, consumers: tuple[str, ...]) -> Flags:
    """Which of the instants lie outside of faults and of what these consumers needed to recover."""
    calm = np.ones(len(at_s), dtype=np.bool_)
    everything = occurrences(run)
    over_s = np.array([one.end_s for one in everything])
    for consumer in consumers:
        over_s = np.maximum(
            over_s,
            [
                one.end_s + recovery.at_least_s
                for one, recovery in zip(everything, recovered(run, consumer), strict=True)
            ],
        )
    for one, until_s in zip(everything, over_s, strict=True):
        calm &= (at_s < one.start_s) | (at_s > until_s)
    return calm


# -- service times -------------------------------------------------------------------------------------


def _of_events(run: Run, consumer: str, *, in_groups: bool) -> Seconds:
    rows = _handled(run, consumer)
    taken_s, applied_s = (seconds(run, "applied", name)[rows] for name in ("taken_s", "applied_s"))
    service_s = applied_s - taken_s
    if in_groups and len(rows):
        _, group, size = np.unique(
            np.column_stack([taken_s, applied_s]), axis=0, return_inverse=True, return_counts=True
        )
        service_s = service_s / size[group.ravel()]
    return service_s[_calm(run, taken_s, (consumer,))]


def _handled(run: Run, consumer: str) -> Integers:
    """The rows of `applied` in which this consumer was done at the first attempt."""
    mine = flags(run, "applied", "consumer", consumer) & flags(run, "applied", "outcome", "applied")
    return np.flatnonzero(mine & (integers(run, "applied", "attempts") == 1))


def _of_commands(run: Run, service: str) -> Seconds:
    kind, source = OF_COMMANDS[service]
    arrived_s, end_s, _ = _commands(run, kind, source)
    if not len(end_s):
        return end_s
    ends_s, group, size = np.unique(end_s, return_inverse=True, return_counts=True)
    first_s = np.full(len(ends_s), np.inf)
    np.minimum.at(first_s, group, arrived_s)
    busy_s = np.unique(np.concatenate([ends_s, *_also_done_s(run, service, source)]))
    before = np.searchsorted(busy_s, ends_s, side="left") - 1
    free_s = np.where(before >= 0, busy_s[before], -np.inf)
    service_s = (ends_s - np.maximum(first_s, free_s)) / size
    calm = _calm(run, end_s, tuple(run.consumers))
    found: Seconds = np.maximum(service_s[group], 0.0)[calm]
    return found


def _also_done_s(run: Run, service: str, source: str) -> list[Seconds]:
    """When the service had done what else it does: all its commits, and the events that it follows."""
    done = [seconds(run, "events", "committed_s")[flags(run, "events", "source", source)]] if source else []
    if service in run.consumers:
        done.append(seconds(run, "applied", "applied_s")[flags(run, "applied", "consumer", service)])
    return done


def _commands(run: Run, kind: str, source: str) -> tuple[Seconds, Seconds, Seconds]:
    """The acknowledged commands of a kind: when each arrived, had its effect, and was answered."""
    chosen = flags(run, "commands", "kind", kind) & flags(run, "commands", "outcome", "acknowledged")
    rows = np.flatnonzero(chosen)
    arrived_s, answered_s = (seconds(run, "commands", name)[rows] for name in ("arrived_s", "answered_s"))
    if not source:
        return arrived_s, answered_s, answered_s
    done_s = committed_s(run, source, integers(run, "commands", "position")[rows])
    known = ~np.isnan(done_s)
    return arrived_s[known], done_s[known], answered_s[known]


# -- links ---------------------------------------------------------------------------------------------


def _on_the_way(run: Run, consumer: str, source: str) -> Seconds:
    events = of_consumer(run, consumer)
    if not len(events.committed_s):
        return np.empty(0)
    committed_of = np.full(len(integers(run, "events", "position")), np.nan)
    followed_s = np.maximum.accumulate(np.concatenate([[-np.inf], events.applied_s]))[:-1]
    in_step = followed_s <= events.committed_s  # nothing was under way, or in its hands, at the commit
    committed_of[events.event[in_step]] = events.committed_s[in_step]

    mine = np.flatnonzero(flags(run, "applied", "consumer", consumer))
    taken_s, ended_s = (seconds(run, "applied", name)[mine] for name in ("taken_s", "applied_s"))
    order = np.argsort(taken_s, kind="stable")
    free_s = np.empty(len(mine))
    free_s[order] = np.maximum.accumulate(np.concatenate([[-np.inf], ended_s[order]]))[:-1]

    commands_s = np.concatenate([[-np.inf], _commands_done_s(run, consumer)])
    free_s = np.maximum(free_s, commands_s[np.searchsorted(commands_s, taken_s, side="right") - 1])

    of_source = flags(run, "applied", "source", source)[mine]
    first = flags(run, "applied", "outcome", "applied")[mine] & (
        integers(run, "applied", "attempts")[mine] == 1
    )
    rows = event_rows(run, source, integers(run, "applied", "position")[mine])
    left_s = np.where(rows >= 0, committed_of[rows], np.nan)
    waited = taken_s - free_s <= HANDOVER_S
    chosen = of_source & first & ~waited & ~np.isnan(left_s) & _calm(run, taken_s, (consumer,))
    found: Seconds = np.maximum(taken_s - left_s, 0.0)[chosen]
    return found


def _commands_done_s(run: Run, consumer: str) -> Seconds:
    """When a service that also follows events had done the commands that came between them, ascending."""
    if consumer == "orders":
        return np.sort(seconds(run, "events", "committed_s")[flags(run, "events", "source", "orders")])
    if consumer == "inventory":
        return np.sort(_commands(run, "restock", "inventory")[1])
    return np.empty(0)
