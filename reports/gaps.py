"""Gaps: the rows of the summary read model against the command side's orders, at the end of `settle`.

What is missing or wrong then is wrong for good, unlike an order that only came late: those are counted
apart, as `late`. The expected rows are the command side's own, never what the consumer says it has handled.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.arrays import Integers
from reports.following import first_applied_s
from reports.frames import Run
from reports.handling import last_outcome
from reports.sessions import PLACES_ORDERS

COMPARED = ("customer_id", "total_minor", "lines")
"""What a row of the read model must have in common with its order."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """Rows of the read model, or orders, by what is amiss with them; each an ascending list of order ids.

    `missing`: orders without a row. `extra`: rows without an order. `doubled`: each row of an order beyond
    its first. `wrong`: rows whose customer, total or number of lines differ from the order's.
    """

    missing: Integers
    extra: Integers
    doubled: Integers
    wrong: Integers


def gaps(orders: pd.DataFrame, summaries: pd.DataFrame) -> Gaps:
    """Compare the command side (`orders`, one row an order) with the read model (`summaries`)."""
    order_id = orders["order_id"].to_numpy().astype(np.int64)
    shown = summaries.sort_values("order_id", kind="stable")
    shown_id = shown["order_id"].to_numpy().astype(np.int64)
    known = np.isin(shown_id, order_id)
    expected = orders.set_index("order_id")[list(COMPARED)].reindex(shown_id[known])
    differs = (expected.to_numpy() != shown[list(COMPARED)].to_numpy()[known]).any(axis=1)
    repeated = np.concatenate([[False], shown_id[1:] == shown_id[:-1]])[: len(shown_id)]
    return Gaps(
        missing=np.setdiff1d(order_id, shown_id),
        extra=shown_id[~known],
        doubled=shown_id[repeated & known],
        wrong=shown_id[known][differs],
    )


def of_run(run: Run) -> Gaps:
    """The gaps of the summary read model at the end of the run."""
    return gaps(run.orders, run.summaries)


def late(run: Run, consumer: str = "summary") -> int:
    """How many orders were not yet in the read model when their customer was told that they were accepted.

    These gaps were transient: the event was applied later, within the run.
    """
    commands = run.commands
    mine = (commands["kind"].isin(PLACES_ORDERS) & (commands["outcome"] == "acknowledged")).to_numpy()
    told_s = pd.Series(commands["answered_s"].to_numpy()[mine], commands["order_id"].to_numpy()[mine])
    placed = (run.events["source"] == "orders").to_numpy()
    applied_s = first_applied_s(run, consumer, ["orders"])[placed]
    told_s = told_s[~told_s.index.duplicated()].reindex(run.events["order_id"].to_numpy()[placed])
    return int((applied_s > told_s.to_numpy()).sum())


def waiting(run: Run, outcome: str, consumer: str = "summary") -> int:
    """How many events the consumer has put aside with this outcome (`parked`) and not applied since."""
    return int((last_outcome(run, consumer)["outcome"] == outcome).sum())
