"""Whether a load generator has kept up with what it was to send, by its own account of itself.

If it has not, its numbers say more of the generator than of the system, and no verdict can rest on them.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

DROPPED_SHARE_MAX: Final = 0.001
"""So large a share of the requests, or of the writes to watch, may be left out."""

LATE_P99_MAX_S: Final = 0.05
"""The 99th percentile of how late requests are sent."""

CPU_SHARE_MAX: Final = 0.9
"""The share of one core that a process uses: one that uses more waits for itself."""


def shortfall(generator: Mapping[str, Any]) -> str:
    """What the generator could not do, with numbers; nothing if it kept up.

    `generator` has `intended` and `dropped` (counts), `late_s` (with `p99`), `cpu_s` and `wall_s`; it may
    have `watched` and `unwatched` (counts) and `looks_late_s`.

    >>> busy = {"intended": 100, "dropped": 3, "late_s": {"p99": 0.2}, "cpu_s": 1.0, "wall_s": 10.0}
    >>> shortfall(busy)
    '3 of 100 requests were not sent, 1 % of the requests were sent more than 200 ms late'
    """
    found = []
    intended, dropped = generator["intended"], generator["dropped"]
    if dropped > DROPPED_SHARE_MAX * intended:
        found.append(f"{dropped:,} of {intended:,} requests were not sent")
    watched, unwatched = generator.get("watched", 0), generator.get("unwatched", 0)
    if unwatched > DROPPED_SHARE_MAX * (watched + unwatched):
        found.append(f"{unwatched:,} of {watched + unwatched:,} writes could not be watched")
    for key, what in (("late_s", "requests were sent"), ("looks_late_s", "looks were made")):
        late_s = generator.get(key, {}).get("p99", 0.0)
        if late_s > LATE_P99_MAX_S:
            found.append(f"1 % of the {what} more than {late_s * 1000:.0f} ms late")
    if generator["cpu_s"] > CPU_SHARE_MAX * generator["wall_s"]:
        share = generator["cpu_s"] / generator["wall_s"]
        found.append(f"it used {share:.0%} of a core")
    return ", ".join(found)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The nearest ranks and the largest; 0 where there are none.

    >>> percentiles([3.0, 1.0, 2.0])
    {'p50': 2.0, 'p99': 3.0, 'max': 3.0}
    """
    ordered = sorted(values) or [0.0]
    ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: ordered[math.ceil(share * len(ordered)) - 1] for name, share in ranks.items()}
