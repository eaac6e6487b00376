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
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from actors.consuming.positions import Positions
from actors.consuming.progress import Progress, load
from actors.tables import INVENTORY
from actors.topology import consumers
from actors.trace import Recorder
from loadtest.system.commits import STRETCHES_MAX, Commits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a duration that was met so many times."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += times
        self.sum_s += seconds * times


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

    def note(self, first: int, last: int, committed_s: float, outcome: str, at_s: float) -> None:
        """Note what has become, at this instant (s), of events that were committed together."""
        if outcome == "applied":
            self.histogram.add(max(0.0, at_s - committed_s), last + 1 - first)
        elif outcome == "parked":
            self.parked.update(dict.fromkeys(range(first, last + 1), committed_s))

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
        self._followers: dict[str, list[Following]] = {}
        self._followed: dict[str, list[tuple[str, Following]]] = {}
        self._commits: dict[str, Commits] = {}
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
            self._followers[source] = []
            self._commits[source] = Commits()
            self.heads[source] = stores[source].head()
        for name, sources in follows.items():
            rules = policy.of(name.partition("/")[0])
            for source in sources:
                progress = load(
                    stores[name], name, source, idempotent=rules.idempotent, checkpoint=rules.checkpoint
                )
                one = self.following[name, source] = Following(progress)
                self._followers[source].append(one)
                self._followed.setdefault(name, []).append((source, one))
        for source, head in self.heads.items():
            self._remember_backlog(source, head, stores[source], since_start_s)
        for row in stores["inventory"].scan(INVENTORY):
            self._note_level(row.product_id, row.available)

    def _remember_backlog(
        self, source: str, head: int, store: Store, since_start_s: Callable[[float], float]
    ) -> None:
        """Keep when the events were committed that some follower has not applied before the start."""
        after = max(min(one.position for one in self._followers[source]), head - STRETCHES_MAX)
        while records := store.read_log(after, READ_AT_ONCE):
            for record in records:
                position = record.position
                self._commits[source].note(position, position, since_start_s(record.recorded_at))
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
        if watch is None or not self.keeps:
            return watch or extend

        def extend_watched(rows: Rows) -> None:
            extend(rows)
            watch(rows)

        return extend_watched

    def stretches(self, table: str) -> Callable[[Row, range], None] | None:
        """See `Recorder`."""
        return None if self.keeps else {"events": self._commit, "applied": self._handle}[table]

    # -- watching --------------------------------------------------------------------------------------

    @property
    def _watches(self) -> Mapping[str, Callable[[Rows], None]]:
        return {"events": self._committed, "applied": self._handled, "levels": self._levels}

    def _committed(self, rows: Rows) -> None:
        """Note commits: rows of the table `events`."""
        for together, stretch in groupby(rows, _COMMITTED_TOGETHER):
            for positions in _stretches([row[1] for row in stretch]):
                self._commit(together, positions)

    def _commit(self, together: Row, positions: range) -> None:
        """Note a commit of the events at these positions; of their rows, what is `_COMMITTED_TOGETHER`."""
        source_id, at_s = together
        first, last = positions[0], positions[-1]
        with self._lock:
            source = self._names[source_id]
            self.heads[source] = max(last, self.heads[source])
            self._commits[source].note(first, last, at_s)

    def _handled(self, rows: Rows) -> None:
        """Note handlings: rows of the table `applied`."""
        for alike, together in groupby(rows, _HANDLED_ALIKE):
            for positions in _stretches([row[2] for row in together]):
                self._handle(alike, positions)

    def _handle(self, alike: Row, positions: range) -> None:
        """Note that the events at these positions were handled; of their rows, what is `_HANDLED_ALIKE`."""
        consumer_id, source_id, applied_s, outcome_id = alike
        names = self._names
        consumer, source, outcome = names[consumer_id], names[source_id], names[outcome_id]
        with self._lock:
            one = self.following[consumer, source]
            one.outcomes[outcome] = one.outcomes.get(outcome, 0) + len(positions)
            if outcome == "stopped":
                about = {"consumer": consumer, "source": source, "position": positions[0]}
                logger.error("a consumer has stopped for good at an event that failed", extra=about)
            if outcome == "applied":
                one.applied_s = applied_s
            if outcome not in DONE:
                return
            self._done(one, source, positions[0], positions[-1], outcome, applied_s)
        self.positions.advance(consumer, source, one.position)

    def _done(self, one: Following, source: str, first: int, last: int, outcome: str, at_s: float) -> None:
        """Note that a consumer is done with the events of a stretch, each for the first time or again.

        It may have applied them before whoever has committed them has come to say so; how long that took is
        not known then.
        """
        commits, progress = self._commits[source], one.progress
        if first == progress.next_after():
            progress.mark_up_to(last)
            for begin, end, committed_s in commits.among(first, last):
                one.note(begin, end, committed_s, outcome, at_s)
        else:
            for position in range(first, last + 1):
                known_s: float | None
                if progress.has(position):  # it may be a dead letter's replay
                    known_s = one.parked.pop(position, None)
                else:
                    progress.mark(position)
                    known_s = commits.at_s(position)
                if known_s is not None:
                    one.note(position, position, known_s, outcome, at_s)
        commits.forget_up_to(min(other.position for other in self._followers[source]))

    def _levels(self, rows: Rows) -> None:
        if self.oversold or min(map(_AVAILABLE, rows)) < 0:  # seldom
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

    def standing(self, consumer: str, now_s: float) -> tuple[dict[str, int], float]:
        """What the consumer's view shows now: the position in each log, and how far behind (s) that is.

        What a service has published itself it shows at once.
        """
        positions, behind_s = {}, 0.0
        for source, one in self._followed[consumer]:
            position = positions[source] = one.progress.watermark
            if position < self.heads[source]:
                behind_s = max(behind_s, self.behind_s(consumer, source, now_s))
        if consumer in self.heads:
            positions[consumer] = self.heads[consumer]
        return positions, behind_s

    def behind_s(self, consumer: str, source: str, now_s: float) -> float:
        """For how long (s) the consumer's view has not been what the log says; 0: it is.

        That is the age of the oldest event that it has not applied, at least.
        """
        with self._lock:
            one = self.following[consumer, source]
            if one.missing(self.heads[source]) == 0:
                return 0.0
            since_s = self._commits[source].since_s(one.position + 1)
            return 0.0 if since_s is None else max(0.0, now_s - since_s)


_COMMITTED_TOGETHER: Final = itemgetter(0, 5)
"""Of a row of `events`: source and instant."""

_AVAILABLE: Final = itemgetter(2)
"""Of a row of `levels`."""

_HANDLED_ALIKE: Final = itemgetter(0, 1, 4, 6)
"""Of a row of `applied`: consumer, source, instant and outcome."""


def _stretches(positions: Sequence[int]) -> Iterator[range]:
    """The runs of positions that count up.

    >>> list(_stretches([4, 5, 6, 8]))
    [range(4, 7), range(8, 9)]
    """
    whole = range(positions[0], positions[0] + len(positions))
    if [*whole] == positions:  # nearly always
        yield whole
        return
    begin = 0
    for end, position in enumerate(positions, 1):
        if end == len(positions) or positions[end] != position + 1:
            yield range(positions[begin], position + 1)
            begin = end


def _forget(_rows: object) -> None:
    """Keep nothing."""
