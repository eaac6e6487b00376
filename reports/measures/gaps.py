"""Gaps: the rows of the customers' view against the command side's orders, at the end of `settle`.

What is missing or wrong then is wrong for good; what was so only for a time is in
`reports.measures.transience`. The expected rows are the command side's own, never what the consumer says it
has handled. With replicas each one's rows are judged, and the gaps of all are counted together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.evidence.arrays import Integers
from reports.evidence.columns import flags, integers, replicas
from reports.evidence.endings import dead_letters
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW
from reports.evidence.placed import order_rows
from reports.evidence.shown import lines, wrong_rows


@dataclass(frozen=True, eq=False)
class Gaps:
    """What is amiss with one replica: orders by their ids, rows by their place in `summaries`.

    `missing`: orders without a row. `extra`: rows without an order. `doubled`: each row of an order beyond
    its first. `wrong`: rows that say another thing than their order and the catalogue. `pending`: rows in
    which a product's id stands in for its name. `parked` counts the dead letters.
    """

    missing: Integers
    extra: Integers
    doubled: Integers
    wrong: Integers
    pending: Integers
    parked: int

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {
            "missing": len(self.missing),
            "extra": len(self.extra),
            "doubled": len(self.doubled),
            "wrong": len(self.wrong),
            "pending": len(self.pending),
            "parked": self.parked,
        }


def of_replica(run: Run, replica: str) -> Gaps:
    """The gaps of one replica of the customers' view at the end of the run."""
    key = ("gaps", replica)
    found: Any = run.memory.get(key)
    if found is None:
        rows = np.flatnonzero(flags(run, "summaries", "replica", replica))
        shown = integers(run, "summaries", "order_id")[rows]
        known = order_rows(run, shown) >= 0
        order = np.argsort(shown, kind="stable")
        repeated = np.zeros(len(rows), dtype=np.bool_)
        repeated[order[1:]] = shown[order[1:]] == shown[order[:-1]]
        all_lines = lines(run)
        pending = np.isin(rows, all_lines.row[all_lines.pending])
        found = run.memory[key] = Gaps(
            missing=np.setdiff1d(integers(run, "orders", "order_id"), shown),
            extra=rows[~known],
            doubled=rows[repeated & known],
            wrong=rows[wrong_rows(run)[rows]],
            pending=rows[pending],
            parked=len(dead_letters(run, replica, "orders").position),
        )
    assert isinstance(found, Gaps)
    return found


def counts(run: Run) -> dict[str, int]:
    """How many gaps of each kind all replicas have together."""
    each = [of_replica(run, replica).counts() for replica in replicas(run, CUSTOMERS_VIEW)]
    return {kind: sum(one[kind] for one in each) for kind in KINDS}


KINDS = ("missing", "extra", "doubled", "wrong", "pending", "parked")
"""What may be amiss."""
