"""The design decisions under test: how events are published, views are filled and reads are answered.

A policy is frozen data. Every duration is in seconds. What each value means stands in the scenario
format (`docs/scenario-format.md`); here are only the fields, their defaults and their legal words.

>>> Policy().of("summary").join
'wait'
>>> Policy(overrides={"summary": ConsumerPolicy(join="carried")}).of("summary").join
'carried'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Publish = Literal["outbox", "direct"]
StockCheck = Literal["none", "view", "reserve", "saga"]
Read = Literal["eventual", "wait", "write-side"]
Join = Literal["wait", "placeholder", "carried"]
CheckpointWhen = Literal["with", "after", "before"]
OnError = Literal["retry", "skip", "park", "park-key", "stop"]
AfterRetries = Literal["park", "skip", "stop"]
PartitionBy = Literal["customer", "order", "product", "none"]
Overflow = Literal["reject", "drop", "block"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a consumer tries an event again: after `first` s, then `factor` times longer, at most `cap` s.

    `attempts` bounds the tries after the first failure (0: no bound), `then` says what follows the last.
    `jitter` in [0, 1] shortens each wait by a random share of at most that much. `in_line` blocks the
    lane until the event succeeds; otherwise later events pass it.
    """

    first: float = 0.05
    factor: float = 2.0
    cap: float = 5.0
    attempts: int = 0
    jitter: float = 0.0
    then: AfterRetries = "park"
    in_line: bool = True

    def wait(self, attempt: int, uniform: float = 0.0) -> float:
        """Seconds to wait after failure number `attempt` (from 1), given a uniform draw from [0, 1).

        >>> [Retry(first=0.05, cap=0.3).wait(n) for n in (1, 2, 3, 4, 1000)]
        [0.05, 0.1, 0.2, 0.3, 0.3]
        """
        try:
            wait = min(self.cap, self.first * self.factor ** (attempt - 1))
        except OverflowError:
            wait = self.cap
        return wait * (1.0 - self.jitter * uniform)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerPolicy:
    """How one consumer follows its events.

    `restart` is how many seconds after a failure it starts again, None: never; `replay` how often, in
    seconds, it tries its dead letters again, 0: never.
    """

    join: Join = "wait"
    checkpoint: CheckpointWhen = "with"
    checkpoint_every: int = 1
    idempotent: bool = True
    on_error: OnError = "retry"
    retry: Retry = field(default_factory=Retry)
    partitions: int = 1
    partition_by: PartitionBy = "customer"
    replicas: int = 1
    inbox: int = 0
    overflow: Overflow = "reject"
    restart: float | None = 1.0
    replay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All design decisions of one system; `overrides` replaces `consumer` for single consumers by name.

    `poll` 0 means that the relay is woken at each commit. `redeliver` is how long the relay waits before
    it tries a delivery again that the link or the log refused.
    """

    publish: Publish = "outbox"
    poll: float = 0.0
    redeliver: float = 0.1
    stock: StockCheck = "view"
    read: Read = "eventual"
    read_timeout: float = 2.0
    consumer: ConsumerPolicy = field(default_factory=ConsumerPolicy)
    overrides: Mapping[str, ConsumerPolicy] = field(default_factory=dict)

    def of(self, consumer: str) -> ConsumerPolicy:
        """The policy in force for the named consumer."""
        return self.overrides.get(consumer, self.consumer)
