"""What all consumers of events share: progress, idempotence, checkpoints and what follows a failure.

A consumer says what an event changes (`effects`); this class writes the changes together with the progress,
as the policy says, tries again what fails or puts it aside, and records each handling in the trace.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec
import pykka

from actors.dead_letters import DeadLetters, put
from actors.lanes import Lanes
from actors.messages import Again, LaneFree, Record, Replay, Resubscribe, Subscribe
from actors.outbox import Outbox
from actors.policy import ConsumerPolicy
from actors.positions import Positions
from actors.progress import Progress, checkpoint_change, checkpoint_position, load
from actors.runtime import Runtime
from actors.stores.port import Change, NewEvent, Store, StoreError
from actors.topology import node_of


class NotYet(Exception):
    """The event cannot be handled now, because what it needs has not arrived; later it can."""


class Effects(msgspec.Struct, frozen=True, gc=False):
    """What one event changes in the consumer's store, and the events that follow from it."""

    changes: Sequence[Change]
    events: Sequence[NewEvent] = ()


class Consumer(pykka.Actor):
    """Follows the logs in `sources` and keeps its store in step with them.

    A subclass implements `effects`, and `applied` if it keeps something in memory; it handles its other
    messages in `answer`. A consumer that also publishes hands in its `outbox`. With several partitions,
    events are handled in as many lanes at once; what they write, they write one after the other.
    """

    effects_read_rows: bool = True
    """Whether `effects` depends on rows that other events change: then no two events may be in it at once."""

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
        positions: Positions | None = None,
    ) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = name
        self._store = store
        self._consumer_policy = policy
        self._sources = tuple(sources)
        self._subscribes = subscribes
        self._outbox = outbox
        self._positions = positions or Positions()
        self._progress: dict[str, Progress] = {}
        self._letters = DeadLetters(name)
        self._rules = runtime.handling(node_of(name))
        self._lanes: Lanes | None = None
        self._turn = runtime.mutex() if policy.partitions > 1 else None
        self._stopped = False
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

    def effects_again(self, record: Record) -> Effects:
        """What the event changes if a bug lets it take effect once more."""
        return self.effects(record)

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
        self._letters.load(self._store)
        if policy.partitions > 1:
            self._lanes = Lanes(
                self._runtime,
                self._name,
                node_of(self._name),
                policy.partitions,
                policy.partition_by,
                policy.inbox,
                self._in_lane,
            )
        for source in self._sources:
            progress = self._progress[source] = load(
                self._store, self._name, source, idempotent=policy.idempotent, checkpoint=policy.checkpoint
            )
            self._positions.advance(self._name, source, progress.watermark)
            self._subscribe(source)
        if policy.replay:
            self._later(policy.replay, Replay())

    def on_receive(self, message: Any) -> Any:
        """Handle an event, or leave the message to `answer`."""
        kind = type(message)
        if kind is Record:
            if self._lanes is None:
                self._consume(message)
            else:
                self._lanes.take(message)
            return None
        if kind is Again:
            return self._try_again(message)
        if kind is LaneFree:
            assert self._lanes is not None, "only lanes say that they are free"
            return self._lanes.free(message)
        if kind is Resubscribe:
            return self._resubscribe(message)
        if kind is Replay:
            return self._replay()
        return self.answer(message)

    def _resubscribe(self, message: Resubscribe) -> None:
        """Subscribe to a relay that has lost its memory; a store that fails now is asked again later."""
        if self._subscribed.get(message.source, 0) < message.incarnation:
            try:
                self._subscribe(message.source)
            except StoreError:
                self._later(self._consumer_policy.retry.wait(1), message)

    def _subscribe(self, source: str) -> None:
        if self._subscribes:
            relay = f"relay/{source}"
            asked = self._runtime.incarnation(relay)
            checkpoint = checkpoint_position(self._store, self._name, source)
            if self._runtime.tell(relay, Subscribe(self._name, self._incarnation, checkpoint)):
                self._subscribed[source] = asked

    def _later(self, wait_s: float, message: Any) -> None:
        self._runtime.after(wait_s, self._runtime.tell, self._name, message)

    # -- handling an event -----------------------------------------------------------------------------

    def _in_lane(self, message: Record | Again) -> None:
        if isinstance(message, Again):
            self._consume(message.record, message.attempts)
        else:
            self._consume(message)

    def _try_again(self, message: Again) -> None:
        if self._lanes is None:
            self._consume(message.record, message.attempts)
        else:
            self._lanes.try_again(message)

    def _consume(self, record: Record, attempts: int = 0) -> None:
        """Handle an event that has just been delivered, or has failed so many times before."""
        if self._consumer_policy.idempotent and self._progress[record.source].has(record.position):
            self._finish(record, 0, self._duplicate_id)
        elif (
            self._letters
            and self._consumer_policy.on_error == "park-key"
            and self._letters.holds_key(record.source, record.key)
        ):
            self._put_aside(record, attempts, "parked", "an earlier event of its key is parked")
        else:
            self._handle(record, attempts)

    def _handle(self, record: Record, attempts: int) -> None:
        """Let the event take effect, after so many tries; whatever fails, the policy decides what follows."""
        while not self._stopped:
            attempts += 1
            try:
                outcome = self._apply(record)
            except Exception as error:  # noqa: BLE001  # a handler may raise anything
                wait_s = self._wait_after(record, attempts, error)
                if wait_s is None:
                    return
                self._runtime.sleep(wait_s)
            else:
                self._finish(record, attempts, outcome)
                return

    def _wait_after(self, record: Record, attempts: int, error: Exception) -> float | None:
        """How long (s) to wait before the next try in line; None: there is none, the event is seen to."""
        policy = self._consumer_policy
        what: str = policy.on_error
        if what == "retry":
            if not policy.retry.attempts or attempts <= policy.retry.attempts:
                wait_s = policy.retry.wait(attempts, self._jitter() if self._jitter else 0.0)
                if policy.retry.in_line:
                    return wait_s
                self._later(wait_s, Again(record, attempts))
                return None
            what = policy.retry.then
        if what == "stop":
            self._stopped = True
            self._finish(record, attempts, self._runtime.recorder.intern("stopped"))
            self.stop()
        else:
            outcome = "skipped" if what == "skip" else "parked"
            self._put_aside(record, attempts, outcome, f"{type(error).__name__}: {error}")
        return None

    def _put_aside(self, record: Record, attempts: int, outcome: str, why: str) -> None:
        """Go on without the event; a store that cannot even take that down is asked until it can."""
        changes: list[Change] = []
        letter = None
        if outcome == "parked":
            letter = self._letters.letter(record, why, attempts, self._runtime.now())
            changes.append(put(letter))
        failures = 0
        while True:
            try:
                self._write(record, Effects(changes), applied=False)
            except StoreError:
                failures += 1
                self._runtime.sleep(self._consumer_policy.retry.wait(failures))
            else:
                break
        if letter is not None:
            self._letters.note(letter)
        self._finish(record, attempts, self._runtime.recorder.intern(outcome))

    def _apply(self, record: Record, also: Sequence[Change] = ()) -> int:
        """Make the event's effects durable, and the progress with them; return the outcome that it has.

        `also` are changes to make with them, if the event was put aside before.
        """
        if self._consumer_policy.checkpoint == "before" and not also:
            self._checkpoint_before(record)
        if not self._rules.active:
            return self._take_effect(record, record, also)
        _, times, message = self._rules.decide(record)
        if times == 0:
            self._write(record, Effects(also), applied=False)
            return self._runtime.recorder.intern("skipped")
        outcome = self._take_effect(record, message, also)
        for _ in range(1, times):
            self._write(record, self.effects_again(message), applied=True)
        return outcome

    def _take_effect(self, record: Record, message: Record, also: Sequence[Change]) -> int:
        """Write what `message` changes, and that `record` is done."""
        turn = self._turn
        if turn is None:
            self._write_in_turn(record, self.effects(message), also, applied=True)
            return self._applied_id
        effects = None if self.effects_read_rows else self.effects(message)
        with turn:
            # Another lane may have got another copy of it.
            if (
                self._consumer_policy.idempotent
                and not also
                and self._progress[record.source].has(record.position)
            ):
                return self._duplicate_id
            self._write_in_turn(record, effects or self.effects(message), also, applied=True)
        return self._applied_id

    def _write(self, record: Record, effects: Effects, *, applied: bool) -> None:
        with self._turn or contextlib.nullcontext():
            self._write_in_turn(record, effects, (), applied=applied)

    def _write_in_turn(
        self, record: Record, effects: Effects, also: Sequence[Change], *, applied: bool
    ) -> None:
        progress = self._progress[record.source]
        changes = [*effects.changes, *also, *progress.changes(record.position)]
        if effects.events:
            assert self._outbox is not None, "a consumer whose events cause events needs an outbox"
            self._outbox.commit(changes, effects.events)
        elif changes:
            self._store.write(changes)
        progress.mark(record.position)
        if applied:
            self.applied(effects)
        self._positions.advance(self._name, record.source, progress.watermark)

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

    # -- dead letters ----------------------------------------------------------------------------------

    def _replay(self) -> int:
        """Try every dead letter once, in the order of the logs; a key whose first fails keeps its others."""
        if self._consumer_policy.replay:
            self._later(self._consumer_policy.replay, Replay())
        by_key = self._consumer_policy.on_error == "park-key"
        failed: set[tuple[str, int]] = set()
        replayed = 0
        for record in self._letters.records():
            key = (record.source, record.key)
            if by_key and key in failed:
                continue
            try:
                outcome = self._apply(record, (self._letters.removal(record),))
            except Exception:  # noqa: BLE001  # it stays where it is
                failed.add(key)
            else:
                self._letters.forget(record)
                self._finish(record, 1, outcome)
                replayed += 1
        return replayed

    # -- checkpoints -----------------------------------------------------------------------------------

    def _checkpoint_before(self, record: Record) -> None:
        """Claim the next `checkpoint_every` events as done before the first of them is."""
        if record.position > self._claimed.get(record.source, 0):
            last = record.position + self._consumer_policy.checkpoint_every - 1
            self._claimed[record.source] = last
            try:
                self._write_checkpoint(record.source, last)
            except StoreError:
                self._claimed[record.source] = 0
                raise

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
