"""The client's ledger: the orders that a client was told are accepted, and those of them that are lost."""

import numpy as np

from reports.evidence.arrays import Integers
from reports.evidence.columns import flags, integers, replicas, seconds
from reports.evidence.endings import dead_letters
from reports.evidence.frames import Run
from reports.evidence.window import Window

PLACES_ORDERS = ("orders", "checkouts")
"""The kinds of command that are answered with an order."""

CUSTOMERS_VIEW = "summary"
"""The read model in which customers see their orders."""


def acknowledged(run: Run, window: Window) -> Integers:
    """The rows of `commands` that arrived in the window and were answered with an accepted order."""
    told = flags(run, "commands", "kind", *PLACES_ORDERS) & flags(run, "commands", "outcome", "acknowledged")
    return np.flatnonzero(told & window.holds(seconds(run, "commands", "arrived_s")))


def lost_orders(run: Run, window: Window) -> dict[str, Integers]:
    """For each replica of the customers' view the acknowledged orders that it lost, as rows of `commands`.

    An order is lost that is neither in the replica at the end nor a dead letter of it.
    """
    told = acknowledged(run, window)
    order_id = integers(run, "commands", "order_id")[told]
    position = integers(run, "commands", "position")[told]
    lost = {}
    for replica in replicas(run, CUSTOMERS_VIEW):
        shown = integers(run, "summaries", "order_id")[flags(run, "summaries", "replica", replica)]
        parked = dead_letters(run, replica, "orders").position
        lost[replica] = told[~np.isin(order_id, shown) & ~np.isin(position, parked)]
    return lost
