"""Session guarantees (Terry et al., 1994): read your writes and monotonic reads, as violations over chances.

>>> judged = monotonic_reads(view_key=np.zeros(3, np.int64), session=np.ones(3, np.int64),
...                          read_s=np.array([1.0, 2.0, 3.0]), seen=np.array([2, 1, 3]))
>>> guarantee(*judged)
Guarantee(opportunities=2, violations=1)
"""

from typing import NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.columns import flags, integers, seconds
from reports.evidence.frames import Run
from reports.evidence.ledger import acknowledged
from reports.evidence.window import Window
from reports.measures.reads import ANSWERED, committed_versions

_VIEW = {"history": 0, "own": 0, "stock": 1, "browse": 2}


class Guarantee(NamedTuple):
    """How often a guarantee could have been broken, and how often it was."""

    opportunities: int
    violations: int

    @property
    def ratio(self) -> float | None:
        """Violations over opportunities; None without opportunities."""
        return self.violations / self.opportunities if self.opportunities else None


def guarantee(opportunity: Flags, violation: Flags) -> Guarantee:
    """The counts of two flags a read; a violation is one only where there was an opportunity."""
    return Guarantee(int(opportunity.sum()), int((opportunity & violation).sum()))


def read_your_writes(
    *,
    session: Integers,
    arrived_s: Seconds,
    seen: Integers,
    writer: Integers,
    acknowledged_s: Seconds,
) -> tuple[Flags, Flags]:
    """For each read whether it was an opportunity, and whether it missed a write of its own session.

    An opportunity is a read by a session to which a write had been acknowledged when the read arrived (at the
    same instant: the client had its answer and then read). It is a violation if it sees fewer versions than
    the session's acknowledged writes.
    """
    own = committed_versions(writer, acknowledged_s, session, arrived_s)
    return own > 0, seen < own


def monotonic_reads(
    *, view_key: Integers, session: Integers, read_s: Seconds, seen: Integers
) -> tuple[Flags, Flags]:
    """For each read whether its session has read the same key of the same view before, and went back since.

    `view_key` numbers the pairs of view and key. Reads are in the order of `read_s`, those of one instant in
    the order given.
    """
    n = len(seen)
    order = np.lexsort((np.arange(n), read_s, session, view_key))
    new = np.ones(n, dtype=np.bool_)
    new[1:] = (np.diff(view_key[order]) != 0) | (np.diff(session[order]) != 0)
    group = np.cumsum(new)
    ladder = group * (int(seen.max(initial=0)) + 1) + seen[order]  # each group lies above all before it
    largest = np.maximum.accumulate(ladder)
    earlier, back = np.empty(n, dtype=np.bool_), np.empty(n, dtype=np.bool_)
    earlier[order] = ~new
    back[order] = ladder < largest
    return earlier, back


def read_your_writes_in(run: Run, window: Window) -> Guarantee:
    """Over the judged `history` and `own` reads of the window by the customer whose key is read."""
    session, read_s = integers(run, "reads", "session"), seconds(run, "reads", "read_s")
    judged = _judged(run, "history", "own") & (session == integers(run, "reads", "key"))
    rows = np.flatnonzero(judged & window.holds(read_s))
    orders = acknowledged(run, run.phases.window("always"))
    return guarantee(
        *read_your_writes(
            session=session[rows],
            arrived_s=seconds(run, "reads", "arrived_s")[rows],
            seen=integers(run, "reads", "seen")[rows],
            writer=integers(run, "commands", "customer_id")[orders],
            acknowledged_s=_told_s(run, orders),
        )
    )


def _told_s(run: Run, orders: Integers) -> Seconds:
    """When the clients of these rows of `commands` had their answers; in a live run by their own tables."""
    answered_s = seconds(run, "commands", "answered_s")[orders]
    if "requests" not in run.tables:
        return answered_s
    had = np.flatnonzero(flags(run, "requests", "outcome", "ok"))
    had = had[np.argsort(integers(run, "requests", "order_id")[had], kind="stable")]
    known = integers(run, "requests", "order_id")[had]
    order_id = integers(run, "commands", "order_id")[orders]
    if not len(known):
        return np.full(len(orders), np.inf)
    at = np.minimum(np.searchsorted(known, order_id), len(known) - 1)
    ended_s = seconds(run, "requests", "ended_s")[had][at]
    return np.where(known[at] == order_id, np.maximum(ended_s, answered_s), np.inf)


def monotonic_reads_in(run: Run, window: Window) -> Guarantee:
    """Over the judged reads of the window, each against all earlier reads, also those before the window.

    A read without a session (−1) promises nothing to anybody and is left out. So is, in a live run, one that
    its client sent before another was answered: which of the two is the later one cannot be said.
    """
    session = integers(run, "reads", "session")
    rows = np.flatnonzero(_judged(run, *_VIEW) & (session >= 0) & ~_overlapping(run))
    view = np.zeros(len(session), dtype=np.int64)
    for kind, number in _VIEW.items():
        view[flags(run, "reads", "kind", kind)] = number
    read_s = seconds(run, "reads", "read_s")[rows]
    earlier, back = monotonic_reads(
        view_key=integers(run, "reads", "key")[rows] * len(_VIEW) + view[rows],
        session=session[rows],
        read_s=read_s,
        seen=integers(run, "reads", "seen")[rows],
    )
    return guarantee(earlier & window.holds(read_s), back)


CLOCKS_S = 0.001
"""The server's clock and its clients' differ by less than this on one machine."""


def _overlapping(run: Run) -> Flags:
    """Which reads have arrived while their session's client waited for the answer to another."""
    session, arrived_s = integers(run, "reads", "session"), seconds(run, "reads", "arrived_s")
    if "requests" not in run.tables:
        return np.zeros(len(session), dtype=np.bool_)
    sent = flags(run, "requests", "kind", *_VIEW) & ~np.isnan(seconds(run, "requests", "started_s"))
    client = integers(run, "requests", "session")[sent]
    begun, ended = (
        committed_versions(client, seconds(run, "requests", name)[sent], session, arrived_s + slack_s)
        for name, slack_s in (("started_s", CLOCKS_S), ("ended_s", -CLOCKS_S))
    )
    overlapping: Flags = begun - ended > 1
    return overlapping


def _judged(run: Run, *kinds: str) -> Flags:
    """The answered reads of these kinds that say which version they saw."""
    answered = flags(run, "reads", "kind", *kinds) & flags(run, "reads", "outcome", *ANSWERED)
    return answered & (integers(run, "reads", "seen") >= 0)
