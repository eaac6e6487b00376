"""The reader: answers queries as the policy says, from a read model at once or in time, or the command side.

| `read` | a history comes from |
|---|---|
| `eventual` | the read model as it is |
| `wait` | the read model once it has reached the reader's position token, or as it is after `read_timeout` |
| `write-side` | the command side's tables |

A read model with copies is asked through one of them, drawn at random.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import pykka

from actors.consuming.positions import Positions
from actors.policy import Policy
from actors.querying import queries
from actors.querying.queries import PAGE
from actors.runtime.port import Runtime
from actors.stores.port import Store
from actors.topology import replicas

_VIEWS: Final = {"history": "summary", "own": "summary", "stock": "inventory", "browse": "products"}
"""Whose store answers each kind of read; `own` is a history that its customer reads after an order."""

_FOLLOWED: Final = "orders"
"""The log whose positions are the tokens of readers."""


class Answer(NamedTuple):
    """What a query returns: rows, the version of its key that they reflect (−1: a list has none).

    `stale` marks the answer of a view that has not reached the reader's token in time.
    """

    rows: list[Any]
    version: int
    stale: bool = False


class Reader:
    """Answers queries. Only a reader that has a thread of control of its own may call it if it `may_wait`.

    Each method raises a StoreError if the store that it asks does not answer.
    """

    def __init__(
        self, runtime: Runtime, stores: Mapping[str, Store], policy: Policy, positions: Positions
    ) -> None:
        self._runtime = runtime
        self._stores = stores
        self._positions = positions
        self._timeout_s = policy.read_timeout
        self._waits = policy.read == "wait"
        self._copies = {view: replicas(policy, view) for view in dict.fromkeys(_VIEWS.values())}
        self._views = dict(_VIEWS)
        if policy.read == "write-side":
            self._views |= {"history": "orders", "own": "orders"}
            self._copies["orders"] = ("orders",)
        self._gates = {kind: runtime.gate(view) for kind, view in self._views.items()}
        self._draw = runtime.random("read/replica")

    def may_wait(self, kind: str, token: int = 0) -> bool:
        """Whether the answer may take time: the store's, or that which the view needs to reach the token."""
        if self._gates[kind].active:
            return True
        if not token or not self._waits or self._views[kind] != "summary":
            return False
        return not all(self._positions.reached(copy, _FOLLOWED, token) for copy in self._copies["summary"])

    def history(
        self, customer_id: int, token: int = 0, before: int | None = None, limit: int = PAGE
    ) -> Answer:
        """The customer's orders, newest first, below order id `before`, at most `limit`.

        `token` is a position in the log of the orders which the answer should include.
        """
        view = self._views["history"]
        if view == "orders":
            found = queries.placed_history(self._stores[view], customer_id, before=before, limit=limit)
            return Answer(found.orders, found.version)
        copy = self._one_of(view)
        stale = bool(token) and self._waits and not self._await(copy, token)
        found = queries.history(self._stores[copy], customer_id, before=before, limit=limit)
        return Answer(found.orders, found.version, stale)

    def stock(self, product_id: int) -> Answer:
        """The product's stock, one row or none; its version counts the orders that reached it."""
        return _answer(queries.stock(self._stores["inventory"], product_id))

    def product(self, product_id: int) -> Answer:
        """The product, one row or none."""
        return _answer(queries.product(self._stores[self._one_of("products")], product_id))

    def products(self, first: int, limit: int = PAGE) -> Answer:
        """The products with ids from `first` on, at most `limit`."""
        return Answer(queries.products(self._stores[self._one_of("products")], first, limit), -1)

    def _one_of(self, view: str) -> str:
        copies = self._copies[view]
        return copies[0] if len(copies) == 1 else copies[int(self._draw() * len(copies))]

    def _await(self, copy: str, token: int) -> bool:
        """Wait, as long as the policy allows, for the copy to reach the token; return whether it has."""
        if self._positions.reached(copy, _FOLLOWED, token):
            return True
        arrival = self._runtime.promise()
        self._positions.when_reached(copy, _FOLLOWED, token, partial(arrival.set, True))
        try:
            arrival.get(timeout=self._timeout_s)
        except pykka.Timeout:
            return False
        return True


def _answer(row: Any) -> Answer:
    return Answer([], 0) if row is None else Answer([row], row.version)
