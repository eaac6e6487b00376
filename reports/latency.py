"""Latency: from the arrival of a command to its acknowledgement, and how commands ended.

A command counts to the window in which it arrived. Only acknowledged commands have a latency; how many were
not acknowledged stands beside it, in `outcomes`.
"""

from collections.abc import Sequence

import numpy as np

from reports.arrays import Seconds
from reports.frames import Run
from reports.window import Window

OUTCOMES = ("acknowledged", "rejected", "failed", "unanswered")
"""How a command may end."""


def latencies_s(run: Run, kind: str, window: Window) -> Seconds:
    """The latencies of the acknowledged commands of a kind (`orders`, `checkouts`, …), ascending."""
    commands = run.commands
    chosen = ((commands["kind"] == kind) & (commands["outcome"] == "acknowledged")).to_numpy()
    arrived_s = commands["arrived_s"].to_numpy()
    chosen = chosen & window.holds(arrived_s)
    return np.sort(commands["answered_s"].to_numpy()[chosen] - arrived_s[chosen])


def read_latencies_s(run: Run, kind: str, window: Window) -> Seconds:
    """How long after its arrival each successful read of a kind looked at its state, ascending."""
    reads = run.reads
    chosen = ((reads["kind"] == kind) & (reads["outcome"] == "ok")).to_numpy()
    read_s = reads["read_s"].to_numpy()
    chosen = chosen & window.holds(read_s)
    return np.sort(read_s[chosen] - reads["arrived_s"].to_numpy()[chosen])


def outcomes(run: Run, kinds: Sequence[str], window: Window) -> dict[str, int]:
    """How many commands of these kinds ended in each way."""
    commands = run.commands
    chosen = commands["kind"].isin(kinds).to_numpy() & window.holds(commands["arrived_s"].to_numpy())
    ended = commands["outcome"].to_numpy()[chosen].astype(object)
    return {outcome: int((ended == outcome).sum()) for outcome in OUTCOMES}
