"""The occurrences of a run's faults in the order of time, and how each consumer recovered from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import integers, name_at, seconds
from reports.evidence.following import of_consumer
from reports.evidence.frames import Run
from reports.measures.recovery import Recovery, level_s, recoveries


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of the fault `index` of the scenario; `hits` is how much it touched."""

    index: int
    kind: str
    on: str
    start_s: float
    end_s: float
    hits: int


def occurrences(run: Run) -> list[Occurrence]:
    """All of them, by start."""
    key = ("occurrences",)
    found: Any = run.memory.get(key)
    if found is None:
        found = run.memory[key] = _occurrences(run)
    result: list[Occurrence] = found
    return result


def untouched(since_s: Seconds, until_s: Seconds, times: Sequence[tuple[float, float]]) -> Flags:
    """Which of the stretches [since, until] meet none of the times [start, end] of faults.

    >>> untouched(np.array([0.0, 1.0, 5.0]), np.array([0.5, 3.0, 6.0]), [(2.0, 4.0), (2.5, 3.0)])
    array([ True, False,  True])
    """
    starts_s, ends_s = np.array(sorted(times)).reshape(-1, 2).T
    ends_s = np.maximum.accumulate(ends_s)  # of all that began before, so that the last one tells
    last = np.searchsorted(starts_s, until_s, side="right") - 1
    free: Flags = (last < 0) | (np.append(ends_s, -np.inf)[last] < since_s)
    return free


def _occurrences(run: Run) -> list[Occurrence]:
    rows, starts_s, ends_s = _by_start(run)
    return [
        Occurrence(
            int(integers(run, "faults", "fault")[row]),
            name_at(run, "faults", "kind", int(row)),
            name_at(run, "faults", "on", int(row)),
            float(start_s),
            float(end_s),
            int(integers(run, "faults", "hits")[row]),
        )
        for row, start_s, end_s in zip(rows, starts_s, ends_s, strict=True)
    ]


def recovered(run: Run, consumer: str) -> list[Recovery]:
    """How the consumer recovered from each occurrence, in their order."""
    key = ("recovered", consumer)
    found: Any = run.memory.get(key)
    if found is None:
        _, starts_s, ends_s = _by_start(run)
        events = of_consumer(run, consumer)
        found = []
        if len(starts_s):
            found = recoveries(events, starts_s, ends_s, level_s(events, run.phases.window("warm")))
        run.memory[key] = found
    result: list[Recovery] = found
    return result


def _by_start(run: Run) -> tuple[Integers, Seconds, Seconds]:
    """The rows of `faults` by start, with start and end; an end that was not noted is that of `run`."""
    start_s, end_s = seconds(run, "faults", "start_s"), seconds(run, "faults", "end_s")
    rows = np.lexsort((integers(run, "faults", "fault"), start_s))
    return rows, start_s[rows], np.where(np.isnan(end_s), run.phases.run_s, end_s)[rows]
