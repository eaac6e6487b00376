"""The observer: a recorder that also watches what it is told, so that a server can say how far it is now.

Watched are the heads of the logs, what each consumer has done with them, and how long each event took to
become visible. What consumers say of themselves is not asked: an event counts as applied when its handling
is recorded, and as missing as long as it is in the log and not applied. A consumer that is dead therefore
falls behind visibly.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from actors.consuming.positions import Positions
from actors.consuming.progress import Progress, load
from actors.tables import INVENTORY
from actors.topology import consumers, followers
from actors.trace import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.policy import Policy
    from actors.stores.port import Store
    from actors.trace import Row

    Rows = Sequence[Row]

logger = logging.getLogger("cqrs_lab.observer")

BUCKETS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds of the classes into which visibility latencies are counted; the last has none."""

UNDER_WAY_MAX: Final = 1_000_000
"""Of so many events of a log at most the instant of their commit is kept until all have applied them."""

READ_AT_ONCE: Final = 10_000
"""How many records of a log are in memory at once at the start."""

DONE: Final = frozenset({"applied", "skipped", "parked", "duplicate", "repaired"})
"""The outcomes after which a consumer goes on to the next event; `stopped` is none of them."""


class Histogram:
    """Counts of durations (s) by `BUCKETS_S`."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class UnderWay:
    """An event that not every follower has applied: when it was committed (s), and how many have not."""

    __slots__ = ("committed_s", "followers")

    def __init__(self, committed_s: float | None, followers: int) -> None:
        self.committed_s = committed_s
        self.followers = followers


class Following:
    """What one consumer has done with one log."""

    __slots__ = ("applied_s", "histogram", "outcomes", "parked", "progress")

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.applied_s: float | None = (
            None  # when it has applied one the last time; None: not since the start
        )
        self.histogram = Histogram()
        self.outcomes: dict[str, int] = {}
        self.parked: dict[int, float] = {}  # when (s) what is a dead letter since the start was committed

    @property
    def position(self) -> int:
        """Everything up to here is done."""
        return self.progress.watermark

    def missing(self, head: int) -> int:
        """How many events of a log with this head it has not done."""
        return max(0, head - self.progress.watermark - len(self.progress.ahead))


class Observer(Recorder):
    """Watches; and keeps the trace if `keeps`, whose memory grows with every event.

    Any thread may call it, and read its numbers. `positions` hear how far every consumer is.
    """

    def __init__(self, *, keeps: bool) -> None:
        super().__init__()
        self.keeps = keeps
        self._lock = threading.Lock()
        self._followers: dict[str, int] = {}
        self._under_way: dict[str, dict[int, UnderWay]] = {}
        self.positions = Positions()
        self.heads: dict[str, int] = {}
        self.following: dict[tuple[str, str], Following] = {}
        self.oversold: dict[int, int] = {}  # per product: the units by which there are fewer than none

    def begin(
        self,
        stores: Mapping[str, Store],
        policy: Policy,
        since_start_s: Callable[[float], float],
    ) -> None:
        """Find out where everything stands; called before any actor is started.

        `since_start_s` turns an instant of a log into one of the trace.
        """
        follows = consumers(policy)
        for source in {source: None for sources in follows.values() for source in sources}:
            self._followers[source] = len(followers(policy, source))
            self._under_way[source] = {}
            self.heads[source] = stores[source].head()
        for name, sources in follows.items():
            rules = policy.of(name.partition("/")[0])
            for source in sources:
                progress = load(
                    stores[name], name, source, idempotent=rules.idempotent, checkpoint=rules.checkpoint
                )
                self.following[name, source] = Following(progress)
        for source, head in self.heads.items():
            self._remember_backlog(source, head, stores[source], since_start_s)
        for row in stores["inventory"].scan(INVENTORY):
            self._note_level(row.product_id, row.available)

    def _remember_backlog(
        self, source: str, head: int, store: Store, since_start_s: Callable[[float], float]
    ) -> None:
        """Keep when the events were committed that some follower has not applied before the start."""
        behind = [one.progress for (_, whose), one in self.following.items() if whose == source]
        after = max(min(progress.watermark for progress in behind), head - UNDER_WAY_MAX)
        while records := store.read_log(after, READ_AT_ONCE):
            for record in records:
                lacking = sum(not progress.has(record.position) for progress in behind)
                if lacking:
                    committed_s = since_start_s(record.recorded_at)
                    self._under_way[source][record.position] = UnderWay(committed_s, lacking)
            after = records[-1].position

    # -- the recorder ----------------------------------------------------------------------------------

    def row(self, table: str) -> Callable[[Row], None]:
        """See `Recorder`: what appends a row also watches it."""
        append = super().row(table) if self.keeps else _forget
        watch = self._watches.get(table)
        if watch is None:
            return append

        def append_watched(values: Row) -> None:
            append(values)
            watch((values,))

        return append_watched

    def many(self, table: str) -> Callable[[Rows], None]:
        """See `row`."""
        extend = super().many(table) if self.keeps else _forget
        watch = self._watches.get(table)
        if watch is None:
            return extend

        def extend_watched(rows: Rows) -> None:
            extend(rows)
            watch(rows)

        return extend_watched

    # -- watching --------------------------------------------------------------------------------------

    @property
    def _watches(self) -> Mapping[str, Callable[[Rows], None]]:
        return {"events": self._committed, "applied": self._handled, "levels": self._levels}

    def _committed(self, rows: Rows) -> None:
        """Note commits: rows of the table `events`."""
        with self._lock:
            for source_id, position, _, _, _, at_s in rows:
                source = self._names[source_id]
                if position > self.heads.get(source, 0):
                    self.heads[source] = position
                early = self._under_way[source].get(position)
                if early is None:
                    self._add(source, position, at_s)
                elif early.followers > 0:
                    early.committed_s = at_s
                else:
                    del self._under_way[source][position]

    def _handled(self, rows: Rows) -> None:
        """Note handlings: rows of the table `applied`."""
        names, advanced = self._names, set()
        with self._lock:
            for consumer_id, source_id, position, _, applied_s, _, outcome_id in rows:
                consumer, source, outcome = names[consumer_id], names[source_id], names[outcome_id]
                one = self.following[consumer, source]
                one.outcomes[outcome] = one.outcomes.get(outcome, 0) + 1
                if outcome == "stopped":
                    about = {"consumer": consumer, "source": source, "position": position}
                    logger.error("a consumer has stopped for good at an event that failed", extra=about)
                if outcome == "applied":
                    one.applied_s = applied_s
                if outcome not in DONE:
                    continue
                if one.progress.has(position):
                    committed_s = one.parked.pop(position, None)  # it may be a dead letter's replay
                else:
                    one.progress.mark(position)
                    advanced.add((consumer, source))
                    committed_s = self._done_by_one(source, position)
                if committed_s is None:
                    continue
                if outcome == "applied":
                    one.histogram.add(max(0.0, applied_s - committed_s))
                elif outcome == "parked":
                    one.parked[position] = committed_s
        for consumer, source in advanced:
            self.positions.advance(consumer, source, self.following[consumer, source].position)

    def _done_by_one(self, source: str, position: int) -> float | None:
        """Note that one more follower has done with the event; return when it was committed (s), if known."""
        under_way = self._under_way[source]
        event = under_way.get(position)
        if event is None:
            if position <= self.heads[source]:
                return None  # it was given up, as there were too many
            # It is applied before whoever has committed it has come to say so.
            event = self._add(source, position, None)
        event.followers -= 1
        if event.followers <= 0 and event.committed_s is not None:
            del under_way[position]
        return event.committed_s

    def _add(self, source: str, position: int, committed_s: float | None) -> UnderWay:
        under_way = self._under_way[source]
        if len(under_way) >= UNDER_WAY_MAX:
            del under_way[next(iter(under_way))]
        event = under_way[position] = UnderWay(committed_s, self._followers[source])
        return event

    def _levels(self, rows: Rows) -> None:
        for _, product_id, available in rows:
            self._note_level(product_id, available)

    def _note_level(self, product_id: int, available: int) -> None:
        if available < 0:
            self.oversold[product_id] = -available
        else:
            self.oversold.pop(product_id, None)

    # -- what can be said ------------------------------------------------------------------------------

    def position(self, consumer: str, source: str) -> int:
        """Everything in the log up to here is done by the consumer, and visible."""
        return self.following[consumer, source].position

    def behind_s(self, consumer: str, source: str, now_s: float) -> float:
        """For how long (s) the consumer's view has not been what the log says; 0: it is.

        That is the age of the oldest event that it has not applied, at least.
        """
        with self._lock:
            one = self.following[consumer, source]
            if one.missing(self.heads[source]) == 0:
                return 0.0
            under_way = self._under_way[source]
            event = under_way.get(one.position + 1)
            if event is None and under_way:  # it was given up; this one is the oldest that was not
                event = next(iter(under_way.values()))
            since_s = None if event is None else event.committed_s
            return 0.0 if since_s is None else max(0.0, now_s - since_s)


def _forget(_rows: object) -> None:
    """Keep nothing."""
