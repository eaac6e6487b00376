"""Latency: from the arrival of a command to its acknowledgement, and how commands ended.

A command counts to the window in which it arrived. One that was not answered by the horizon has waited until
then at least: it is censored, as an event is that was never applied. One that was rejected or that failed has
no latency; how many there were stands beside it, in `outcomes`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.columns import flags, seconds
from reports.evidence.following import Following, following
from reports.evidence.frames import Run
from reports.evidence.window import Window
from reports.measures.lag import Lags, lags
from reports.measures.reads import ANSWERED

OUTCOMES = ("acknowledged", "rejected", "failed", "unanswered")
"""How a command may end."""


def latencies(run: Run, kind: str, window: Window) -> Lags:
    """The latencies of the commands of a kind (`orders`, `checkouts`, …)."""
    return lags(_answered(run, kind, "acknowledged", "unanswered"), window)


def waiting(run: Run, kind: str) -> Following:
    """The commands of a kind with their answers, whatever those are, as if they were events."""
    return _answered(run, kind, *OUTCOMES)


def _answered(run: Run, kind: str, *outcomes: str) -> Following:
    key = ("answered", kind, *outcomes)
    found: Any = run.memory.get(key)
    if found is None:
        chosen = flags(run, "commands", "kind", kind) & flags(run, "commands", "outcome", *outcomes)
        arrived_s, answered_s = (
            seconds(run, "commands", f"{name}_s")[chosen] for name in ("arrived", "answered")
        )
        answered_s = np.where(np.isnan(answered_s), np.inf, answered_s)
        found = run.memory[key] = following(arrived_s, answered_s, end_s=run.phases.end_s)
    assert isinstance(found, Following)
    return found


def read_latencies_s(run: Run, kind: str, window: Window) -> Seconds:
    """How long after its arrival each answered read of a kind looked at its state, ascending."""
    read_s = seconds(run, "reads", "read_s")
    chosen = flags(run, "reads", "kind", kind) & flags(run, "reads", "outcome", *ANSWERED)
    chosen = chosen & window.holds(read_s)
    return np.sort(read_s[chosen] - seconds(run, "reads", "arrived_s")[chosen])


def outcomes(run: Run, kinds: Sequence[str], window: Window) -> dict[str, int]:
    """How many commands of these kinds ended in each way."""
    chosen = flags(run, "commands", "kind", *kinds) & window.holds(seconds(run, "commands", "arrived_s"))
    return {outcome: int((chosen & flags(run, "commands", "outcome", outcome)).sum()) for outcome in OUTCOMES}
