"""Handling: how often a consumer tried, repeated and gave up; amplification and dead letters.

An event counts to the window of its commit, whenever it was handled.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from reports.arrays import Flags, Integers, Seconds
from reports.columns import flags, handlings, integers, name_at, seconds
from reports.frames import Run
from reports.measures.following import committed_s
from reports.measures.window import Window

EFFECTIVE = ("applied", "duplicate")
"""The outcomes of a handling after which the event has taken effect."""


@dataclass(frozen=True)
class Handling:
    """What a consumer did with the events of a window.

    `attempts` are tries of a handler, `failed_attempts` those that had no effect; `messages` are the events
    that were handled at all, `applied` those that took effect, `duplicates` the deliveries that were
    recognised as repeats and `repeats` those that took effect again. `dead_letters` wait to be replayed, the
    oldest of them for `oldest_dead_letter_s` seconds by the end of the run (None: there is none).
    """

    messages: int
    attempts: int
    applied: int
    duplicates: int
    repeats: int
    failed_attempts: int
    dead_letters: int
    oldest_dead_letter_s: float | None

    @property
    def amplification(self) -> float | None:
        """Handling attempts over messages; None without messages."""
        return self.attempts / self.messages if self.messages else None


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
        rows = _of_events(run, consumer, source)
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


def handling(run: Run, consumer: str, window: Window) -> Handling:
    """What the consumer did with the events committed in the window."""
    messages = attempts = applied = effects = duplicates = succeeded = letters = 0
    since_s: list[Seconds] = []
    all_attempts = integers(run, "applied", "attempts")
    took, again = (flags(run, "applied", "outcome", outcome) for outcome in EFFECTIVE)
    for source in run.consumers[consumer]:
        rows = _of_events(run, consumer, source)
        rows = rows[_committed_in(run, source, integers(run, "applied", "position")[rows], window)]
        tries = all_attempts[rows]
        attempts += int(tries.sum())
        effects += int(took[rows].sum())
        duplicates += int(again[rows].sum())
        succeeded += int((took[rows] | (again[rows] & (tries > 0))).sum())
        last = last_handling(run, consumer, source)
        inside = _committed_in(run, source, last.position, window)
        messages += int(inside.sum())
        applied += int(took[last.rows[inside]].sum())
        parked = dead_letters(run, consumer, source)
        inside = _committed_in(run, source, parked.position, window)
        letters += int(inside.sum())
        since_s.append(seconds(run, "applied", "applied_s")[parked.rows[inside]])
    oldest_s = min((float(part.min()) for part in since_s if len(part)), default=None)
    return Handling(
        messages=messages,
        attempts=attempts,
        applied=applied,
        duplicates=duplicates,
        repeats=effects - applied,
        failed_attempts=attempts - succeeded,
        dead_letters=letters,
        oldest_dead_letter_s=None if oldest_s is None else run.phases.end_s - oldest_s,
    )


def _of_events(run: Run, consumer: str, source: str) -> Integers:
    """The handlings of events; a repaired row is written again without another handling of its event."""
    rows = handlings(run, consumer, source)
    return rows[~flags(run, "applied", "outcome", "repaired")[rows]]


def _committed_in(run: Run, source: str, positions: Integers, window: Window) -> Flags:
    return window.holds(committed_s(run, source, positions))
