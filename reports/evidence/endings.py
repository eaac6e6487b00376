"""How each event ended at a consumer that has handled it: of all its handlings, the one that stands."""

from typing import Any, NamedTuple

import numpy as np

from reports.evidence.arrays import Integers
from reports.evidence.columns import flags, handlings, integers, name_at, seconds
from reports.evidence.frames import Run

EFFECTIVE = ("applied", "duplicate")
"""The outcomes of a handling after which the event has taken effect."""


class LastHandling(NamedTuple):
    """The handling of each event of one log that stands, one a position; `rows` are those in `applied`."""

    position: Integers
    rows: Integers


def last_handling(run: Run, consumer: str, source: str) -> LastHandling:
    """For each event that the consumer has handled the row that says how it ended.

    Once applied, an event stays applied; otherwise the latest handling stands. A repeat that was recognised
    says nothing new, unless the handling before it was cut off.
    """
    key = ("last handling", consumer, source)
    found: Any = run.memory.get(key)
    if found is None:
        rows = handlings_of_events(run, consumer, source)
        position = integers(run, "applied", "position")[rows]
        took, repeat = (flags(run, "applied", "outcome", outcome)[rows] for outcome in EFFECTIVE)
        order = np.lexsort((seconds(run, "applied", "applied_s")[rows], took, ~repeat, position))
        rows, position = rows[order], position[order]
        last = np.append(position[1:] != position[:-1], True)[: len(position)]
        found = run.memory[key] = LastHandling(position[last], rows[last])
    assert isinstance(found, LastHandling)
    return found


def outcomes(run: Run, consumer: str, source: str, positions: Integers) -> list[tuple[str, float] | None]:
    """How each of these events ended and when (s); None for one that the consumer has never finished."""
    last = last_handling(run, consumer, source)
    row_of = dict(zip(last.position.tolist(), last.rows.tolist(), strict=True))
    applied_s = seconds(run, "applied", "applied_s")
    ended = [row_of.get(position) for position in positions.tolist()]
    return [
        None if row is None else (name_at(run, "applied", "outcome", row), float(applied_s[row]))
        for row in ended
    ]


def dead_letters(run: Run, consumer: str, source: str) -> LastHandling:
    """The events of a log that the consumer has parked and neither applied nor dropped since."""
    last = last_handling(run, consumer, source)
    parked = flags(run, "applied", "outcome", "parked")[last.rows]
    return LastHandling(last.position[parked], last.rows[parked])


def handlings_of_events(run: Run, consumer: str, source: str) -> Integers:
    """The handlings of events; a repaired row is written again without another handling of its event."""
    rows = handlings(run, consumer, source)
    return rows[~flags(run, "applied", "outcome", "repaired")[rows]]
