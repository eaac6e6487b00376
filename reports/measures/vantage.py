"""Two vantage points on the same orders: the lag in the server's trace beside the lag that clients measured.

The server counts from the commit until the read model's row can be read; a client from the answer to its
write until the first answer that shows it. So a client begins later, by the way of the answer, and ends
later, by what is left of the pause between two looks and by the way of the look. Of the orders that clients
looked for, both are known one by one.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from reports.evidence.arrays import Seconds
from reports.evidence.columns import flags, integers, replicas, seconds
from reports.evidence.following import first_applied_s
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW
from reports.evidence.placed import placed_rows
from reports.measures.client_side import acknowledgements
from reports.measures.percentile import nearest_rank, share, spread
from reports.quantities import duration

SIDES: Final = ("server", "client")


def vantage(run: Run) -> dict[str, Any]:
    """Over the orders of `run` that clients looked for in the customers' view, durations in seconds.

    `server` and `client` are the lags of the same orders, those that were not seen (as many as `censored`
    says) at their lower bounds, which differ: until the run's end, and until their client gave up. The
    medians over those that were seen: `answered_after`, how long after the commit clients had their answer,
    and `noticed_after`, how long after the row could be read they had seen it.
    """
    rows = np.flatnonzero(flags(run, "probes", "view", CUSTOMERS_VIEW))
    acknowledged_s, seen_s, given_up_s = (
        seconds(run, "probes", name)[rows] for name in ("acknowledged_s", "seen_s", "given_up_s")
    )
    events = placed_rows(run, integers(run, "probes", "key")[rows])
    committed_s = np.append(seconds(run, "events", "committed_s"), np.nan)[events]
    applied_s = np.maximum(_applied_s(run)[events], committed_s)
    known = acknowledgements(run, "run").holds(acknowledged_s) & ~np.isnan(committed_s)
    looked_until_s = np.where(np.isnan(seen_s), given_up_s, seen_s)
    is_seen = known & ~np.isnan(seen_s) & np.isfinite(applied_s)
    return {
        "count": int(known.sum()),
        "censored": {
            "server": int((known & ~(applied_s <= run.phases.end_s)).sum()),
            "client": int((known & np.isnan(seen_s)).sum()),
        },
        "server": _spread(np.minimum(applied_s, run.phases.end_s)[known] - committed_s[known]),
        "client": _spread(looked_until_s[known] - acknowledged_s[known]),
        "answered_after": _median((acknowledged_s - committed_s)[is_seen]),
        "noticed_after": _median((seen_s - applied_s)[is_seen]),
    }


def difference(found: Mapping[str, Any]) -> str:
    """Why what `vantage` has `found` differs from the one side to the other, in sentences."""
    said = []
    if found["answered_after"] is not None:
        said.append(
            f"The client's lag begins {duration(found['answered_after'])} later, with the answer, and ends "
            f"{duration(found['noticed_after'])} later, with the answer to a look (medians)."
        )
    if any(found.get("censored", {}).values()):
        said.append(
            "An order never seen counts as at least the time until the run's end, and for its client until "
            "that gave up."
        )
    return " ".join(said)


def _applied_s(run: Run) -> Seconds:
    """For each row of `events`, and none (−1), when a replica of the view first had it; infinite: never."""
    each = [first_applied_s(run, replica) for replica in replicas(run, CUSTOMERS_VIEW)]
    first_s = np.fmin.reduce(each) if each else np.full(len(seconds(run, "events", "committed_s")), np.nan)
    return np.append(np.where(np.isnan(first_s), np.inf, first_s), np.nan)


def _spread(values_s: Seconds) -> dict[str, float | None]:
    return dict(spread(np.sort(values_s)))


def _median(values_s: Seconds) -> float | None:
    return nearest_rank(np.sort(values_s), share("p50"))
