"""Idempotency keys: a request that is repeated under its key is carried out once.

The order service remembers durably which order a key has led to, and gives the first answer again, also
after a restart. Here is what the facade adds: a key whose first request is still being carried out, and a
key that comes with another order. A refused order has changed nothing; its key may be used again.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from loadtest.api.problems import Problem, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.api.bodies import NewOrder
    from loadtest.api.views import OrderOnCommandSide

HEADER: Final = "Idempotency-Key"
PATTERN: Final = "^[!-~]{1,200}$"
_PATTERN = re.compile(PATTERN)

FORGOTTEN_AFTER_S: Final = 60.0
"""A request that nobody has answered for so long is taken for lost; the order service still knows its key."""


class InFlight:
    """The keys of the requests that are being carried out."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begun_s: dict[str, float] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._begun_s)

    def begin(self, key: str) -> Callable[[], object]:
        """Note that a request with this key begins; what is returned notes its end.

        Raises:
            Problem: one with the same key has not ended.

        """
        now_s = self._now()
        if now_s - self._begun_s.get(key, -FORGOTTEN_AFTER_S) < FORGOTTEN_AFTER_S:
            raise Problem(
                "key-in-flight",
                "the first request with this key has not been answered yet",
                "send it again in a moment; the answer will be that of the first",
                key,
            )
        self._begun_s[key] = now_s
        return partial(self._begun_s.pop, key, None)


def checked(key: str) -> str:
    """The key.

    Raises:
        Problem: it is none.

    """
    if not _PATTERN.fullmatch(key):
        raise Problem(
            "bad-parameter",
            f"the header {HEADER} has {len(key)} characters, not 1 to 200 visible ones of ASCII",
            "make up a key such as a UUID for each order, and send the same when you repeat it",
            shortened(key),
        )
    return key


def request_id(key: str) -> str:
    """What the order service knows the key by; nobody else's requests have such an id."""
    return f"key {key}"


def check_same(key: str, body: NewOrder, placed: OrderOnCommandSide | None) -> None:
    """Do nothing if the order that the key has led to is the one that the body asks for.

    Raises:
        Problem: it is another.

    """
    if placed is not None:
        order = placed.order
        asked = [(item.product_id, item.quantity) for item in body.items]
        got = [(item.product_id, item.quantity) for item in placed.items]
        same = (order.customer_id, order.shipping_address, got)
        if same == (body.customer_id, body.shipping_address, asked):
            return
    raise Problem(
        "key-reused",
        "another order was placed with this key; this one was not",
        "make up a new key for each order",
        key,
    )
