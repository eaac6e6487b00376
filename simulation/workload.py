"""The clients in virtual time: they place orders, fill carts, read and restock at their appointed instants.

Load is open: each request leaves at its instant, whether or not earlier ones are answered; only a `closed`
load waits. Every kind of load draws from streams of its own, so that nothing that happens in the system, and
no fault, moves an arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simpy.events import NORMAL

from actors import queries
from actors.messages import (
    Accepted,
    AddToCart,
    AdjustStock,
    CheckOut,
    OrderLine,
    PlaceOrder,
    RenameProduct,
    RepriceProduct,
)
from actors.stores.port import StoreError
from scenarios.arrivals import Closed, Nothing
from simulation.process import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actors.messages import Command
    from actors.runtime import Reply
    from actors.stores.port import Store
    from scenarios.randomness import Streams
    from scenarios.scenario import Scenario
    from simulation.runtime import VirtualRuntime

CART_ADDS_MAX = 3
RESTOCK_MAX = 10
PRICE_MINOR_MIN, PRICE_MINOR_MAX = 100, 10_000
CATALOGUE_PAGE_SHARE = 0.5
"""The share of `browse` reads that ask for a page of the catalogue rather than for one product."""


class Arrivals:
    """Calls `act` at each of the instants."""

    def __init__(self, runtime: VirtualRuntime, instants: Iterator[float], act: Callable[[], object]) -> None:
        self._env = runtime.env
        self._schedule: Callable[[Any, Any, float], None] = runtime.env.schedule
        self._instants = instants
        self._act = act
        self._callbacks: list[Callable[[Any], Any]] = [self._arrive]
        self._call = Call([])
        self._next()

    def _arrive(self, _event: object) -> None:
        self._act()
        self._next()

    def _next(self) -> None:
        for instant in self._instants:
            self._call.callbacks = self._callbacks
            self._schedule(self._call, NORMAL, instant - self._env.now)
            return


class Sent:
    """A command on its way: who sent it and when; called with the answer, it writes the ledger."""

    __slots__ = ("arrived_s", "customer", "kind", "product", "quantity", "then", "workload")

    def __init__(self, workload: Workload, kind: int, customer: int, product: int, quantity: int) -> None:
        self.workload = workload
        self.kind = kind
        self.customer = customer
        self.product = product
        self.quantity = quantity
        self.arrived_s = workload.now()
        self.then: Callable[[bool], object] | None = None

    def __call__(self, reply: Reply) -> None:
        """Take the answer."""
        self.workload.answered(self, reply)


class Workload:
    """All clients of a scenario. `start` sets them going; `finish` writes down what was never answered."""

    def __init__(
        self,
        runtime: VirtualRuntime,
        scenario: Scenario,
        stores: Mapping[str, Store],
        streams: Streams,
    ) -> None:
        self._runtime = runtime
        self._scenario = scenario
        self._stores = stores
        self._streams = streams
        self.now = runtime.now
        self._end_s = scenario.phases.run
        self._under_way: set[Sent] = set()
        recorder = runtime.recorder
        self._intern = recorder.intern
        self._command_row = recorder.row("commands")
        self._read_row = recorder.row("reads")
        self._ok, self._failed = self._intern("ok"), self._intern("failed")
        self._acknowledged, self._rejected = self._intern("acknowledged"), self._intern("rejected")
        self._no_reason = self._intern("")
        own = scenario.load.own_read
        self._own_think = None if isinstance(own, Nothing) else own.sampler(streams.stream("load/own_read"))

    def start(self) -> None:
        """Set every client of the scenario going, from now until the end of the run phase."""
        clients: dict[str, Callable[[str], Callable[[], object]]] = {
            "orders": self._orders,
            "checkouts": self._checkouts,
            "history": self._history,
            "stock": self._stock,
            "browse": self._browse,
            "restock": self._restock,
            "catalogue": self._catalogue,
        }
        for kind, make in clients.items():
            load = getattr(self._scenario.load, kind)
            if isinstance(load, Nothing):
                continue
            if isinstance(load, Closed):
                self._closed(load)
                continue
            stream = self._streams.stream(f"load/{kind}")
            instants = load.instants(stream, self.now(), self._end_s, (0.0, self._end_s))
            Arrivals(self._runtime, instants, make(kind))

    def finish(self) -> None:
        """Write down the commands that nobody has answered."""
        unanswered = self._intern("unanswered")
        for sent in sorted(self._under_way, key=lambda s: (s.arrived_s, s.kind, s.customer)):
            self._write(sent, -1, -1, float("nan"), unanswered, self._no_reason)
        self._under_way.clear()

    # -- commands --------------------------------------------------------------------------------------

    def _draws(
        self, kind: str
    ) -> tuple[Callable[[], int], Callable[[], int], Callable[[], int], Callable[[], int]]:
        """Draws of a customer, a product, a number of lines and a quantity, for one kind of load."""
        people = self._scenario.population
        stream = self._streams.stream
        customers = stream(f"load/{kind}/customer")
        return (
            lambda: 1 + customers.below(people.customers),
            people.popularity.sampler(stream(f"load/{kind}/product"), people.products),
            people.lines.sampler(stream(f"load/{kind}/lines")),
            people.quantity.sampler(stream(f"load/{kind}/quantity")),
        )

    def _order_maker(self, kind: str) -> Callable[[], PlaceOrder]:
        customer, product, lines, quantity = self._draws(kind)
        products = self._scenario.population.products

        def order() -> PlaceOrder:
            wanted: dict[int, int] = {}
            for _ in range(min(lines(), products)):
                number = product()
                while number in wanted:  # an order names a product once: the next one on the shelf instead
                    number = number % products + 1
                wanted[number] = quantity()
            return PlaceOrder(customer(), tuple(OrderLine(n, units) for n, units in wanted.items()))

        return order

    def _orders(self, kind: str) -> Callable[[], object]:
        order, kind_id = self._order_maker(kind), self._intern(kind)

        def place() -> None:
            command = order()
            self._command("orders", command, Sent(self, kind_id, command.customer_id, -1, -1))

        return place

    def _closed(self, load: Closed) -> None:
        """Each user thinks, places an order, waits for the answer, and begins again."""
        order, kind_id = self._order_maker("orders"), self._intern("orders")
        think = load.think.sampler(self._streams.stream("load/orders/think"))

        def rest(_accepted: bool = True) -> None:
            self._runtime.after(think(), place)

        def place() -> None:
            if self.now() < self._end_s:
                command = order()
                sent = Sent(self, kind_id, command.customer_id, -1, -1)
                sent.then = rest
                self._command("orders", command, sent)

        for _ in range(load.users):
            rest()

    def _checkouts(self, kind: str) -> Callable[[], object]:
        customer, product, _, quantity = self._draws(kind)
        adds = self._streams.stream(f"load/{kind}/adds")
        add_id, kind_id = self._intern("carts"), self._intern(kind)

        def shop() -> None:
            who = customer()
            items = [(product(), quantity()) for _ in range(1 + adds.below(CART_ADDS_MAX))]

            def step(accepted: bool) -> None:
                if not accepted:
                    return
                if items:
                    number, units = items.pop()
                    sent = Sent(self, add_id, who, number, units)
                    sent.then = step
                    self._command("carts", AddToCart(who, number, units), sent)
                else:
                    self._command("carts", CheckOut(who), Sent(self, kind_id, who, -1, -1))

            step(True)

        return shop

    def _restock(self, kind: str) -> Callable[[], object]:
        _, product, _, _ = self._draws(kind)
        units, kind_id = self._streams.stream(f"load/{kind}/units"), self._intern(kind)

        def adjust() -> None:
            number, delta = product(), 1 + units.below(RESTOCK_MAX)
            self._command("inventory", AdjustStock(number, delta), Sent(self, kind_id, -1, number, delta))

        return adjust

    def _catalogue(self, kind: str) -> Callable[[], object]:
        _, product, _, _ = self._draws(kind)
        choice, kind_id = self._streams.stream(f"load/{kind}/choice"), self._intern(kind)
        editions: dict[int, int] = {}

        def change() -> None:
            number = product()
            command: Command
            if choice.below(2):
                price = PRICE_MINOR_MIN + choice.below(PRICE_MINOR_MAX - PRICE_MINOR_MIN + 1)
                command = RepriceProduct(number, price)
            else:
                editions[number] = editions.get(number, 1) + 1
                command = RenameProduct(number, f"{product_name(number)}, edition {editions[number]}")
            self._command("catalog", command, Sent(self, kind_id, -1, number, -1))

        return change

    def _command(self, target: str, command: Command, sent: Sent) -> None:
        self._under_way.add(sent)
        self._runtime.request(target, command).on_done(sent)

    def answered(self, sent: Sent, reply: Reply) -> None:
        """Write an answer into the ledger, and let the client go on."""
        self._under_way.discard(sent)
        now = self.now()
        accepted = False
        try:
            answer = reply.get()
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the client sees a failure
            self._write(sent, -1, -1, now, self._failed, self._intern(type(error).__name__))
        else:
            accepted = isinstance(answer, Accepted)
            if accepted:
                places = answer.position > 0 and sent.customer > 0
                order_id = answer.id if places else -1
                self._write(sent, order_id, answer.position, now, self._acknowledged, self._no_reason)
                if places and self._own_think is not None:
                    when = now + self._own_think()
                    self._runtime.call_at(when, self._read, "own", sent.customer, sent.customer)
            else:
                self._write(sent, -1, -1, now, self._rejected, self._intern(answer.reason))
        if sent.then is not None:
            sent.then(accepted)

    def _write(
        self, sent: Sent, order_id: int, position: int, answered_s: float, outcome: int, reason: int
    ) -> None:
        self._command_row(
            sent.kind,
            sent.customer,
            order_id,
            position,
            sent.arrived_s,
            answered_s,
            outcome,
            reason,
            sent.product,
            sent.quantity,
        )

    # -- reads -----------------------------------------------------------------------------------------

    def _history(self, kind: str) -> Callable[[], object]:
        customer, _, _, _ = self._draws(kind)

        def read() -> None:
            who = customer()
            self._read("history", who, who)

        return read

    def _stock(self, kind: str) -> Callable[[], object]:
        _, product, _, _ = self._draws(kind)
        return lambda: self._read("stock", -1, product())

    def _browse(self, kind: str) -> Callable[[], object]:
        _, product, _, _ = self._draws(kind)
        choice = self._streams.stream(f"load/{kind}/choice")

        def read() -> None:
            number = product()
            self._read("browse", -1, -1 if choice.uniform() < CATALOGUE_PAGE_SHARE else number)

        return read

    def _read(self, kind: str, session: int, key: int) -> None:
        """Ask the view that answers this kind of read; a call that takes time needs a thread of its own."""
        arrived_s = self.now()
        service = VIEW_OF_READ[kind]
        if self._runtime.gate(service).active:
            self._runtime.spawn(self._ask, kind, session, key, arrived_s)
        else:
            self._ask(kind, session, key, arrived_s)

    def _ask(self, kind: str, session: int, key: int, arrived_s: float) -> None:
        seen, outcome = -1, self._ok
        try:
            seen = _version_seen(kind, self._stores[VIEW_OF_READ[kind]], key)
        except StoreError:
            outcome = self._failed
        self._read_row(self._intern(kind), session, key, arrived_s, self.now(), seen, outcome)


VIEW_OF_READ = {"history": "summary", "own": "summary", "stock": "inventory", "browse": "products"}
"""Whose store answers each kind of read."""


def _version_seen(kind: str, store: Store, key: int) -> int:
    """Make the query that a user would, and return which version of its key the answer reflects."""
    if kind in ("history", "own"):
        return queries.history(store, key).version
    row: Any
    if kind == "stock":
        row = queries.stock(store, key)
        return row.version if row is not None else 0
    if key < 0:
        queries.products(store, 1)
        return -1
    row = queries.product(store, key)
    return row.version if row is not None else 0


def product_name(number: int) -> str:
    """What product `number` is called at the start."""
    return f"Product {number}"
