"""The relay: takes committed events from one service's log and delivers them to the consumers, in order.

Deliveries are at least once. A consumer subscribes from its checkpoint; what a link refuses is tried again
after `policy.redeliver`; a consumer that dies must subscribe anew. With `policy.poll` the relay looks into
the log at fixed instants, otherwise each commit wakes it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any, Final

import pykka

from actors.messages import Committed, Poll, Record, Redeliver, Resubscribe, Subscribe, Undelivered
from actors.policy import Policy
from actors.runtime.port import MANY, Channel, Runtime
from actors.stores.port import Store, StoreError

CHUNK = 256
"""How many records are read from the log at once."""


READ_AHEAD_MAX = 4096
"""So many records at most are kept beyond those that all consumers have got."""

_PACE_S: Final = 0.01
"""Under load, deliveries are so far apart: a view is older by as much, and costs a third less."""

NEVER = 2**63
"""The next position of a consumer that is not subscribed."""


class Subscription:
    """What one consumer gets next; `broken` while its link refuses.

    Whenever it goes back, a new `turn` begins: what is lost of an earlier turn from `resent_from` on is being
    sent again already.
    """

    __slots__ = ("broken", "channel", "consumer", "incarnation", "lost", "next", "resent_from", "turn")

    def __init__(self, consumer: str, channel: Channel) -> None:
        self.consumer = consumer
        self.channel = channel
        self.lost: Callable[[Any], object] | None = None
        self.next = NEVER
        self.incarnation = 0
        self.broken = False
        self.turn = 0
        self.resent_from = 0


class Relay(pykka.Actor):
    """Delivers one log. It keeps nothing of its own: after a restart it asks the consumers where they are."""

    def __init__(
        self, runtime: Runtime, source: str, store: Store, policy: Policy, consumers: Sequence[str]
    ) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = f"relay/{source}"
        self._source = source
        self._store = store
        self._policy = policy
        self._subscriptions = {
            consumer: Subscription(consumer, runtime.link(f"{source}->{consumer}")) for consumer in consumers
        }
        self._rules = runtime.handling("relay")
        self._gate = runtime.gate(source)
        self._in_bulk = runtime.in_bulk
        self._turns = count()
        self._head = 0
        self._poll_number = -(2**63)  # of the next poll: it happens at so many periods
        self._records: list[Record] = []  # a stretch of the log, read ahead
        self._stalled = False  # the log could not be read; a Redeliver is under way
        self._delivered = 0  # how many records the last time

    def on_start(self) -> None:
        """Ask the consumers where they are, and begin to poll."""
        incarnation = self._runtime.incarnation(self._name)
        self._turns = count(incarnation << 32)  # what an earlier incarnation has sent is of no turn of ours
        for consumer in self._subscriptions:
            self._runtime.tell(consumer, Resubscribe(self._source, incarnation))
        if self._policy.poll:
            self._schedule_poll()

    def on_receive(self, message: Any) -> None:
        """Take note of a longer log, a new subscription or a failed delivery, then deliver what is due."""
        kind = type(message)
        if kind is Committed:
            self._committed(message)
        elif kind is Poll:
            self._look()
            self._schedule_poll()
        elif kind is Subscribe:
            self._subscribe(message)
        elif kind is Undelivered:
            self._undelivered(message)
        elif kind is Redeliver:
            self._redeliver(message)
        self._deliver()

    def may_group(self, kind: type) -> Collection[type]:
        """See `Grouping`: of several commits the last one says it all."""
        return (Committed,) if kind is Committed else ()

    @property
    def pace_s(self) -> float:
        """See `Grouping`: what consumers are delivered together, they handle together."""
        return _PACE_S if self._delivered >= MANY else 0.0

    def on_group(self, messages: Sequence[Any]) -> Iterable[Any]:
        """See `Grouping`."""
        for message in messages:
            self._committed(message)
        self._deliver()
        return [None] * len(messages)

    # -- what may change -------------------------------------------------------------------------------

    def _committed(self, message: Committed) -> None:
        """Take note of a longer log; what it has grown by need not be read, if reading takes nothing."""
        if message.position > self._head:
            self._head = message.position
        fresh, known = message.records, self._records
        # On threads a gate is always asked, which costs nothing as long as no fault stands at it.
        if not fresh or (self._gate.is_faulty if self._in_bulk else self._gate.active):
            return
        goes_on = known and known[-1].position == fresh[0].position - 1
        if goes_on and len(known) < CHUNK:
            known.extend(fresh)
        elif not known or known[-1].position < self._next_of_all():
            self._records = list(fresh)
        elif goes_on and len(known) < READ_AHEAD_MAX:
            known.extend(fresh)

    def _next_of_all(self) -> int:
        """The lowest position that some consumer gets next."""
        lowest = NEVER
        for one in self._subscriptions.values():
            if one.next < lowest and not one.broken:
                lowest = one.next
        return lowest

    def _schedule_poll(self) -> None:
        """Polls happen at the multiples of the period, whenever the last one ended."""
        period, now = self._policy.poll, self._runtime.now()
        number = max(self._poll_number + 1, math.floor(now / period))
        while number * period <= now:
            number += 1
        self._poll_number = number
        self._runtime.after(number * period - now, self._runtime.tell, self._name, Poll())

    def _look(self) -> None:
        try:
            self._head = max(self._head, self._store.head())
        except StoreError:
            self._stall()

    def _subscribe(self, message: Subscribe) -> None:
        if message.incarnation != self._runtime.incarnation(message.consumer):
            return  # it has died since; the one that lives subscribes itself
        subscription = self._subscriptions[message.consumer]
        self._go_back(subscription, message.after + 1)
        subscription.resent_from = 0  # the consumer knows what it has: nothing sent before matters any more
        subscription.incarnation = message.incarnation
        subscription.broken = False
        if not self._policy.poll:
            self._look()

    def _undelivered(self, message: Undelivered) -> None:
        subscription = self._subscriptions[message.consumer]
        if message.turn != subscription.turn and message.position >= subscription.resent_from:
            return
        if message.position < subscription.next < NEVER:
            self._go_back(subscription, message.position)
            self._break(subscription)

    def _go_back(self, subscription: Subscription, position: int) -> None:
        subscription.next = subscription.resent_from = position
        subscription.turn = next(self._turns)
        subscription.lost = partial(self._lost, subscription.consumer, subscription.turn)

    def _redeliver(self, message: Redeliver) -> None:
        if message.consumer:
            self._subscriptions[message.consumer].broken = False
        else:
            self._stalled = False
            if not self._policy.poll:
                self._look()

    # -- delivering ------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Deliver everything up to the head, in order, each event to all who are due to get it."""
        if self._in_bulk and not self._rules.active:
            self._deliver_in_bulk()
            return
        subscriptions, ruled, runtime = self._subscriptions.values(), self._rules, self._runtime
        position = self._next_of_all()
        while position <= self._head and not self._stalled:
            records = self._records
            at = position - records[0].position if records else -1
            # What `_record` does, if it need not read.
            record = records[at] if 0 <= at < len(records) else self._record(position)
            if record is None:
                return
            runtime.work()
            if ruled.active:
                self._send_under_rules(position, record)
                position = self._next_of_all()
                continue
            following = NEVER
            for one in subscriptions:
                if one.broken:
                    continue
                coming = one.next
                if coming == position:
                    if one.channel.send(record, one.incarnation, one.lost):
                        one.next = coming = position + 1
                    else:
                        self._not_sent(one)
                        coming = NEVER if one.broken else one.next
                if coming < following:
                    following = coming
            position = following

    def _deliver_in_bulk(self) -> None:
        """Deliver everything up to the head, in order, as much at once as was read at once."""
        self._delivered = 0
        while not self._stalled and (position := self._next_of_all()) <= self._head:
            record = self._record(position)
            if record is None:
                return
            self._runtime.work()
            begin = position - self._records[0].position
            records = self._records[begin : begin + self._head - position + 1]
            self._delivered += len(records)
            for subscription in self._subscriptions.values():
                if subscription.next == position and not subscription.broken:
                    self._send_all(subscription, records)

    def _send_all(self, subscription: Subscription, records: Sequence[Record]) -> None:
        lost = subscription.lost
        assert lost is not None, "who is due has subscribed"
        sent = subscription.channel.send_all(records, subscription.incarnation, lost)
        subscription.next += sent
        if sent < len(records):
            self._not_sent(subscription)

    def _send_under_rules(self, position: int, record: Record) -> None:
        """Deliver the event so many times, or not at all, and as it is said to be."""
        _, times, message = self._rules.decide(record)
        due = [one for one in self._subscriptions.values() if one.next == position and not one.broken]
        for subscription in due:
            if times == 0:
                subscription.next = record.position + 1
            for _ in range(times):
                if subscription.channel.send(message, subscription.incarnation, subscription.lost):
                    subscription.next = record.position + 1
                else:
                    self._not_sent(subscription)

    def _not_sent(self, subscription: Subscription) -> None:
        if self._is_there(subscription):
            self._break(subscription)
        else:
            subscription.next = NEVER  # it will subscribe again, from its checkpoint

    def _is_there(self, subscription: Subscription) -> bool:
        """Whether the incarnation that subscribed is still alive."""
        consumer = subscription.consumer
        current = self._runtime.incarnation(consumer)
        return current == subscription.incarnation and self._runtime.is_alive(consumer)

    def _lost(self, consumer: str, turn: int, record: Record) -> None:
        """Called by a link, maybe long after the sending, and by whoever's thread that is."""
        self._runtime.tell(self._name, Undelivered(consumer, record.position, turn))

    def _break(self, subscription: Subscription) -> None:
        if not subscription.broken:
            subscription.broken = True
            self._later(Redeliver(subscription.consumer))

    def _stall(self) -> None:
        if not self._stalled:
            self._stalled = True
            self._later(Redeliver(""))

    def _later(self, message: Redeliver) -> None:
        self._runtime.after(self._policy.redeliver, self._runtime.tell, self._name, message)

    def _record(self, position: int) -> Record | None:
        """The record at this position, read ahead or read now; None if the log cannot be read."""
        records = self._records
        if records:
            at = position - records[0].position
            if 0 <= at < len(records):
                return records[at]
        try:
            records = self._records = self._store.read_log(position - 1, CHUNK)
        except StoreError:
            self._stall()
            return None
        if not records:  # what the log is known to have it does not show: it answers from the past
            self._stall()
            return None
        return records[0]
