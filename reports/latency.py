"""Latency: from the arrival of a command to its acknowledgement, and how commands ended.

A command counts to the window in which it arrived. Only acknowledged commands have a latency; how many were
not acknowledged stands beside it, in `outcomes`.
"""

from collections.abc import Sequence

import numpy as np

from reports.arrays import Seconds
from reports.columns import flags, seconds
from reports.frames import Run
from reports.reads import ANSWERED
from reports.window import Window

OUTCOMES = ("acknowledged", "rejected", "failed", "unanswered")
"""How a command may end."""


def latencies_s(run: Run, kind: str, window: Window) -> Seconds:
    """The latencies of the acknowledged commands of a kind (`orders`, `checkouts`, …), ascending."""
    chosen = flags(run, "commands", "kind", kind) & flags(run, "commands", "outcome", "acknowledged")
    arrived_s = seconds(run, "commands", "arrived_s")
    chosen = chosen & window.holds(arrived_s)
    return np.sort(seconds(run, "commands", "answered_s")[chosen] - arrived_s[chosen])


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
