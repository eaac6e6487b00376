"""A small shop on one clock: the whole system, what tests tell it, and what they see of it."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import msgspec
import pykka
import pytest

from actors import topology
from actors.consuming.positions import Positions
from actors.messages import Accepted, Committed, OrderLine, PlaceOrder, Record, Resubscribe
from actors.policy import ConsumerPolicy, Policy
from actors.querying.reading import Reader
from actors.runtime.gated import GatedStore
from actors.runtime.rules import Rank, StoreCall, Treatment
from actors.runtime.supervision import SupervisedRuntime
from actors.stores.opening import close_all, open_stores
from actors.stores.port import Store, StoreUnavailable
from actors.system import Catalogue, seed, start
from actors.tables import (
    APPLIED,
    APPLIED_AHEAD,
    CHECKPOINTS,
    INVENTORY,
    KNOWN_PRODUCTS,
    ORDER_ITEMS,
    ORDERS,
    PRODUCTS,
    SUMMARIES,
    TABLES_OF_SERVICE,
    InventoryRow,
    KnownProductRow,
    ProductRow,
    SummaryRow,
)
from actors.topology import consumers, node_of
from scenarios.distributions import Distribution
from scenarios.faults import BEGIN, End
from scenarios.names import LINKS, matching
from scenarios.randomness import Streams
from scenarios.scenario import Fault
from simulation.runtime import VirtualRuntime

CATALOGUE = Catalogue(names=("Lamp", "Table", "Chair"), prices_minor=(1999, 24900, 7450), stock=100)
LAMP, TABLE, CHAIR = 1, 2, 3
NAMES = {LAMP: "Lamp", TABLE: "Table", CHAIR: "Chair"}

ANN, BOB = 7, 8
"""Two customers."""

EVERYWHERE = pytest.mark.parametrize("clock", ["virtual", "live", "live on sqlite"], indirect=True)
"""Holds a law on real files too."""

PATIENCE_S = 8.0
STEP_S = 0.004


class WritesFail:
    """Fails the writes to a store, not the reads."""

    rank = Rank.REFUSING

    def on_call(self, store: str, call: StoreCall) -> Treatment | None:
        if call.operation == "read":
            return None
        return Treatment(StoreUnavailable(f"store:{store} takes no writes"))


class Shop:
    """The system as a test sees it; `stores` are the bare ones, which no fault touches."""

    def __init__(self, runtime: SupervisedRuntime, stores: Mapping[str, Store], policy: Policy) -> None:
        self.runtime = runtime
        self.stores = stores
        self.policy = policy
        self._gated = {name: GatedStore(store, runtime.gate(node_of(name))) for name, store in stores.items()}
        self.positions = Positions()
        self.reader = Reader(runtime, self._gated, policy, self.positions)

    def open(self) -> None:
        """Start every actor."""
        start(self.runtime, self._gated, self.policy, self.positions)

    def wrap(self, name: str, wrapper: Callable[[Store], Any]) -> None:
        """Let what `wrapper` makes of a service's store take its place; only before any actor lives."""
        self._gated[name] = wrapper(self._gated[name])

    # -- telling it things -----------------------------------------------------------------------------

    def ask(self, name: str, command: Any) -> Any:
        return self.runtime.ask(name, command, timeout=PATIENCE_S)

    def place(self, customer_id: int, lines: Mapping[int, int], address: str = "") -> Any:
        """The answer to an order of so many units of each product."""
        return self.ask("orders", order(customer_id, lines, address))

    def placed(self, customer_id: int, lines: Mapping[int, int]) -> int:
        """The id of an order that is accepted."""
        answer = self.place(customer_id, lines)
        assert isinstance(answer, Accepted), answer
        return answer.id

    def until(self, holds: Callable[[], object]) -> None:
        """Let time pass until it holds."""
        deadline = self.runtime.now() + PATIENCE_S
        while not holds():
            assert self.runtime.now() < deadline, "it never came to hold"
            self.runtime.sleep(STEP_S)

    def until_subscribed(self) -> None:
        """Let time pass until every relay knows where its consumers are: from then on commits wake it."""
        for name, sources in consumers(self.policy).items():
            self.ask(name, Resubscribe(sources[0], 0))  # asks for nothing; answered once it has started
        for source in topology.SOURCES:
            self.ask(f"relay/{source}", Committed(0))  # says nothing; answered after all subscriptions

    def until_followed(self, *names: str) -> None:
        """Let time pass until these consumers (none: all) have applied every event there is."""
        heads = None
        while heads != (heads := [store.head() for store in self.stores.values()]):
            self.until(lambda: self.followed(*names))
            for name, sources in consumers(self.policy).items():
                if not names or name in names:
                    # Asks for nothing, and is answered once the event in hand, maybe claimed, is recorded.
                    self.ask(name, Resubscribe(sources[0], 0))

    def followed(self, *names: str) -> bool:
        return all(
            self.applied_up_to(name, source) >= self.stores[source].head()
            for name, sources in consumers(self.policy).items()
            if not names or name in names
            for source in sources
        )

    # -- breaking it -----------------------------------------------------------------------------------

    def begin(self, kind: str, target: str, **fields: Any) -> End:
        """Begin a fault as a scenario does; what is returned ends it."""
        fault = Fault(kind=kind, on=target, at=0.0, **fields)
        return BEGIN[kind](fault, target, self.runtime, Streams(0).stream("fault"))

    def schedule(self, kind: str, target: str, at: float, length: float) -> None:
        """Let a fault begin `at` seconds from now and last so long."""
        self.runtime.after(at, lambda: self.runtime.after(length, self.begin(kind, target)))

    @contextlib.contextmanager
    def failing(self, kind: str, target: str, **fields: Any) -> Iterator[None]:
        end = self.begin(kind, target, **fields)
        yield
        end()

    def cut(self, link: str) -> AbstractContextManager[None]:
        return self.failing("cut", link)

    def down(self, node: str) -> AbstractContextManager[None]:
        return self.failing("crash", node)

    def paused(self, node: str) -> AbstractContextManager[None]:
        return self.failing("pause", node)

    def unavailable(self, store: str) -> AbstractContextManager[None]:
        return self.failing("unavailable", f"store:{store}")

    @contextlib.contextmanager
    def refusing_writes(self, store: str) -> Iterator[None]:
        remove = self.runtime.add_store_rule(store, WritesFail())
        yield
        remove()

    # -- looking at it ---------------------------------------------------------------------------------

    def log(self, source: str, after: int = 0) -> list[Record]:
        return self.stores[source].read_log(after, 1_000_000)

    def applied_up_to(self, consumer: str, source: str) -> int:
        """The position up to which a consumer's own store says that everything is applied."""
        policy = self.policy.of(consumer)
        table: Any = CHECKPOINTS if policy.checkpoint == "with" else APPLIED
        row = self.stores[consumer].get(table, (consumer, source))
        if row is None or policy.checkpoint != "with":
            seeded = self.stores[consumer].get(CHECKPOINTS, (consumer, source))
            return max(row.position if row else 0, seeded.position if seeded else 0)
        return int(row.position)

    def checkpoint(self, consumer: str, source: str) -> int:
        row = self.stores[consumer].get(CHECKPOINTS, (consumer, source))
        return row.position if row else 0

    def summaries(self) -> list[SummaryRow]:
        return list(self.stores["summary"].scan(SUMMARIES))

    def summarised(self) -> list[int]:
        """The ids of the orders in the read model, ascending; an id twice if there are two rows."""
        return [row.order_id for row in self.summaries()]

    def ordered(self) -> list[int]:
        """The ids of the orders that the order service has, ascending."""
        return [row.order_id for row in self.stores["orders"].scan(ORDERS)]

    def inventory(self, product_id: int) -> InventoryRow | None:
        return self.stores["inventory"].get(INVENTORY, (product_id,))

    def product(self, product_id: int) -> ProductRow | None:
        return self.stores["products"].get(PRODUCTS, (product_id,))

    def known(self, product_id: int) -> KnownProductRow | None:
        return self.stores["orders"].get(KNOWN_PRODUCTS, (product_id,))

    def units_ordered(self, product_id: int) -> int:
        items = self.stores["orders"].scan(ORDER_ITEMS)
        return sum(item.quantity for item in items if item.product_id == product_id)

    def rows(self) -> dict[str, list[Any]]:
        """Every row and every logged event, without the instants in them, by service and table."""
        found: dict[str, list[Any]] = {}
        for service, tables in TABLES_OF_SERVICE.items():
            for table in tables:
                found[f"{service}.{table.name}"] = [timeless(row) for row in self.stores[service].scan(table)]
            found[f"{service}.log"] = [
                msgspec.structs.replace(record, recorded_at=0.0, event=timeless(record.event))
                for record in self.log(service)
            ]
        return found

    def handled(self, consumer: str, source: str, outcome: str = "applied") -> list[tuple[int, float]]:
        """The positions and instants of the handlings with this outcome, in their order."""
        trace = self.runtime.recorder
        consumer_id, source_id, outcome_id = map(trace.intern, (consumer, source, outcome))
        columns = (trace.column("applied", name) for name in ("consumer", "source", "outcome", "position"))
        rows = zip(*columns, trace.column("applied", "applied_s"), strict=True)
        return [
            (int(position), at)
            for who, whose, how, position, at in rows
            if (who, whose, how) == (consumer_id, source_id, outcome_id)
        ]

    def committed_s(self, source: str) -> dict[int, float]:
        """When each event of a log was committed, by position."""
        trace = self.runtime.recorder
        columns = (trace.column("events", name) for name in ("source", "position", "committed_s"))
        rows = zip(*columns, strict=True)
        return {int(position): at for whose, position, at in rows if whose == trace.intern(source)}


def assert_consistent(shop: Shop) -> None:
    """Every view says what the command side says: nothing lost, doubled, or applied out of order."""
    assert shop.summarised() == shop.ordered()
    orders = {order.order_id: order for order in shop.stores["orders"].scan(ORDERS)}
    for row in shop.summaries():
        assert (row.customer_id, row.total_minor) == (
            orders[row.order_id].customer_id,
            orders[row.order_id].total_minor,
        )
    for product_id in NAMES:
        stock = shop.inventory(product_id)
        product, known = shop.product(product_id), shop.known(product_id)
        assert stock is not None
        assert product is not None
        assert known is not None
        assert stock.available == CATALOGUE.stock - shop.units_ordered(product_id)
        assert product.available == stock.available
        if shop.policy.stock == "view":
            assert known.available == stock.available
    for name, sources in consumers(shop.policy).items():
        assert not list(shop.stores[name].scan(APPLIED_AHEAD))
        for source in sources:
            positions = [position for position, _ in shop.handled(name, source)]
            assert all(earlier < later for earlier, later in pairwise(positions)), (name, source)


def order(customer_id: int, lines: Mapping[int, int], address: str = "") -> PlaceOrder:
    return PlaceOrder(customer_id, tuple(OrderLine(*line) for line in lines.items()), address)


def timeless(thing: Any) -> Any:
    return msgspec.structs.replace(thing, placed_at=0.0) if hasattr(thing, "placed_at") else thing


def policy(**keys: Any) -> Policy:
    """A policy from keys of its own and of `ConsumerPolicy`, as a scenario file mixes them.

    Dead actors come back, and lost deliveries are repeated, soon enough for a test on the wall clock.
    """
    system = {key: keys.pop(key) for key in list(keys) if key in Policy.__slots__ and key != "consumer"}
    consumer = ConsumerPolicy(**{"restart": 0.05, **keys})
    return Policy(**{"redeliver": 0.01, "consumer": consumer, **system})


def what_is_left() -> list[str]:
    """The actors that are registered, and the threads of live runtimes and servers that run."""
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("cqrs-lab ")]
    return [*map(str, pykka.ActorRegistry.get_all()), *threads]


@contextlib.contextmanager
def running(
    runtime: SupervisedRuntime,
    rules: Policy,
    *,
    url: str = "memory://",
    catalogue: Catalogue | None = CATALOGUE,
    before: Callable[[Shop], object] = lambda _: None,
) -> Iterator[Shop]:
    """The shop on this runtime, without a catalogue as it was left before in the same place.

    `before` is done to it when its stores are filled but no actor lives yet.
    """
    stores = open_stores(url, topology.stores(rules))
    try:
        with runtime:
            shop = Shop(runtime, stores, rules)
            if catalogue is not None:
                seed(stores, catalogue, runtime.now())
            before(shop)
            shop.open()
            yield shop
    finally:
        close_all(stores)
    assert what_is_left() == [], "a closed runtime leaves nothing behind"


def virtual_shop(
    rules: Policy,
    *,
    times: Mapping[str, Distribution] | None = None,
    delays: Mapping[str, Distribution] | None = None,
    fifo: bool = True,
    draw: int = 0,
    catalogue: Catalogue = CATALOGUE,
    before: Callable[[Shop], object] = lambda _: None,
) -> AbstractContextManager[Shop]:
    """The shop in virtual time, where things take as long as `times` and `delays` say."""
    of_links = {link: delay for on, delay in (delays or {}).items() for link in matching(on, LINKS)}
    runtime = VirtualRuntime(streams=Streams(draw), times=times, delays=of_links, fifo=fifo)
    return running(runtime, rules, catalogue=catalogue, before=before)
