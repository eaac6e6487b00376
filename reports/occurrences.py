"""The occurrences of a run's faults in the order of time, and how each consumer recovered from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.arrays import Integers, Seconds
from reports.columns import integers, name_at, seconds
from reports.following import of_consumer
from reports.frames import Run
from reports.recovery import Recovery, level_s, recoveries


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
