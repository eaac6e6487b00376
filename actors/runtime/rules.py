"""What a fault may decide about a message on a link or a call to a store.

A rule only decides; the runtime that asks it carries the decision out and counts it. So one fault, written
once, holds on both clocks.
"""

import threading
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Literal, NamedTuple, Protocol

from actors.stores.port import Change, NewEvent, StoreError

StoreOperation = Literal["read", "write"]


class Passage(NamedTuple):
    """What happens to one message: lost, or delivered `after` seconds more than its link takes.

    It keeps its place among the others unless it is held `aside`: for so many seconds later ones pass it.
    If `again` is not None, a copy of it arrives so many seconds after it.
    """

    lost: bool = False
    after: float = 0.0
    aside: float | None = None
    again: float | None = None


class LinkRule(Protocol):
    """Decides about the messages of one link while a fault is active.

    A rule that `stops_arrivals` is asked before all others, and again when a message that left earlier
    arrives.
    """

    stops_arrivals: bool

    def on_message(self, message: Any) -> Passage | None:
        """What happens to the message; None lets it pass untouched."""
        ...


class Spacing:
    """The rule that messages arrive at least `spacing_s` seconds apart, while the rest wait in their order.

    With `inf` none arrives. Once the rule ends, whatever waits for it arrives at once. It touches the
    messages that it lets wait.
    """

    stops_arrivals = False

    def __init__(self, spacing_s: float) -> None:
        self.spacing_s = spacing_s

    def on_message(self, _message: Any) -> None:
        """See `LinkRule`: it is the arrival that has to wait."""


class StoreCall(NamedTuple):
    """One call to a store; `changes` and `events` are those of a write."""

    operation: StoreOperation
    changes: Sequence[Change] = ()
    events: Sequence[NewEvent] = ()


class Treatment(NamedTuple):
    """What happens to one call: it fails with `error` after `wait_s`, or it takes `times` as long as usual.

    A read is answered from what the store was `ago_s` seconds before.
    """

    error: StoreError | None = None
    wait_s: float = 0.0
    times: float = 1.0
    ago_s: float = 0.0


class Rank(IntEnum):
    """In which order the rules of a store are asked: one that lets a call fail ends the asking."""

    UNREACHABLE = 0
    REFUSING = 1
    SILENT = 2
    ANSWERING = 3


class StoreRule(Protocol):
    """Decides about the calls to one store while a fault is active."""

    rank: Rank

    def on_call(self, store: str, call: StoreCall) -> Treatment | None:
        """What happens to the call; None lets it pass untouched."""
        ...


class ActiveRule:
    """A rule that a fault has put on a link or a store, and how often it has decided something."""

    __slots__ = ("_lock", "hits", "rule")

    def __init__(self, rule: Any) -> None:
        self.rule = rule
        self.hits = 0
        self._lock = threading.Lock()  # several links may share it

    def touch(self, messages: int = 1) -> None:
        """Count so many messages as touched."""
        with self._lock:
            self.hits += messages

    def decide(self, message: Any) -> Passage | None:
        """What the rule says about the message; counted if it says anything."""
        with self._lock:
            passage: Passage | None = self.rule.on_message(message)
            if passage is not None:
                self.hits += 1
        return passage
