"""What all consumers of events share: progress, idempotence, checkpoints and what follows a failure.

A consumer says what an event changes (`effects`); this class writes the changes together with the progress,
as the policy says, tries again what fails, and records each handling in the trace.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec
import pykka

from actors.messages import Record, Resubscribe, Subscribe
from actors.outbox import Outbox
from actors.policy import ConsumerPolicy
from actors.progress import Progress, checkpoint_change, checkpoint_position, load
from actors.runtime import Runtime
from actors.stores.port import Change, NewEvent, Store, StoreError


class NotYet(Exception):
    """The event cannot be handled now, because what it needs has not arrived; later it can."""


class Effects(msgspec.Struct, frozen=True, gc=False):
    """What one event changes in the consumer's store, and the events that follow from it."""

    changes: Sequence[Change]
    events: Sequence[NewEvent] = ()


class Consumer(pykka.Actor):
    """Follows the logs in `sources` and keeps its store in step with them.

    A subclass implements `effects`, and `applied` if it keeps something in memory; it handles its other
    messages in `answer`. A consumer that also publishes hands in its `outbox`.
    """

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        store: Store,
        policy: ConsumerPolicy,
        sources: Sequence[str],
        *,
        subscribes: bool,
        outbox: Outbox | None = None,
    ) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = name
        self._store = store
        self._consumer_policy = policy
        self._sources = tuple(sources)
        self._subscribes = subscribes
        self._outbox = outbox
        self._progress: dict[str, Progress] = {}
        self._incarnation = 0
        self._subscribed: dict[str, int] = {}  # per source: the incarnation of the relay that was asked
        self._since_checkpoint: dict[str, int] = {}  # per source: events since the last one was written
        self._claimed: dict[str, int] = {}  # per source: the position claimed before applying
        self._jitter = runtime.random(f"retry/{name}") if policy.retry.jitter else None
        intern = runtime.recorder.intern
        self._consumer_id = intern(name)
        self._source_ids = {source: intern(source) for source in sources}
        self._applied_id, self._duplicate_id = intern("applied"), intern("duplicate")
        self._applied_row = runtime.recorder.row("applied")

    # -- for subclasses --------------------------------------------------------------------------------

    def effects(self, record: Record) -> Effects:
        """What the event changes; nothing is changed yet.

        Raises:
            NotYet, StoreError: it cannot be told now; the policy decides what follows.

        """
        raise NotImplementedError

    def applied(self, effects: Effects) -> None:
        """Called once the effects are durable."""

    def answer(self, message: Any) -> Any:
        """Handle a message that is not an event; the return value is the reply."""
        return super().on_receive(message)

    # -- the life of a consumer ------------------------------------------------------------------------

    def on_start(self) -> None:
        """Find out how far the store is, and ask the relays for what comes after."""
        policy = self._consumer_policy
        self._incarnation = self._runtime.incarnation(self._name)
        for source in self._sources:
            self._progress[source] = load(
                self._store, self._name, source, idempotent=policy.idempotent, checkpoint=policy.checkpoint
            )
            self._subscribe(source)

    def on_receive(self, message: Any) -> Any:
        """Handle an event, or leave the message to `answer`."""
        if type(message) is Record:
            return self._consume(message)
        if type(message) is Resubscribe:
            return self._resubscribe(message)
        return self.answer(message)

    def _resubscribe(self, message: Resubscribe) -> None:
        """Subscribe to a relay that has lost its memory; a store that fails now is asked again later."""
        if self._subscribed.get(message.source, 0) < message.incarnation:
            try:
                self._subscribe(message.source)
            except StoreError:
                wait = self._consumer_policy.retry.wait(1)
                self._runtime.after(wait, self._runtime.tell, self._name, message)

    def _subscribe(self, source: str) -> None:
        if self._subscribes:
            relay = f"relay/{source}"
            asked = self._runtime.incarnation(relay)
            checkpoint = checkpoint_position(self._store, self._name, source)
            if self._runtime.tell(relay, Subscribe(self._name, self._incarnation, checkpoint)):
                self._subscribed[source] = asked

    def _consume(self, record: Record) -> None:
        progress = self._progress[record.source]
        attempts = 0
        if self._consumer_policy.idempotent and progress.has(record.position):
            self._finish(record, attempts, self._duplicate_id)
            return
        while True:
            attempts += 1
            try:
                self._apply(record, progress)
            except Exception:  # noqa: BLE001  # whatever a handler raises, the policy decides what follows
                draw = self._jitter() if self._jitter else 0.0
                self._runtime.sleep(self._consumer_policy.retry.wait(attempts, draw))
            else:
                self._finish(record, attempts, self._applied_id)
                return

    def _apply(self, record: Record, progress: Progress) -> None:
        """Make the event's effects durable, and the progress with them, before or after them."""
        if self._consumer_policy.checkpoint == "before":
            self._checkpoint_before(record)
        effects = self.effects(record)
        changes = [*effects.changes, *progress.changes(record.position)]
        if effects.events:
            assert self._outbox is not None, "a consumer whose events cause events needs an outbox"
            self._outbox.commit(changes, effects.events)
        else:
            self._store.write(changes)
        progress.mark(record.position)
        self.applied(effects)

    def _finish(self, record: Record, attempts: int, outcome: int) -> None:
        self._applied_row(
            self._consumer_id,
            self._source_ids[record.source],
            record.position,
            self._runtime.taken(),
            self._runtime.now(),
            attempts,
            outcome,
        )
        if self._consumer_policy.checkpoint == "after":
            self._checkpoint_after(record.source)

    def _checkpoint_before(self, record: Record) -> None:
        """Claim the next `checkpoint_every` events as done before the first of them is."""
        if record.position > self._claimed.get(record.source, 0):
            last = record.position + self._consumer_policy.checkpoint_every - 1
            self._write_checkpoint(record.source, last)
            self._claimed[record.source] = last

    def _checkpoint_after(self, source: str) -> None:
        """Write the checkpoint after every `checkpoint_every` events; a later one covers one that fails."""
        since = self._since_checkpoint[source] = self._since_checkpoint.get(source, 0) + 1
        if since >= self._consumer_policy.checkpoint_every:
            with contextlib.suppress(StoreError):
                self._write_checkpoint(source, self._progress[source].watermark)
                self._since_checkpoint[source] = 0

    def _write_checkpoint(self, source: str, position: int) -> None:
        self._runtime.spend("checkpoint")
        self._store.write([checkpoint_change(self._name, source, position)])
