"""Checkpoints that are written apart from the view: before the events are applied, or after."""

import contextlib

from actors.consuming.progress import Progress, checkpoint_change
from actors.messages import Record
from actors.policy import ConsumerPolicy
from actors.runtime.port import Runtime
from actors.stores.port import Store, StoreError


class Checkpoints:
    """When a consumer writes where it goes on after a restart, and what it claims by that."""

    def __init__(self, runtime: Runtime, consumer: str, store: Store, policy: ConsumerPolicy) -> None:
        self._runtime = runtime
        self._consumer = consumer
        self._store = store
        self._every = policy.checkpoint_every
        self._since: dict[str, int] = {}  # per source: events since the last one was written
        self._claimed: dict[str, int] = {}  # per source: the position claimed before applying

    def before(self, record: Record) -> None:
        """Claim the next `checkpoint_every` events as done before the first of them is.

        Raises:
            StoreError: nothing is claimed.

        """
        if record.position > self._claimed.get(record.source, 0):
            last = record.position + self._every - 1
            self._claimed[record.source] = last
            try:
                self._write(record.source, last)
            except StoreError:
                self._claimed[record.source] = 0
                raise

    def after(self, progress: Progress) -> None:
        """Write the checkpoint after every `checkpoint_every` events; a later one covers one that fails."""
        source = progress.source
        since = self._since[source] = self._since.get(source, 0) + 1
        if since >= self._every:
            with contextlib.suppress(StoreError):
                self._write(source, progress.watermark)
                self._since[source] = 0

    def _write(self, source: str, position: int) -> None:
        self._runtime.spend("checkpoint")
        self._store.write([checkpoint_change(self._consumer, source, position)])
