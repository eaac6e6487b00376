"""What all consumers of events share: progress, idempotence, checkpoints and what follows a failure.

A consumer says what an event changes (`effects`); this class writes the changes together with the progress,
as the policy says, tries again what fails or puts it aside, and records each handling in the trace.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

import msgspec
import pykka

from actors.checkpoints import Checkpoints
from actors.dead_letters import DeadLetters, put
from actors.draft import Draft
from actors.lanes import Lanes
from actors.messages import Again, HowFar, LaneFree, Record, Replay, Resubscribe, Subscribe, SwitchView
from actors.outbox import Outbox
from actors.policy import ConsumerPolicy
from actors.positions import Positions
from actors.progress import Progress, checkpoint_position, load
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

    in_memory: tuple[str, ...] = ()
    """The names of the dicts of rows that `applied` keeps and `effects` reads."""

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
        # Asked for each event, and so kept at hand.
        self._idempotent, self._checkpoint = policy.idempotent, policy.checkpoint
        self._parks_keys = policy.on_error == "park-key"
        self._sources = tuple(sources)
        self._subscribes = subscribes
        self._outbox = outbox
        self._positions = positions or Positions()
        self._progress: dict[str, Progress] = {}
        self._letters = DeadLetters(name)
        self._rules = runtime.handling(node_of(name))
        self._gates = [runtime.gate(node_of(name))]  # of the stores that it asks
        # Elsewhere it is told how many events at most are done twice, or are in hand at once.
        self._groups = policy.checkpoint == "with" and policy.partitions == 1
        self._lanes: Lanes | None = None
        self._turn = runtime.mutex() if policy.partitions > 1 else None
        self._stopped = False
        self._incarnation = 0
        self._subscribed: dict[str, int] = {}  # per source: the incarnation of the relay that was asked
        self._checkpoints = Checkpoints(runtime, name, store, policy)
        self._jitter = runtime.random(f"retry/{name}") if policy.retry.jitter else None
        intern = runtime.recorder.intern
        self._consumer_id = intern(name)
        self._source_ids = {source: intern(source) for source in sources}
        self._applied_id, self._duplicate_id = intern("applied"), intern("duplicate")
        self._applied_row = runtime.recorder.row("applied")
        self._applied_rows = runtime.recorder.many("applied")

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

    def stands_alone(self, record: Record) -> bool:  # noqa: ARG002  # for who overrides it
        """Whether `effects` of this event depend on more than what is `in_memory` and durable."""
        return False

    def prepare(self, records: Sequence[Record]) -> None:
        """Called before the `effects` of several events, to look up what all of them need; after, however
        that has ended, with none.

        Raises:
            StoreError: it cannot be had now.

        """

    def applied(self, effects: Effects) -> None:
        """Called once the effects are durable.

        With dicts `in_memory` it may be called before, with drafts of them, which are dropped if the effects
        do not become durable.
        """

    def load_view(self) -> None:
        """Keep in memory what is needed of the rows in the store; called whenever they have been replaced."""

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
            self._later(policy.replay, Replay(periodic=True))

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
            return self._replay(message)
        if kind is HowFar:
            return {source: progress.watermark for source, progress in self._progress.items()}
        if kind is SwitchView:
            return self._switch_view(message.rebuild)
        return self.answer(message)

    def may_group(self, kind: type) -> bool:
        """See `Grouping`: a fault at a store decides about the calls for each event alone."""
        return kind is Record and self._groups and not any(gate.is_faulty for gate in self._gates)

    def on_group(self, messages: Sequence[Any]) -> Iterable[Any]:
        """Let the events take effect in one transaction; those that cannot do so one at a time."""
        rest, together = messages, True
        while rest:
            done = 0
            # A fault may have begun while one of them was tried for long.
            if together and self.may_group(Record) and not self._rules.active:
                try:
                    done = self._consume_together(rest)
                except Exception:  # noqa: BLE001  # each is tried alone, and then its policy decides
                    together = False
            if not done:
                self._consume(rest[0])
            rest = rest[done or 1 :]
        return [None] * len(messages)

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
        progress = self._progress[record.source]
        # What is next cannot be applied yet, and nearly everything is.
        if record.position != progress.watermark + 1 and self._idempotent and progress.has(record.position):
            self._finish(record, 0, self._duplicate_id)
        elif self._parks_keys and self._letters.holds_key(record.source, record.key):
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

    def _consume_together(self, records: Sequence[Record]) -> int:
        """Let the first of the events take effect in one transaction, as many as can; return how many.

        Raises:
            Exception: none has taken effect. Nothing is said of it.

        """
        records = list(takewhile(self._in_line(), records))
        if not records:
            return 0
        kept = {name: getattr(self, name) for name in self.in_memory}
        drafts = {name: Draft(rows) for name, rows in kept.items()}
        try:
            vars(self).update(drafts)
            done = self._effects_together(records)
            del records[len(done) :]
            self._write_together(records, done)
        finally:
            vars(self).update(kept)
        for draft in drafts.values():
            draft.keep()
        if not drafts:
            for effects in done:
                self.applied(effects)
        for source in {record.source for record in records}:
            self._positions.advance(self._name, source, self._progress[source].watermark)
        taken_s, now_s, consumer = self._runtime.taken(), self._runtime.now(), self._consumer_id
        ids, applied = self._source_ids, self._applied_id
        self._applied_rows(
            [(consumer, ids[one.source], one.position, taken_s, now_s, 1, applied) for one in records]
        )
        return len(records)

    def _in_line(self) -> Callable[[Record], bool]:
        """Tells of one event after the other whether it is next in its log and can be handled with others."""
        if self._stopped or (self._parks_keys and self._letters):
            return lambda _record: False
        following = {source: progress.next_after() for source, progress in self._progress.items()}

        def is_in_line(record: Record) -> bool:
            if record.position != following[record.source] or self.stands_alone(record):
                return False
            following[record.source] += 1
            return True

        return is_in_line

    def _effects_together(self, records: Sequence[Record]) -> list[Effects]:
        """What the events change one after the other, up to the first that fails; if it is the first of all,
        that is raised.
        """
        done: list[Effects] = []
        try:
            self.prepare(records)
            for record in records:
                try:
                    effects = self.effects(record)
                except Exception:
                    if not done:
                        raise
                    break
                done.append(effects)
                if self.in_memory:
                    self.applied(effects)
        finally:
            self.prepare(())  # who is alone looks up for itself
        return done

    def _write_together(self, records: Sequence[Record], effects: Sequence[Effects]) -> None:
        """Write what events in line change, and that they are done."""
        last = {record.source: record.position for record in records}
        changes = [change for one in effects for change in one.changes]
        events = [event for one in effects for event in one.events]
        for source, position in last.items():
            changes += self._progress[source].changes_up_to(position)
        if events:
            assert self._outbox is not None, "a consumer whose events cause events needs an outbox"
            self._outbox.commit(changes, events)
        elif changes:
            self._store.write(changes)
        for source, position in last.items():
            self._progress[source].mark_up_to(position)

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
        if self._checkpoint == "before" and not also:
            self._checkpoints.before(record)
        if not self._rules.active:
            if self._turn is not None:
                return self._take_effect(record, record, also)
            self._write_in_turn(record, self.effects(record), also, applied=True)
            return self._applied_id
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
            if self._idempotent and not also and self._progress[record.source].has(record.position):
                return self._duplicate_id
            self._write_in_turn(record, effects or self.effects(message), also, applied=True)
        return self._applied_id

    def _write(self, record: Record, effects: Effects, *, applied: bool) -> None:
        with self._turn or contextlib.nullcontext():
            self._write_in_turn(record, effects, (), applied=applied)

    def _write_in_turn(
        self, record: Record, effects: Effects, also: Sequence[Change], *, applied: bool
    ) -> None:
        source, position = record.source, record.position
        progress = self._progress[source]
        changes = [*effects.changes, *also, *progress.changes(position)]
        if effects.events:
            assert self._outbox is not None, "a consumer whose events cause events needs an outbox"
            self._outbox.commit(changes, effects.events)
        elif changes:
            self._store.write(changes)
        progress.mark(position)
        if applied:
            self.applied(effects)
        self._positions.advance(self._name, source, progress.watermark)

    def _finish(self, record: Record, attempts: int, outcome: int) -> None:
        runtime, source = self._runtime, record.source
        times = (runtime.taken(), runtime.now())
        self._applied_row(
            (self._consumer_id, self._source_ids[source], record.position, *times, attempts, outcome)
        )
        if self._checkpoint == "after":
            self._checkpoints.after(self._progress[record.source])

    # -- dead letters ----------------------------------------------------------------------------------

    def _replay(self, message: Replay) -> int:
        """Try every dead letter once, in the order of the logs; a key whose first fails keeps its others."""
        if message.periodic:
            self._later(self._consumer_policy.replay, message)
        failed: set[tuple[str, int]] = set()
        replayed = 0
        for record in self._letters.records():
            key = (record.source, record.key)
            if self._parks_keys and key in failed:
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

    # -- a view made anew ------------------------------------------------------------------------------

    def _switch_view(self, rebuild: Any) -> int:
        """Let the view made anew take the place of the old one at once; return in how many rows they differ.

        What nobody repeats, as it was published `direct`, a view is told now that only shows.
        """
        with self._turn or contextlib.nullcontext():
            changes: list[Change] = rebuild.differences(self._progress, self._letters)
            if changes:
                self._store.write(changes)
                self.load_view()
        if not self._subscribes and self._outbox is None:
            for record in rebuild.missed(self._progress):
                self.on_receive(record)
        return len(changes)
