"""What clients of a real server have measured by themselves, from their tables `requests` and `probes`.

A write is **acknowledged** when its answer is there; it is **seen** when the first answer is there that shows
it. Its lag is the time from the one to the other, one value a write and view. A client looks again and again,
so the write may have been visible since the last look that missed it: the lag is at most too long by the time
between two looks and the time that a look takes. A write that was not seen until its client gave up is
censored: its lag is at least the time until then, and it counts, in every percentile, as that.

Latency has two values, from the instant at which the request was to be sent and from that at which it was.
The first is what a user would have waited, the second leaves out what waited in the client.

A request counts to the window in which it was to be sent, a write that is looked for to that of its
acknowledgement. Nothing is written after the `run` phase: what is acknowledged later belongs to it too.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from reports.evidence.arrays import Flags, Seconds
from reports.evidence.columns import flags, integers, names, seconds
from reports.evidence.frames import Run
from reports.evidence.window import Window
from reports.measures.lag import Lags
from reports.measures.percentile import spread
from reports.measures.visibility import shares_visible

OUTCOMES = ("ok", "rejected", "failed", "dropped")
"""How a request may end; `dropped`: it was never sent."""

Since = Literal["intended", "started"]


def acknowledgements(run: Run, phase: str) -> Window:
    """When the writes of a phase are acknowledged, however long that takes in the end."""
    window = run.phases.window(phase)
    return window._replace(end_s=math.inf) if window.end_s >= run.phases.run_s else window


def views(run: Run) -> list[str]:
    """The views in which writes were looked for."""
    return names(run, "probes", "view")


def client_lags(run: Run, view: str, window: Window) -> Lags:
    """The lags until writes were seen in the view."""
    acknowledged_s = seconds(run, "probes", "acknowledged_s")
    chosen = flags(run, "probes", "view", view) & window.holds(acknowledged_s)
    seen_s = seconds(run, "probes", "seen_s")[chosen]
    is_seen = np.isfinite(seen_s)
    looked_until_s = np.where(is_seen, seen_s, seconds(run, "probes", "given_up_s")[chosen])
    since_s = acknowledged_s[chosen]
    return Lags(
        at_least_s=np.sort(looked_until_s - since_s),
        at_most_s=np.sort(np.where(is_seen, seen_s - since_s, np.inf)),
        censored=int((~is_seen).sum()),
    )


def resolution_s(run: Run, view: str, window: Window) -> Seconds:
    """By how much the lag of each write that was seen may be too long, ascending: since the last miss."""
    acknowledged_s, seen_s = seconds(run, "probes", "acknowledged_s"), seconds(run, "probes", "seen_s")
    chosen = flags(run, "probes", "view", view) & window.holds(acknowledged_s) & np.isfinite(seen_s)
    missed_s = seconds(run, "probes", "missed_s")[chosen]
    return np.sort(seen_s[chosen] - np.where(np.isfinite(missed_s), missed_s, acknowledged_s[chosen]))


def _sent(run: Run, part: str, window: Window) -> Flags:
    """The requests of this kind (`orders`), or of this method and route (`POST /orders`), in the window."""
    of_part = flags(run, "requests", "kind", part) | flags(run, "requests", "request", part)
    chosen: Flags = of_part & window.holds(seconds(run, "requests", "intended_s"))
    return chosen


def outcomes(run: Run, part: str, window: Window) -> dict[str, int]:
    """How many requests of a kind, or of a method and route, ended in each way."""
    chosen = _sent(run, part, window)
    return {name: int((chosen & flags(run, "requests", "outcome", name)).sum()) for name in OUTCOMES}


def latencies_s(run: Run, part: str, window: Window, since: Since = "intended") -> Seconds:
    """The latencies of the requests that ended well, ascending."""
    chosen = _sent(run, part, window) & flags(run, "requests", "outcome", "ok")
    return np.sort(
        seconds(run, "requests", "ended_s")[chosen] - seconds(run, "requests", f"{since}_s")[chosen]
    )


def client_summary(run: Run) -> dict[str, Any]:
    """The `client` part of summary.json, over the `run` phase; durations in seconds."""
    window, acknowledged = run.phases.window("run"), acknowledgements(run, "run")
    requests = names(run, "requests", "request")
    return {
        "lag_s": {view: _lag(run, view, acknowledged) for view in views(run)},
        "visible_within": {view: shares_visible(client_lags(run, view, acknowledged)) for view in views(run)},
        "requests": {request: outcomes(run, request, window) for request in requests},
        "statuses": {request: statuses(run, request, window) for request in requests},
        "latency_s": {
            request: {
                "from_intended": _latency(run, request, window, "intended"),
                "from_sent": _latency(run, request, window, "started"),
            }
            for request in requests
        },
    }


def _lag(run: Run, view: str, window: Window) -> Mapping[str, Any]:
    measured = client_lags(run, view, window)
    return {
        "count": measured.count,
        "censored": measured.censored,
        **spread(measured.at_least_s),
        "resolution": spread(resolution_s(run, view, window)),
    }


def _latency(run: Run, request: str, window: Window, since: Since) -> Mapping[str, Any]:
    measured_s = latencies_s(run, request, window, since)
    return {"count": len(measured_s), **spread(measured_s)}


def statuses(run: Run, part: str, window: Window) -> dict[str, int]:
    """How many requests were answered with each status of HTTP; `none`: with nothing."""
    chosen = _sent(run, part, window)
    found = integers(run, "requests", "status")[chosen]
    kinds, counts = np.unique(found[found >= 0], return_counts=True)
    return {str(kind) if kind else "none": int(n) for kind, n in zip(kinds, counts, strict=True)}
