"""What the clients of a real server have seen over time, in windows: how much they asked, how long it took.

Latency runs from the instant at which a request was meant to be sent, so that a load generator that fell
behind is no excuse. A simulated run has none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reports.evidence.columns import flags, seconds
from reports.measures.timeline import WINDOWS, cut, percentiles_over_time

if TYPE_CHECKING:
    from reports.evidence.arrays import Seconds
    from reports.evidence.frames import Run


def requests_over_time(run: Run, windows: int = WINDOWS) -> pd.DataFrame:
    """Requests a second: `t_s` (middle), `intended_per_s` by when they were to be sent, `answered_per_s` and
    `failed_per_s` (failed or dropped) by when they ended.
    """
    parts = cut(run, windows)
    length_s = np.diff(parts.bounds_s)
    intended_s, ended_s = seconds(run, "requests", "intended_s"), seconds(run, "requests", "ended_s")
    ended_s = np.where(np.isnan(ended_s), intended_s, ended_s)
    failed = flags(run, "requests", "outcome", "failed", "dropped")

    def rate(at_s: Seconds) -> Seconds:
        return np.bincount(parts.of(at_s), minlength=parts.windows) / length_s

    return pd.DataFrame(
        {
            "t_s": parts.middles_s,
            "intended_per_s": rate(intended_s),
            "answered_per_s": rate(ended_s[~failed]),
            "failed_per_s": rate(ended_s[failed]),
        }
    )


def latency_over_time(run: Run, request: str, windows: int = WINDOWS) -> pd.DataFrame:
    """Latency of the requests of one kind (`POST /orders`) that ended well, by when they were to be sent.

    Columns: `t_s` (middle), `requests`, `p50_s`, `p99_s`, `max_s`; windows without any are left out.
    """
    mine = flags(run, "requests", "request", request) & flags(run, "requests", "outcome", "ok")
    intended_s, ended_s = (seconds(run, "requests", name)[mine] for name in ("intended_s", "ended_s"))
    return percentiles_over_time(cut(run, windows), intended_s, ended_s - intended_s, "requests")
