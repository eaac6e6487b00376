"""The names that a scenario may use for the parts of the system, and patterns of such names.

A name stands for itself, `*` for any name, and `a--b` for both links between a and b.

>>> matching("orders->*", LINKS)
('orders->inventory', 'orders->summary')
>>> matching("inventory--products", LINKS)
('inventory->products',)
"""

import re
from collections.abc import Iterable

from actors.messages import EVENT_TYPES
from actors.topology import CONSUMERS as _FOLLOWED
from actors.topology import LINKS, NODES, STORES

__all__ = [
    "CONSUMERS",
    "LINKS",
    "LOADS",
    "MESSAGES",
    "NODES",
    "PRESETS",
    "STORES",
    "TIMES",
    "VERDICTS",
    "WHENS",
    "matching",
]

CONSUMERS = tuple(_FOLLOWED)
"""What follows events: the projections, and the services that act on the events of others."""

TIMES = (*NODES, *STORES, "checkpoint")
"""What may take time."""

LOADS = ("orders", "checkouts", "history", "stock", "browse", "restock", "catalogue")
"""The kinds of requests that arrive."""

MESSAGES = tuple(kind.__name__ for kind in EVENT_TYPES)
"""The events that faults can single out."""

PRESETS = (
    "naive-in-process",
    "at-most-once",
    "at-least-once",
    "textbook-outbox",
    "exactly-once-view",
    "dead-letter-queue",
    "competing-lanes",
    "read-your-writes",
    "reserve-first",
    "reservation-saga",
)
"""Names for whole sets of policies, one file each in `scenarios.presets`."""

VERDICTS = ("pass", "fail", "unknown")
WHENS = ("warm", "run", "settle", "always")


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that the pattern means, in their order; none if it means nothing."""
    one, both, other = pattern.partition("--")
    patterns = [f"{one}->{other}", f"{other}->{one}"] if both else [pattern]
    expressions = [re.compile(re.escape(text).replace(r"\*", ".*")) for text in patterns]
    return tuple(name for name in names if any(expression.fullmatch(name) for expression in expressions))
