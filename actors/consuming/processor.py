"""The event processor of one consumer: each event takes effect once, with its progress, or is put aside.

What an event changes is the consumer's own affair (`Handlers`). The processor writes the changes together
with how far the consumer has come, as the policy says, tries again what fails or puts it aside, and records
each handling in the trace. With several lanes it is called from each of them; what they write, they write
one after the other.
"""

import contextlib
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Protocol

import msgspec

from actors.consuming.checkpoints import Checkpoints
from actors.consuming.dead_letters import DeadLetters, put
from actors.consuming.positions import Place, Positions
from actors.consuming.progress import Progress, load
from actors.messages import Again, Record
from actors.policy import ConsumerPolicy
from actors.publishing.outbox import Outbox
from actors.runtime.port import Runtime
from actors.stores.port import Change, NewEvent, Store, StoreError
from actors.topology import node_of


class NotYet(Exception):
    """The event cannot be handled now, because what it needs has not arrived; later it can."""


class Effects(msgspec.Struct, frozen=True, gc=False):
    """What one event changes in the consumer's store, and the events that follow from it."""

    changes: Sequence[Change]
    events: Sequence[NewEvent] = ()


class Handlers(Protocol):
    """What a consumer does about an event."""

    effects_read_rows: bool
    """Whether `effects` depends on rows that other events change: then no two events may be in it at once."""

    def effects(self, record: Record) -> Effects:
        """What the event changes; nothing is changed yet.

        Raises:
            NotYet, StoreError: it cannot be told now; the policy decides what follows.

        """
        ...

    def effects_again(self, record: Record) -> Effects:
        """What the event changes if a bug lets it take effect once more."""
        ...

    def applied(self, effects: Effects) -> None:
        """Called once the effects are durable."""
        ...

    def stop(self) -> None:
        """Stop the consumer, as its policy wants after this failure."""
        ...


class _Followed:
    """A log that the consumer follows: its number in the trace, how far it is, and who waits for that."""

    __slots__ = ("number", "place", "progress")

    def __init__(self, number: int, place: Place, progress: Progress) -> None:
        self.number = number
        self.place = place
        self.progress = progress


class EventProcessor:
    """Lets events take effect in one consumer's `store`; a consumer that also publishes has an `outbox`."""

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        store: Store,
        policy: ConsumerPolicy,
        handlers: Handlers,
        *,
        outbox: Outbox | None,
        positions: Positions,
    ) -> None:
        self.progress: dict[str, Progress] = {}  # per source
        self.letters = DeadLetters(name)
        self.rules = runtime.handling(node_of(name))
        self.turn = runtime.mutex() if policy.partitions > 1 else None
        self.stopped = False
        self._runtime = runtime
        self._name = name
        self._policy = policy
        self._handlers = handlers
        self._store = store
        self._outbox = outbox
        self._positions = positions
        self._followed: dict[str, _Followed] = {}  # per source
        self._checkpoints = Checkpoints(runtime, name, store, policy)
        self._jitter = runtime.random(f"retry/{name}") if policy.retry.jitter else None
        # Asked for each event, and so kept at hand. What is called is called by a local name: called as an
        # attribute Python would look for a method first.
        self._idempotent, self._parks_keys = policy.idempotent, policy.on_error == "park-key"
        # Who claims an event first spends its time itself, once that is done: a crash meanwhile loses it.
        self._claims, self._checkpoints_after = policy.checkpoint == "before", policy.checkpoint == "after"
        self._is_plain = not self._claims and self.turn is None
        self._effects, self._applied = handlers.effects, handlers.applied
        self._intern = intern = runtime.recorder.intern
        self._consumer_id = intern(name)
        self._applied_id, self._duplicate_id = intern("applied"), intern("duplicate")
        self._rows = runtime.recorder.many("applied")
        self._stretch = runtime.recorder.stretches("applied")
        self._row = runtime.recorder.row("applied")

    # -- how far it is ---------------------------------------------------------------------------------

    def load(self, sources: Sequence[str]) -> None:
        """Find out how far the store is with each log, and what is parked."""
        policy = self._policy
        self.letters.load(self._store)
        for source in sources:
            self.progress[source] = progress = load(
                self._store, self._name, source, idempotent=policy.idempotent, checkpoint=policy.checkpoint
            )
            place = self._positions.place(self._name, source)
            self._followed[source] = _Followed(self._intern(source), place, progress)
            self.tell_progress(source)

    def tell_progress(self, source: str) -> None:
        """Let readers know how far the consumer is with this log."""
        followed = self._followed[source]
        followed.place.advance(followed.progress.watermark)

    def record(self, source: str, positions: Sequence[int], outcome: str, taken_s: float) -> None:
        """Write down that the events at these positions had this outcome just now, at their first try."""
        now_s, consumer, outcome_id = self._runtime.now(), self._consumer_id, self._intern(outcome)
        source_id = self._followed[source].number
        if self._stretch is not None and isinstance(positions, range):
            self._stretch((consumer, source_id, now_s, outcome_id), positions)
            return
        same = map(repeat, (taken_s, now_s, 1, outcome_id))
        self._rows([*zip(repeat(consumer), repeat(source_id), positions, *same)])

    # -- handling an event -----------------------------------------------------------------------------

    def process(self, record: Record, attempts: int = 0) -> None:
        """Handle an event that has just been delivered, or has failed so many times before.

        Whatever fails, the policy decides what follows.
        """
        position, followed = record.position, self._followed[record.source]
        # What is next cannot be applied yet, and nearly everything is next.
        progress = followed.progress
        if position != progress.watermark + 1 and self._idempotent and progress.has(position):
            self._work_on(attempts)
            self._finish(followed, position, 0, self._duplicate_id)
            return
        if self._parks_keys and self.letters.holds_key(record.source, record.key):
            self._work_on(attempts)
            self._put_aside(record, attempts, "parked", "an earlier event of its key is parked")
            return
        while not self.stopped:
            attempts += 1
            try:
                if self._is_plain and not self.rules.active:  # what it all comes to, as nearly always
                    effects_of = self._effects
                    self._write_in_turn(followed, position, effects_of(record), ())
                    outcome = self._applied_id
                else:
                    if self._claims:
                        self._checkpoints.before(record)
                        self._work_on(attempts - 1)
                    outcome = self._apply(record)
            except Exception as error:  # noqa: BLE001  # a handler may raise anything
                wait_s = self._wait_after(record, attempts, error)
                if wait_s is None:
                    return
                self._runtime.sleep(wait_s)
            else:
                self._finish(followed, position, attempts, outcome)
                return

    def _work_on(self, attempts: int) -> None:
        """Spend the time that an event takes, unless the runtime has, or an earlier attempt."""
        if self._claims and not attempts:
            self._runtime.work()

    def again(self, message: Again) -> None:
        """Handle an event that has failed before."""
        self.process(message.record, message.attempts)

    def later(self, wait_s: float, message: Any) -> None:
        """Let the consumer have the message in so many seconds."""
        self._runtime.after(wait_s, self._runtime.tell, self._name, message)

    def _wait_after(self, record: Record, attempts: int, error: Exception) -> float | None:
        """How long (s) to wait before the next try in line; None: there is none, the event is seen to."""
        policy = self._policy
        what: str = policy.on_error
        if what == "retry":
            if not policy.retry.attempts or attempts <= policy.retry.attempts:
                wait_s = policy.retry.wait(attempts, self._jitter() if self._jitter else 0.0)
                if policy.retry.in_line:
                    return wait_s
                self.later(wait_s, Again(record, attempts))
                return None
            what = policy.retry.then
        if what == "stop":
            self.stopped = True
            self._finish(self._followed[record.source], record.position, attempts, self._intern("stopped"))
            self._handlers.stop()
        else:
            outcome = "skipped" if what == "skip" else "parked"
            self._put_aside(record, attempts, outcome, f"{type(error).__name__}: {error}")
        return None

    def _put_aside(self, record: Record, attempts: int, outcome: str, why: str) -> None:
        """Go on without the event; a store that cannot even take that down is asked until it can."""
        changes: list[Change] = []
        letter = None
        if outcome == "parked":
            letter = self.letters.letter(record, why, attempts, self._runtime.now())
            changes.append(put(letter))
        failures = 0
        while True:
            try:
                self._write(record, Effects(changes), applied=False)
            except StoreError:
                failures += 1
                self._runtime.sleep(self._policy.retry.wait(failures))
            else:
                break
        if letter is not None:
            self.letters.note(letter)
        self._finish(self._followed[record.source], record.position, attempts, self._intern(outcome))

    def _apply(self, record: Record, also: Sequence[Change] = ()) -> int:
        """Make the event's effects durable, and the progress with them; return the outcome that it has.

        `also` are changes to make with them, if the event was put aside before.
        """
        if self.rules.active:
            return self._apply_under_rules(record, also)
        return self._take_effect(record, record, also)

    def _apply_under_rules(self, record: Record, also: Sequence[Change]) -> int:
        """The same while a fault decides about what is handled, and how often."""
        _, times, message = self.rules.decide(record)
        if times == 0:
            self._write(record, Effects(also), applied=False)
            return self._intern("skipped")
        outcome = self._take_effect(record, message, also)
        for _ in range(1, times):
            self._write(record, self._handlers.effects_again(message), applied=True)
        return outcome

    def _take_effect(self, record: Record, message: Record, also: Sequence[Change]) -> int:
        """Write what `message` changes, and that `record` is done."""
        turn, followed = self.turn, self._followed[record.source]
        if turn is None:
            self._write_in_turn(followed, record.position, self._effects(message), also)
            return self._applied_id
        effects = None if self._handlers.effects_read_rows else self._effects(message)
        with turn:
            # Another lane may have got another copy of it.
            if self._idempotent and not also and followed.progress.has(record.position):
                return self._duplicate_id
            self._write_in_turn(followed, record.position, effects or self._effects(message), also)
        return self._applied_id

    def _write(self, record: Record, effects: Effects, *, applied: bool) -> None:
        with self.turn or contextlib.nullcontext():
            followed = self._followed[record.source]
            self._write_in_turn(followed, record.position, effects, (), applied=applied)

    def _write_in_turn(
        self,
        followed: _Followed,
        position: int,
        effects: Effects,
        also: Sequence[Change],
        *,
        applied: bool = True,
    ) -> None:
        progress = followed.progress
        is_next = False
        if position == progress.watermark + 1:
            is_next = not progress.ahead
        done = progress.changes_up_to(position) if is_next else progress.changes(position)
        changes, events = [*effects.changes, *done], effects.events
        if also:
            changes += also
        if events:
            self.commit(changes, events)
        elif changes:
            self._store.write(changes)
        if is_next:
            progress.watermark = position
        else:
            progress.mark(position)
        if applied:
            take_note = self._applied
            take_note(effects)
        followed.place.advance(progress.watermark)

    def commit(self, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """Write what events have changed, and publish what follows from them; return its positions."""
        if events:
            assert self._outbox is not None, "a consumer whose events cause events needs an outbox"
            return self._outbox.commit(changes, events)
        return self._store.write(changes) if changes else []

    def _finish(self, followed: _Followed, position: int, attempts: int, outcome: int) -> None:
        row, (taken_s, now_s) = self._row, self._runtime.handled()
        row((self._consumer_id, followed.number, position, taken_s, now_s, attempts, outcome))
        if self._checkpoints_after:
            self._checkpoints.after(followed.progress)

    # -- dead letters ----------------------------------------------------------------------------------

    def holds_back(self) -> bool:
        """Whether some key waits for a letter of its own to be replayed."""
        return self._parks_keys and bool(self.letters)

    def replay(self) -> int:
        """Try every dead letter once, in the order of the logs; a key whose first fails keeps its others.

        Returns how many took effect.
        """
        failed: set[tuple[str, int]] = set()
        replayed = 0
        for record in self.letters.records():
            key = (record.source, record.key)
            if self._parks_keys and key in failed:
                continue
            try:
                outcome = self._apply(record, (self.letters.removal(record),))
            except Exception:  # noqa: BLE001  # it stays where it is
                failed.add(key)
            else:
                self.letters.forget(record)
                self._finish(self._followed[record.source], record.position, 1, outcome)
                replayed += 1
        return replayed
