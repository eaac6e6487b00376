"""What all consumers of events share: they follow logs, and let each event take effect.

A consumer says what an event changes (`effects`); its event processor (`actors.consuming.processor`) makes
that durable together with the progress, tries again what fails or puts it aside.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final

import pykka

from actors.consuming.draft import Draft
from actors.consuming.lanes import Lanes
from actors.consuming.positions import Positions
from actors.consuming.processor import Effects, EventProcessor
from actors.consuming.progress import checkpoint_position
from actors.messages import Again, HowFar, LaneFree, Record, Replay, Resubscribe, Subscribe, SwitchView
from actors.policy import ConsumerPolicy
from actors.publishing.outbox import Outbox
from actors.runtime.port import Runtime
from actors.stores.port import Change, NewEvent, Store, StoreError
from actors.topology import node_of

_SOURCE: Final = attrgetter("source")
_PLACE: Final = attrgetter("source", "position")
_CHANGES: Final = attrgetter("changes")
_EVENTS: Final = attrgetter("events")


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
        self._sources = tuple(sources)
        self._subscribes = subscribes
        self._outbox = outbox
        self._processor = EventProcessor(
            runtime, name, store, policy, self, outbox=outbox, positions=positions or Positions()
        )
        self._turn = self._processor.turn
        self._take: Callable[[Record], object] = self._processor.process
        self._gates = [runtime.gate(node_of(name))]  # of the stores that it asks
        # Elsewhere it is told how many events at most are done twice, or are in hand at once.
        self._groups = policy.checkpoint == "with" and policy.partitions == 1
        self._lanes: Lanes | None = None
        self._incarnation = 0
        self._subscribed: dict[str, int] = {}  # per source: the incarnation of the relay that was asked

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

    def effects_at_once(self, records: Sequence[Record]) -> Effects | None:  # noqa: ARG002  # likewise
        """What several events change one after the other, if that can be told at less than the price of
        each; nothing is changed yet.
        """
        return None

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
        if policy.partitions > 1:
            self._lanes = Lanes(
                self._runtime,
                self._name,
                node_of(self._name),
                policy.partitions,
                policy.partition_by,
                policy.inbox,
                () if policy.checkpoint == "before" else (Record,),
                self._in_lane,
            )
            self._take = self._lanes.take
        self._processor.load(self._sources)
        for source in self._sources:
            self._subscribe(source)
        if policy.replay:
            self._later(policy.replay, Replay(periodic=True))

    def on_receive(self, message: Any) -> Any:
        """Handle an event, or leave the message to `answer`."""
        kind = type(message)
        if kind is Record:
            take = self._take
            take(message)
            return None
        if kind is Again:
            return self._lanes.try_again(message) if self._lanes else self._processor.again(message)
        if kind is LaneFree:
            assert self._lanes is not None, "only lanes say that they are free"
            return self._lanes.free(message)
        if kind is Resubscribe:
            return self._resubscribe(message)
        if kind is Replay:
            if message.periodic:
                self._later(self._consumer_policy.replay, message)
            return self._processor.replay()
        if kind is HowFar:
            return {source: progress.watermark for source, progress in self._processor.progress.items()}
        if kind is SwitchView:
            return self._switch_view(message.rebuild)
        return self.answer(message)

    def may_group(self, kind: type) -> Collection[type]:
        """See `Grouping`: a fault at a store decides about the calls for each event alone."""
        may = kind is Record and self._groups and not any(gate.is_faulty for gate in self._gates)
        return (Record,) if may else ()

    def on_group(self, messages: Sequence[Any]) -> Iterable[Any]:
        """Let the events take effect in one transaction; those that cannot do so one at a time."""
        rest, together = messages, True
        while rest:
            done = 0
            # A fault may have begun while one of them was tried for long.
            if together and self.may_group(Record) and not self._processor.rules.active:
                try:
                    done, _ = self._consume_together(rest)
                except Exception:  # noqa: BLE001  # each is tried alone, and then its policy decides
                    together = False
            if not done:
                self._processor.process(rest[0])
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
        self._processor.later(wait_s, message)

    def _in_lane(self, message: Record | Again) -> None:
        if isinstance(message, Again):
            self._processor.again(message)
        else:
            self._processor.process(message)

    # -- handling several events together --------------------------------------------------------------

    def _consume_together(
        self, records: Sequence[Record], beside: Callable[[], Effects] | None = None
    ) -> tuple[int, list[int]]:
        """Let the first of the events take effect in one transaction, as many as can.

        If there are any, what is to be written `beside` them, in the same transaction, is asked once they
        have taken effect in memory. Returns how many there are, and the positions of what they and that have
        published.

        Raises:
            Exception: none has taken effect. Nothing is said of it.

        """
        records = self._in_line(records)
        if not records:
            return 0, []
        at_once = self.effects_at_once(records)
        in_memory = self.in_memory if at_once is None or beside is not None else ()
        kept = {name: getattr(self, name) for name in in_memory}
        drafts = {name: Draft(rows) for name, rows in kept.items()}
        try:
            vars(self).update(drafts)
            if at_once is None:
                done = self._effects_together(records)
                del records[len(done) :]
            else:
                done = [at_once]
                if drafts:
                    self.applied(at_once)
            applied = self._positions_of(records)
            positions = self._write_together(applied, done if beside is None else [*done, beside()])
        finally:
            vars(self).update(kept)
        for draft in drafts.values():
            draft.keep()
        if not drafts:
            for effects in done:
                self.applied(effects)
        taken_s = self._runtime.taken()
        for source, stretch in applied.items():
            self._processor.tell_progress(source)
            self._processor.record(source, stretch, "applied", taken_s)
        return len(records), positions

    def _in_line(self, records: Sequence[Record]) -> list[Record]:
        """The first of the events, as long as each is next in its log and can be handled with others."""
        if self._processor.stopped or self._processor.holds_back():
            return []
        progress = self._processor.progress
        some_stand_alone = type(self).stands_alone is not Consumer.stands_alone
        source = records[0].source
        begin = progress[source].next_after()
        next_ones = zip(repeat(source), range(begin, begin + len(records)))
        if [*map(_PLACE, records)] == [*next_ones] and not (
            some_stand_alone and any(map(self.stands_alone, records))
        ):
            return [*records]  # nearly always
        following = {source: one.next_after() for source, one in progress.items()}
        line: list[Record] = []
        for record in records:
            source = record.source
            if record.position != following[source] or (some_stand_alone and self.stands_alone(record)):
                break
            following[source] += 1
            line.append(record)
        return line

    def _positions_of(self, line: Sequence[Record]) -> dict[str, range]:
        """Per log the positions of events in line."""
        progress = self._processor.progress
        begins = {source: progress[source].next_after() for source in progress}
        numbers = Counter(map(_SOURCE, line))
        return {source: range(begins[source], begins[source] + number) for source, number in numbers.items()}

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

    def _write_together(self, applied: Mapping[str, range], effects: Sequence[Effects]) -> list[int]:
        """Write what events in line change, and that they are done; return the positions of what follows."""
        changes: list[Change] = [*chain.from_iterable(map(_CHANGES, effects))]
        events: list[NewEvent] = [*chain.from_iterable(map(_EVENTS, effects))]
        progress = self._processor.progress
        for source, positions in applied.items():
            changes += progress[source].changes_up_to(positions[-1])
        published = self._processor.commit(changes, events)
        for source, positions in applied.items():
            progress[source].mark_up_to(positions[-1])
        return published

    # -- a view made anew ------------------------------------------------------------------------------

    def _switch_view(self, rebuild: Any) -> int:
        """Let the view made anew take the place of the old one at once; return in how many rows they differ.

        What nobody repeats, as it was published `direct`, a view is told now that only shows.
        """
        with self._turn or contextlib.nullcontext():
            changes: list[Change] = rebuild.differences(self._processor.progress, self._processor.letters)
            if changes:
                self._store.write(changes)
                self.load_view()
        if not self._subscribes and self._outbox is None:
            for record in rebuild.missed(self._processor.progress):
                self.on_receive(record)
        return len(changes)
