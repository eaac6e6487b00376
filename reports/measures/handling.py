"""Handling: how often a consumer tried, repeated and gave up; amplification and dead letters.

An event counts to the window of its commit, whenever it was handled.
"""

from dataclasses import dataclass

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, integers, seconds
from reports.evidence.endings import EFFECTIVE, dead_letters, handlings_of_events, last_handling
from reports.evidence.following import committed_s
from reports.evidence.frames import Run
from reports.evidence.window import Window


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


def handling(run: Run, consumer: str, window: Window) -> Handling:
    """What the consumer did with the events committed in the window."""
    messages = attempts = applied = effects = duplicates = succeeded = letters = 0
    since_s: list[Seconds] = []
    all_attempts = integers(run, "applied", "attempts")
    took, again = (flags(run, "applied", "outcome", outcome) for outcome in EFFECTIVE)
    for source in run.consumers[consumer]:
        rows = handlings_of_events(run, consumer, source)
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


def _committed_in(run: Run, source: str, positions: Integers, window: Window) -> Flags:
    return window.holds(committed_s(run, source, positions))
