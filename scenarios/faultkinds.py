"""Every kind of fault: what it acts on, which fields it takes, and what it means.

All kinds take `at`, `for`, `every` and `enabled` besides. A kind of `by` or `to` says how that field is
written.

>>> targets("crash", "*")
('orders', 'carts', 'catalog', 'inventory', 'products', 'summary', 'relay')
>>> targets("slow", "store:*")[0]
'store:orders'
"""

from dataclasses import dataclass
from typing import Literal

from scenarios import names

Target = Literal["node", "store", "link", "message", "load"]

NAMES: dict[Target, tuple[str, ...]] = {
    "node": names.NODES,
    "store": names.STORES,
    "link": names.LINKS,
    "message": tuple(f"message:{name}" for name in names.MESSAGES),
    "load": tuple(f"load:{name}" for name in names.LOADS),
}
"""What each class of targets holds, named as in a fault's `on`."""

COMMON = ("kind", "on", "at", "for", "every", "enabled")
"""The fields that every kind takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault, on these classes of targets, `only` on some of their names if that is not empty.

    Of the fields in `any_of`, if there are some, at least one must be given.
    """

    targets: tuple[Target, ...]
    meaning: str
    only: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    by: Literal["factor", "duration", "signed duration", "distribution"] | None = None
    to: Literal["count", "rate"] | None = None
    forms: tuple[str, ...] = ()
    pattern: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that the kind takes."""
        return tuple(dict.fromkeys((*COMMON, *self.required, *self.any_of, *self.optional)))

    def acts_on(self, target: Target) -> tuple[str, ...]:
        """What it can act on in this class of targets."""
        return self.only or NAMES[target]


KINDS: dict[str, FaultKind] = {
    # nodes
    "crash": FaultKind(
        targets=("node",),
        meaning="stops at once; inbox and memory are lost, stores are kept; starts again from its checkpoint",
    ),
    "pause": FaultKind(
        targets=("node",), meaning="takes no further message; the inbox fills; nothing is lost"
    ),
    "skew": FaultKind(
        targets=("node",), required=("by",), by="signed duration", meaning="the node's clock reads + `by`"
    ),
    "bug": FaultKind(
        targets=("node",),
        required=("form",),
        optional=("p", "first", "nth", "where", "set"),
        forms=("raise", "skip", "twice", "wrong"),
        meaning="handles messages wrongly: raises, applies nothing, applies twice, or sets fields wrong",
    ),
    "exhaust": FaultKind(
        targets=("node",), required=("to",), to="count", meaning="the inbox is bounded to `to` messages"
    ),
    # nodes or stores
    "slow": FaultKind(
        targets=("node", "store"), required=("by",), by="factor", meaning="service or call times × `by`"
    ),
    # links
    "cut": FaultKind(targets=("link",), meaning="nothing passes; what an outbox delivers is tried again"),
    "drop": FaultKind(
        targets=("link",),
        required=("p",),
        optional=("first", "where"),
        meaning="each message is lost with probability `p`",
    ),
    "duplicate": FaultKind(
        targets=("link",),
        required=("p", "by"),
        optional=("first", "where"),
        by="distribution",
        meaning="each message arrives again after `by` with probability `p`",
    ),
    "reorder": FaultKind(
        targets=("link",),
        required=("p", "by"),
        optional=("first", "where"),
        by="distribution",
        meaning="each message is held for `by` with probability `p`, so that later ones pass",
    ),
    "delay": FaultKind(
        targets=("link",), required=("by",), by="distribution", meaning="each message takes `by` longer"
    ),
    "hold": FaultKind(targets=("link",), meaning="messages are kept, and released in order at the end"),
    "throttle": FaultKind(
        targets=("link",), required=("to",), to="rate", meaning="at most `to` messages pass; the rest wait"
    ),
    # stores
    "unavailable": FaultKind(targets=("store",), meaning="calls fail at once"),
    "timeout": FaultKind(
        targets=("store",),
        optional=("by",),
        by="duration",
        meaning="calls never answer; the caller gives up after `by` (1s unless given)",
    ),
    "error": FaultKind(
        targets=("store",),
        any_of=("p", "first"),
        optional=("where",),
        meaning="calls fail with probability `p`, or the `first` n do",
    ),
    "stale": FaultKind(
        targets=("store",),
        required=("by",),
        by="duration",
        meaning="reads answer as of `by` ago; writes land",
    ),
    "full": FaultKind(targets=("store",), meaning="writes are refused, reads served"),
    # messages
    "poison": FaultKind(
        targets=("message",),
        required=("nth",),
        meaning="handling the `nth` message of its type always raises",
    ),
    "alter": FaultKind(
        targets=("message",),
        required=("set",),
        optional=("p", "first", "nth", "where"),
        meaning="fields are renamed to the names in `set`, or removed where that is empty",
    ),
    # loads
    "surge": FaultKind(targets=("load",), required=("by",), by="factor", meaning="the arrival rate × `by`"),
    "hot": FaultKind(
        targets=("load",),
        only=("load:orders", "load:checkouts"),
        required=("p",),
        meaning="the share `p` of the lines that are ordered name one product",
    ),
    # patterns, which expand into rows of the kinds above
    "flap": FaultKind(
        targets=("node", "store", "link"),
        required=("for", "every"),
        pattern=True,
        meaning="down and up again: a crash, an unavailable store or a cut, over and over",
    ),
    "rolling": FaultKind(
        targets=("node",),
        required=("for",),
        pattern=True,
        meaning="crashes of the nodes in turn, each `every` so long after the one before is up again",
    ),
    "attrition": FaultKind(
        targets=("node",),
        required=("for", "every", "most"),
        pattern=True,
        meaning="random crashes, `every` so long after one another, at most `most` nodes down at once",
    ),
}


def targets(kind: str, on: str) -> tuple[str, ...]:
    """The names that `on` means for this kind; none if it means nothing that the kind can act on."""
    for target in KINDS[kind].targets:
        found = names.matching(on, KINDS[kind].acts_on(target))
        if found:
            return found
    return ()
