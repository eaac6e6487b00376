"""How far a consumer has come with one log, also when events arrive out of order, and how it remembers that.

Two things are remembered, which the policy may let drift apart: the checkpoint says where to go on after a
restart, the watermark which events are applied. When the checkpoint is written with each view, one row serves
as both.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from actors.policy import CheckpointWhen
from actors.stores.port import Change, Delete, Put, Store
from actors.tables import APPLIED, APPLIED_AHEAD, CHECKPOINTS, AppliedAheadRow, AppliedRow, CheckpointRow

SEED: Final = "seed"
"""In the place of a consumer's name: up to where a log says what the shop started with."""


class Progress:
    """Every event up to `watermark` is applied, and those in `ahead` besides.

    An `idempotent` consumer writes down what it has applied, in the transaction that applies it; so does one
    whose `checkpoint` is written with the view.

    >>> progress = Progress("summary", "orders", watermark=3)
    >>> for position in (5, 4): progress.mark(position)
    >>> progress.watermark, progress.ahead
    (5, set())
    """

    __slots__ = ("_row_at", "_table", "ahead", "consumer", "idempotent", "source", "watermark")

    def __init__(
        self,
        consumer: str,
        source: str,
        *,
        watermark: int = 0,
        ahead: set[int] | None = None,
        idempotent: bool = True,
        checkpoint: CheckpointWhen = "with",
    ) -> None:
        self.consumer = consumer
        self.source = source
        self.watermark = watermark
        self.ahead = set() if ahead is None else ahead
        self.idempotent = idempotent
        self._table = CHECKPOINTS if checkpoint == "with" else APPLIED if idempotent else None
        self._row_at = partial(CheckpointRow if checkpoint == "with" else AppliedRow, consumer, source)

    def has(self, position: int) -> bool:
        """Whether the event at this position is applied."""
        return position <= self.watermark or position in self.ahead

    def changes(self, position: int) -> Sequence[Change]:
        """The rows that say that the event at this position is applied too; nothing is marked yet."""
        if position != self.watermark + 1:
            if not self.idempotent or position <= self.watermark:
                return []
            return [Put(APPLIED_AHEAD, AppliedAheadRow(self.consumer, self.source, position))]
        if not self.ahead:
            return self.changes_up_to(position)
        watermark = self._watermark_with(position)
        changes = [*self.changes_up_to(watermark)]
        if changes and self.idempotent:
            caught_up = range(position + 1, watermark + 1)
            changes += [Delete(APPLIED_AHEAD, (self.consumer, self.source, caught)) for caught in caught_up]
        return changes

    def mark(self, position: int) -> None:
        """Note that the event at this position is applied."""
        if position == self.watermark + 1:
            if self.ahead:
                position = self._watermark_with(position)
                self.ahead = {later for later in self.ahead if later > position}
            self.watermark = position
        elif position > self.watermark:
            self.ahead.add(position)

    def next_after(self) -> int:
        """The position of the event that comes next; 0 if some later ones are applied already."""
        return 0 if self.ahead else self.watermark + 1

    def changes_up_to(self, last: int) -> tuple[Change, ...]:
        """The rows that say that all from the next event to `last` are applied too; none is `ahead`."""
        table, row_at = self._table, self._row_at
        return () if table is None else (Put(table, row_at(last)),)

    def mark_up_to(self, last: int) -> None:
        """Note that all from the next event to `last` are applied; none is `ahead`."""
        assert not self.ahead, "events are applied ahead of those that are marked"
        self.watermark = last

    def _watermark_with(self, position: int) -> int:
        """What the watermark will be once the event next to it, at this position, is applied."""
        while position + 1 in self.ahead:
            position += 1
        return position


def load(
    store: Store, consumer: str, source: str, *, idempotent: bool, checkpoint: CheckpointWhen
) -> Progress:
    """What the store knows of a consumer's progress.

    What lies at or below the checkpoint never comes again, applied or not, so it counts as done.
    """
    applied = store.get(APPLIED, (consumer, source)) if idempotent else None
    ahead = set()
    if idempotent:
        rows = store.scan(APPLIED_AHEAD)
        ahead = {row.position for row in rows if (row.consumer, row.source) == (consumer, source)}
    watermark = max(checkpoint_position(store, consumer, source), applied.position if applied else 0)
    while watermark + 1 in ahead:  # a checkpoint written before may have come up to them
        watermark += 1
    return Progress(
        consumer,
        source,
        watermark=watermark,
        ahead={position for position in ahead if position > watermark},
        idempotent=idempotent,
        checkpoint=checkpoint,
    )


def checkpoint_position(store: Store, consumer: str, source: str) -> int:
    """The position after which the consumer goes on; 0 is the beginning of the log."""
    row = store.get(CHECKPOINTS, (consumer, source))
    return row.position if row else 0


def checkpoint_change(consumer: str, source: str, position: int) -> Change:
    """The row that says that the consumer goes on after this position."""
    return Put(CHECKPOINTS, CheckpointRow(consumer, source, position))
