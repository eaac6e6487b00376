"""Handling: how often a consumer tried, repeated and gave up; amplification and dead letters.

An event counts to the window of its commit, whenever it was handled.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.following import event_rows
from reports.frames import Run
from reports.window import Window


@dataclass(frozen=True)
class Handling:
    """What a consumer did with the events of a window.

    `attempts` are tries of a handler, `failed_attempts` those that raised; `messages` are the events
    that were handled at all, `applied` those that took effect, `duplicates` the deliveries that were
    recognised as repeats and `repeats` those that took effect again. `dead_letters` wait to be replayed.
    """

    messages: int
    attempts: int
    applied: int
    duplicates: int
    repeats: int
    failed_attempts: int
    dead_letters: int

    @property
    def amplification(self) -> float | None:
        """Handling attempts over messages; None without messages."""
        return self.attempts / self.messages if self.messages else None


def last_outcome(run: Run, consumer: str) -> pd.DataFrame:
    """One row an event that the consumer has handled: source, position, applied_s, the outcome that stands.

    Once applied, an event stays applied; otherwise its latest outcome stands.
    """
    rows = run.applied[(run.applied["consumer"] == consumer).to_numpy()]
    rows = rows[["source", "position", "applied_s", "outcome"]]
    took = (rows["outcome"] == "applied").to_numpy()
    order = np.lexsort((rows["applied_s"].to_numpy(), took))
    return rows.iloc[order].drop_duplicates(["source", "position"], keep="last")


def dead_letters(run: Run, consumer: str) -> pd.DataFrame:
    """The events that the consumer has parked and not applied since: source, position, applied_s, outcome."""
    letters = last_outcome(run, consumer)
    return letters[(letters["outcome"] == "parked").to_numpy()]


def handling(run: Run, consumer: str, window: Window) -> Handling:
    """What the consumer did with the events committed in the window."""
    rows = run.applied[(run.applied["consumer"] == consumer).to_numpy()]
    rows = rows[_committed_in(run, rows, window)]
    letters = dead_letters(run, consumer)
    outcome = rows["outcome"].to_numpy().astype(object)
    attempts = rows["attempts"].to_numpy()
    succeeded = (outcome == "applied") | ((outcome == "duplicate") & (attempts > 0))
    applied = int((~rows[outcome == "applied"].duplicated(["source", "position"])).sum())
    return Handling(
        messages=int((~rows.duplicated(["source", "position"])).sum()),
        attempts=int(attempts.sum()),
        applied=applied,
        duplicates=int((outcome == "duplicate").sum()),
        repeats=int((outcome == "applied").sum()) - applied,
        failed_attempts=int(attempts.sum() - succeeded.sum()),
        dead_letters=int(_committed_in(run, letters, window).sum()),
    )


def _committed_in(run: Run, rows: pd.DataFrame, window: Window) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = np.zeros(len(rows), dtype=np.bool_)
    committed_s = run.events["committed_s"].to_numpy()
    for source in rows["source"].unique():
        mine = np.flatnonzero((rows["source"] == source).to_numpy())
        events = event_rows(run, str(source), rows["position"].to_numpy()[mine])
        inside[mine] = (events >= 0) & window.holds(committed_s[np.maximum(events, 0)])
    return inside
