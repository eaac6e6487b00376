"""What a fault may decide about a message on a link or a call to a store.

A rule only decides; the runtime that asks it carries the decision out and counts it. So one fault, written
once, holds on both clocks.
"""

from typing import Any, Literal, NamedTuple, Protocol

from actors.stores.port import StoreError

StoreOperation = Literal["read", "write"]


class Passage(NamedTuple):
    """What happens to one message: lost, or delivered `after` seconds more than its link takes."""

    lost: bool = False
    after: float = 0.0


class LinkRule(Protocol):
    """Decides about the messages of one link while a fault is active.

    A rule that `stops_arrivals` is also asked when a message that left earlier arrives.
    """

    stops_arrivals: bool

    def on_message(self, message: Any) -> Passage | None:
        """What happens to the message; None lets it pass untouched."""
        ...


class StoreRule(Protocol):
    """Decides about the calls to one store while a fault is active."""

    def on_call(self, store: str, operation: StoreOperation) -> StoreError | None:
        """The error with which the call fails; None lets it pass untouched."""
        ...
