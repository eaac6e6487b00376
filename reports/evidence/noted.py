"""When things may have been, where their instants are noted a moment after they were.

In virtual time an instant in the trace is exact. On threads a commit is noted once the database has returned
from it, and another thread may have read what it wrote by then. How late that note may be is in the trace as
well: nobody handles an event before it is committed, and nothing that a handling writes can be read before
that begins. What must have been before something else is held against these bounds.
"""

import numpy as np

from reports.evidence.arrays import Integers, Seconds
from reports.evidence.columns import handlings, integers, seconds
from reports.evidence.following import event_rows
from reports.evidence.frames import Run


def is_noted_late(run: Run) -> bool:
    """Whether the instants of this run were noted by threads, on a wall clock."""
    return run.info.get("engine") == "live"


def committed_by_s(run: Run, consumer: str) -> Seconds:
    """For each row of `events` the latest instant at which it may have been committed.

    It is the noted one, or that at which this consumer began to handle the event, if that comes first.
    """
    committed_s = seconds(run, "events", "committed_s")
    if not is_noted_late(run):
        return committed_s
    bound_s = committed_s.copy()
    for source in run.consumers.get(consumer, ()):
        rows = handlings(run, consumer, source)
        events = event_rows(run, source, integers(run, "applied", "position")[rows])
        np.fmin.at(bound_s, events[events >= 0], seconds(run, "applied", "taken_s")[rows[events >= 0]])
    return bound_s


def visible_from_s(run: Run, rows: Integers) -> Seconds:
    """For each of these rows of `applied` the first instant at which its effect may have been read."""
    return seconds(run, "applied", "taken_s" if is_noted_late(run) else "applied_s")[rows]
