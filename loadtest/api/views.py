"""The views: answers queries behind an event loop, and says which positions each answer reflects.

It is the reader (`actors.querying.reading`) for a loop. The queries and the meaning of the policy `read` are
the same; what differs is how it waits: a reader whose view has not reached its token yet costs a call that
the consumer makes when it does, and no thread.

A query to a file or to memory is made in the loop: it takes some 10 µs and no writer holds it up, less than
handing it to a thread costs. A query to a server over a connection, or through a gate at which a fault
stands, may take any time and gets a thread. Those to a server that ask the same for different keys go there
together.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from actors.querying import queries
from actors.stores.port import StoreError, StoreUnavailable
from actors.tables import CART_ITEMS, CATALOG, KNOWN_PRODUCTS, ORDER_ITEMS, ORDERS
from actors.topology import consumers, replicas
from loadtest.api.gathering import Gathering
from loadtest.system.bridge import NoAnswer
from loadtest.system.daemons import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from actors.stores.port import Store
    from actors.tables import CatalogRow, OrderItemRow, OrderRow
    from loadtest.system.livesystem import LiveSystem

T = TypeVar("T")

READ_TIMEOUT_S: Final = 5.0
"""A store that does not answer a query for so long counts as unavailable."""

LOOK_TIMEOUT_S: Final = 2.0
"""A store that does not answer who only looks whether it does for so long counts as silent."""

READING_THREADS: Final = 8
CART_LINES_MAX: Final = 1_000


class Reflected(msgspec.Struct, frozen=True):
    """Rows, the positions that they reflect, and for how long (s) those have not been the logs' heads.

    `version` is that of the key that was asked for (−1: it has none). `stale` says whether the reader's token
    was missed; None if it gave none. `waited_s` is how long (s) the reader was ready to wait for it, as it
    has preferred; None if it had nothing to wait for, or no preference. `asked_s` is an instant of which the
    answer misses nothing: the last before the store was asked.
    """

    rows: list[Any]
    version: int
    positions: dict[str, int]
    age_s: float
    stale: bool | None = None
    waited_s: float | None = None
    asked_s: float = math.nan


How = tuple[dict[str, int], float, bool | None, float | None, float]
"""The fields of `Reflected` after its version."""


class Question(NamedTuple):
    """A query for a key, and the same for several that differ, if they can be asked together."""

    one: Callable[[Store, int], Any]
    several: Callable[[Store, Sequence[int]], list[Any]] | None = None


_STOCK: Final = Question(queries.stock, queries.stocks)
_PRODUCT: Final = Question(queries.product, queries.several_products)


@cache
def _newest_orders(limit: int, *, counts: bool) -> Question:
    return Question(
        partial(queries.history, limit=limit, counts=counts),
        partial(queries.newest_histories, limit=limit, counts=counts),
    )


class OrderOnCommandSide(NamedTuple):
    """An order as the order service has it: its items, and the names that it knows for them."""

    order: OrderRow
    items: list[OrderItemRow]
    names: list[str]


class Views:
    """Answers queries in a loop. Each method raises a StoreError if the store does not answer."""

    def __init__(self, system: LiveSystem) -> None:
        policy = system.policy
        self._system = system
        self._waits = policy.read == "wait"
        self._timeout_s = policy.read_timeout
        self._history = "orders" if policy.read == "write-side" else "summary"
        self._follows = consumers(policy)
        self._copies = {view: replicas(policy, view) for view in ("summary", "products", "inventory")}
        self._draw = system.runtime.random("read/replica")
        self._threads = DaemonThreads(READING_THREADS, "api read")
        self._lookouts = DaemonThreads(len(system.stores), "api look")
        self._gatherings: dict[tuple[str, Question], Gathering[Any]] = {}
        self._arrivals: dict[tuple[str, str, int], asyncio.Future[None]] = {}
        self._is_ending = False

    # -- queries ---------------------------------------------------------------------------------------

    async def history(
        self, customer_id: int, token: Mapping[str, int], wait_s: float | None, before: int | None, limit: int
    ) -> Reflected:
        """The customer's orders, newest first, below order id `before`, at most `limit`.

        How many there are (the `version`) is for the record only.
        """
        counts = self._system.observer.keeps
        if self._history == "orders":
            query = partial(
                queries.placed_history, customer_id=customer_id, before=before, limit=limit, counts=counts
            )
            heads = {"orders": self._system.observer.heads["orders"]}
            now_s = self._system.runtime.now()
            found = await self.ask("orders", query)
            stale = _lacks(heads, token)
            return Reflected(found.orders, found.version, heads, 0.0, stale, asked_s=now_s)
        if before is None:
            question = _newest_orders(limit, counts=counts)
        else:
            question = Question(partial(queries.history, before=before, limit=limit, counts=counts))
        found, how = await self._view(self._one_of("summary"), question, customer_id, token, wait_s)
        return Reflected(found.orders, found.version, *how)

    async def stock(self, product_id: int, token: Mapping[str, int], wait_s: float | None) -> Reflected:
        """The product's stock, one row or none; its version counts the orders that reached it."""
        return _one(*await self._view("inventory", _STOCK, product_id, token, wait_s))

    async def has_stock(self, product_id: int) -> bool:
        """Whether the inventory has ever had any units of the product."""
        return await self.ask("inventory", partial(queries.stock, product_id=product_id)) is not None

    async def product(self, product_id: int, token: Mapping[str, int], wait_s: float | None) -> Reflected:
        """The product, one row or none."""
        return _one(*await self._view(self._one_of("products"), _PRODUCT, product_id, token, wait_s))

    async def products(
        self, first: int, limit: int, token: Mapping[str, int], wait_s: float | None
    ) -> Reflected:
        """The products with ids from `first` to `first + limit − 1` that the view has."""
        question = Question(partial(queries.products, limit=limit))
        found, how = await self._view(self._one_of("products"), question, first, token, wait_s)
        return Reflected(found, -1, *how)

    # -- the command side ------------------------------------------------------------------------------

    async def order(self, order_id: int) -> OrderOnCommandSide | None:
        """The order, as the order service has it."""
        return await self.ask("orders", partial(_order, order_id=order_id))

    async def catalogued(self, product_id: int) -> CatalogRow | None:
        """The product, as the catalogue has it."""
        return await self.ask("catalog", lambda store: store.get(CATALOG, (product_id,)))

    async def cart(self, customer_id: int) -> list[Any]:
        """The rows of the customer's cart, by product."""
        rows = await self.ask(
            "carts", lambda store: store.page(CART_ITEMS, customer_id, limit=CART_LINES_MAX)
        )
        return rows[::-1]

    def head(self, source: str) -> int:
        """The position of the newest event of a log."""
        return self._system.observer.heads[source]

    # -- asking ----------------------------------------------------------------------------------------

    async def ask(self, name: str, query: Callable[[Store], T]) -> T:
        """What the query says of the named store."""
        if self._is_at_hand(name):
            return query(self._system.bare[name])
        return await self.in_thread(partial(query, self._system.stores[name]))

    def _is_at_hand(self, name: str) -> bool:
        """Whether the named store answers at once."""
        return self._system.is_local and not self._system.gates[name].is_faulty

    async def in_thread(self, call: Callable[[], T]) -> T:
        """What the call returns; it may wait, but not for ever."""
        return await self._in_time(self._threads, call, READ_TIMEOUT_S)

    async def look(self, calls: Iterable[Callable[[], T]]) -> list[T | None]:
        """What each call says, one for a store at most; None of those that fail, or take too long.

        No reader who waits for a store keeps them from looking.
        """

        async def one(call: Callable[[], T]) -> T | None:
            try:
                return await self._in_time(self._lookouts, call, LOOK_TIMEOUT_S)
            except StoreError:
                return None

        return await asyncio.gather(*map(one, calls))

    async def _in_time(self, threads: DaemonThreads, call: Callable[[], T], timeout_s: float) -> T:
        try:
            return await self._system.runtime.call(threads, call, timeout_s)
        except NoAnswer as error:
            raise StoreUnavailable(
                f"a store has not answered a query within {timeout_s:g} s; ask again later"
            ) from error

    async def _view(
        self, copy: str, question: Question, key: int, token: Mapping[str, int], wait_s: float | None
    ) -> tuple[Any, How]:
        """What the question says of a view that has reached the token, or does not in time."""
        waits = False
        if token and self._waits:
            wanted = {source: token[source] for source in self._follows[copy] if source in token}
            waits = bool(wanted)
            await self._reach(copy, wanted, self._timeout_s if wait_s is None else wait_s)
        system = self._system
        now_s = system.runtime.now()
        positions, age_s = system.observer.standing(copy, now_s)  # first: what the query sees is as new
        if self._is_at_hand(copy):
            found = question.one(system.bare[copy], key)
        elif question.several is None or system.gates[copy].is_faulty:
            found = await self.in_thread(partial(question.one, system.stores[copy], key))
        else:
            found = await self._together(copy, question).answer(key)
        stale = _lacks(positions, token)
        return found, (positions, age_s, stale, wait_s if waits else None, now_s)

    def _together(self, copy: str, question: Question) -> Gathering[Any]:
        """Where those come together who ask a copy of a view this."""
        place = (copy, question)
        gathering = self._gatherings.get(place)
        if gathering is None:
            system, several = self._system, question.several
            assert several is not None, "only what can be asked for several keys is asked together"

            def ask(keys: Sequence[int]) -> list[Any]:
                # A gate without a fault would have the thread let others go first.
                store = (system.stores if system.gates[copy].is_faulty else system.bare)[copy]
                return several(store, keys)

            gathering = self._gatherings[place] = Gathering(lambda keys: self.in_thread(partial(ask, keys)))
        return gathering

    async def _reach(self, copy: str, wanted: Mapping[str, int], timeout_s: float) -> None:
        """Wait until the view has reached the positions, at most so long.

        Nothing is waited for that no log has: no event has been given that position.
        """
        if self._is_ending:
            return
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        for source, position in wanted.items():
            if self._system.observer.position(copy, source) < position <= self.head(source):
                left_s = deadline_s - asyncio.get_running_loop().time()
                await asyncio.wait([self._arrival(copy, source, position)], timeout=max(0.0, left_s))

    def _arrival(self, copy: str, source: str, position: int) -> asyncio.Future[None]:
        """Done once the view has reached the position; readers with the same token share it."""
        place = (copy, source, position)
        arrival = self._arrivals.get(place)
        if arrival is None:
            loop = asyncio.get_running_loop()
            arrival = self._arrivals[place] = loop.create_future()

            def reached() -> None:  # in the consumer's thread
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self._arrive, place)

            self._system.observer.positions.when_reached(copy, source, position, reached)
        return arrival

    def _arrive(self, place: tuple[str, str, int]) -> None:
        arrival = self._arrivals.pop(place, None)
        if arrival is not None:
            arrival.set_result(None)

    def _one_of(self, view: str) -> str:
        copies = self._copies[view]
        return copies[0] if len(copies) == 1 else copies[int(self._draw() * len(copies))]

    @property
    def waiting(self) -> int:
        """For how many places in the logs some reader waits, or has waited in vain."""
        return len(self._arrivals)

    # -- the end ---------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """Let every reader have its answer now, and none wait from now on; called in the loop."""
        self._is_ending = True
        for place in list(self._arrivals):
            self._arrive(place)

    def close(self) -> None:
        """Make no further query."""
        for threads in (self._threads, self._lookouts):
            threads.shutdown()


def _one(row: Any, how: How) -> Reflected:
    return Reflected([], 0, *how) if row is None else Reflected([row], row.version, *how)


def _lacks(positions: Mapping[str, int], token: Mapping[str, int]) -> bool | None:
    """Whether a view at these positions lacks something of the token; None if that asks for nothing."""
    wanted = [source for source in token if source in positions]
    return any(positions[source] < token[source] for source in wanted) if wanted else None


def _order(store: Store, order_id: int) -> OrderOnCommandSide | None:
    order = store.get(ORDERS, (order_id,))
    if order is None:
        return None
    lines = store.get_many(ORDER_ITEMS, [(order_id, line) for line in range(1, order.lines + 1)])
    items = [item for item in lines if item is not None]
    known = store.get_many(KNOWN_PRODUCTS, [(item.product_id,) for item in items])
    names = [
        str(item.product_id) if product is None else product.name
        for item, product in zip(items, known, strict=True)
    ]
    return OrderOnCommandSide(order, items, names)
