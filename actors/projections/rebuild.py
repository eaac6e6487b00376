"""Rebuilding: a read model made anew from the logs, while the old one serves and follows.

The new view grows in memory, beside the store, by what the projection itself makes of each event; nobody sees
it. Once it has caught up, the consumer lets it take the place of the old one: between two of its own events
it writes all rows that differ in one transaction. So a reader sees the old view or the new one, positions
never go back, and whatever is interrupted before that transaction leaves the old view as it is.

What the consumer has put aside stays aside, and what it has done is not done again: nothing is published.

| view | is made of | keeps |
|---|---|---|
| `summary` | the orders' log, and the names in Products as they are now | |
| `products` | the logs of catalogue and inventory | |
| `inventory` | its own log, and the orders' for the versions | what is reserved, which no log tells |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.consuming.dead_letters import DeadLetters
from actors.messages import HowFar, SwitchView
from actors.projections.folds import FOLDS
from actors.stores.memory import MemoryStore
from actors.stores.port import Delete, Put
from actors.tables import (
    INVENTORY,
    ORDER_OUTCOMES,
    PENDING_JOINS,
    PRODUCTS,
    SUMMARIES,
    Table,
)
from actors.topology import CONSUMERS, node_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.consuming.progress import Progress
    from actors.messages import Record
    from actors.policy import Policy
    from actors.runtime.port import Runtime
    from actors.stores.port import Change, Store

CHUNK: Final = 256
"""How many records are read from a log at once."""

NEAR: Final = 500
"""So many events at most the consumer itself catches up with, while it does nothing else."""

ROUNDS_MAX: Final = 20
"""How often the new view goes after the old one, if that moves on as fast, before the rest is left to it."""

VIEWS: Final[dict[str, tuple[Table[Any], ...]]] = {
    "summary": (SUMMARIES, PENDING_JOINS, ORDER_OUTCOMES),
    "products": (PRODUCTS,),
    "inventory": (INVENTORY,),
}
"""The tables of each view that a rebuild replaces."""


class RebuildFailed(Exception):
    """The view cannot be made anew; the old one goes on serving. The message says why."""


class Rebuild:
    """One rebuild of the view of the consumer called `name`, which may be a copy (`summary/2`).

    `run` it once, in a thread of control that may wait.
    """

    def __init__(self, runtime: Runtime, name: str, stores: Mapping[str, Store], policy: Policy) -> None:
        view = node_of(name)
        self.name = name
        self._runtime = runtime
        self._store = stores[name]
        self._logs = {source: stores[source] for source in CONSUMERS[view]}
        self._own_log = {view: self._store} if view == "inventory" else {}
        self._tables = VIEWS[view]
        self._view = MemoryStore(name, self._tables)
        self._fold = FOLDS[view](runtime, name, stores, policy, self._view)
        self._reached = dict.fromkeys([*self._logs, *self._own_log], 0)
        self._left_out: dict[tuple[str, int], Record] = {}

    @property
    def events(self) -> int:
        """How many events the new view has seen so far."""
        return sum(self._reached.values())

    def run(self) -> int:
        """Make the view anew and let it take the place of the old one; return in how many rows they differ.

        Raises:
            RebuildFailed, StoreError: it cannot be done now; the old view is as it was.
            pykka.ActorDeadError: the consumer is down, or went down before it answered.

        """
        for _ in range(ROUNDS_MAX):
            standing: dict[str, int] = self._runtime.ask(self.name, HowFar())
            if sum(standing.values()) - sum(self._reached[source] for source in standing) <= NEAR:
                break
            letters = DeadLetters(self.name)
            letters.load(self._store)
            self._follow(standing, letters)
        changed: int = self._runtime.ask(self.name, SwitchView(self))
        return changed

    # -- asked by the consumer, which does nothing else meanwhile -----------------------------------------

    def differences(self, progress: Mapping[str, Progress], letters: DeadLetters) -> list[Change]:
        """What makes the consumer's view the new one, at the position where the consumer is.

        Raises:
            RebuildFailed, StoreError: it cannot be said.

        """
        self._follow({source: one.watermark for source, one in progress.items()}, letters)
        for record in [*self._replayed(letters), *self._ahead(progress)]:
            self._take(record, letters)
        return [change for table in self._tables for change in self._of_table(table)]

    def missed(self, progress: Mapping[str, Progress]) -> Iterator[Record]:
        """Every event in the logs that the consumer has not done."""
        for source, one in progress.items():
            for record in self._records(source, one.watermark, self._logs[source].head()):
                if not one.has(record.position):
                    yield record

    # -- inside ----------------------------------------------------------------------------------------

    def _follow(self, standing: Mapping[str, int], letters: DeadLetters) -> None:
        """Take every event up to these positions, and all of the consumer's own."""
        self._fold.refresh()
        for source, log in (self._logs | self._own_log).items():
            last = log.head() if source in self._own_log else standing[source]
            for record in self._records(source, self._reached[source], last):
                self._take(record, letters)
                self._reached[source] = record.position

    def _records(self, source: str, after: int, last: int) -> Iterator[Record]:
        """The events of a log behind one position up to another."""
        log = (self._logs | self._own_log)[source]
        while after < last:
            records = log.read_log(after, min(CHUNK, last - after))
            if not records:
                raise RebuildFailed(
                    f"the log of {source} ends at {after} and has been up to {last}; the old view goes on "
                    "serving: rebuild again once the store shows its whole log"
                )
            yield from records
            after = records[-1].position

    def _take(self, record: Record, letters: DeadLetters) -> None:
        if letters.holds(record):
            self._left_out[record.source, record.position] = record
            return
        try:
            changes = self._fold.changes(record)
        except Exception as error:
            raise RebuildFailed(
                f"event {record.position} of {record.source} cannot be applied ({type(error).__name__}: "
                f"{error}); the old view goes on serving: mend that, then rebuild again"
            ) from error
        self._view.write(changes)

    def _replayed(self, letters: DeadLetters) -> list[Record]:
        """What was left out as a dead letter, and has taken effect since."""
        return [record for record in self._left_out.values() if not letters.holds(record)]

    def _ahead(self, progress: Mapping[str, Progress]) -> Iterator[Record]:
        """What the consumer has done although an earlier event is still to come."""
        for source, one in progress.items():
            for record in self._records(source, one.watermark, max(one.ahead, default=0)):
                if one.has(record.position):
                    yield record

    def _of_table(self, table: Table[Any]) -> Iterator[Change]:
        def key_of(row: Any) -> tuple[Any, ...]:
            return tuple(getattr(row, column) for column in table.key)

        old = {key_of(row): row for row in self._store.scan(table)}
        for row in self._view.scan(table):
            if old.pop(key_of(row), None) != row:
                yield Put(table, row)
        yield from (Delete(table, key) for key in old)
