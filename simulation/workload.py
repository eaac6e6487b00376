"""The clients: they place orders, fill carts, read and restock at their appointed instants, on either clock.

Load is open: each request leaves at its instant, whether or not earlier ones are answered; only a `closed`
load waits. Every kind of load draws from streams of its own, and all about a request is drawn when it
arrives, so that nothing that happens in the system, and no fault, moves an arrival.
"""

from __future__ import annotations

import threading
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy.events import NORMAL

from actors.messages import (
    AddToCart,
    AdjustStock,
    CheckOut,
    OrderLine,
    PlaceOrder,
    RenameProduct,
    RepriceProduct,
)
from actors.stores.port import StoreError
from scenarios.arrivals import Closed, Nothing, Open
from scenarios.loads import ActiveLoadRule, LoadRules
from scenarios.names import LOADS
from scenarios.population import Span
from simulation.ledger import Ledger, Sent
from simulation.process import Call
from simulation.runtime import VirtualRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.messages import Accepted, Command
    from actors.reading import Answer, Reader
    from actors.runtime import Runtime
    from scenarios.arrivals import Arrivals as Load
    from scenarios.loads import LoadRule
    from scenarios.randomness import Streams
    from scenarios.scenario import Scenario
    from simulation.ledger import Then

CART_ADDS_MAX = 3
RESTOCK_MAX = 10
PRICE_MINOR_MIN, PRICE_MINOR_MAX = 100, 10_000
CATALOGUE_PAGE_SHARE = 0.5
"""The share of `browse` reads that ask for a page of the catalogue rather than for one product."""


class Arrivals:
    """Calls `act` at each of the instants of virtual time, by one call that is scheduled again and again."""

    def __init__(self, runtime: VirtualRuntime, instants: Iterator[float], act: Callable[[], object]) -> None:
        self._env = runtime.env
        self._schedule: Callable[[Any, Any, float], None] = runtime.env.schedule
        self._instants = instants
        self._act = act
        self._callbacks: list[Callable[[Any], Any]] = [self._arrive]
        self._call = Call([])
        self._following()

    def _arrive(self, _event: object) -> None:
        self._act()
        self._following()

    def _following(self) -> None:
        instant = next(self._instants, None)
        if instant is not None:
            call = self._call
            call.callbacks = self._callbacks
            self._schedule(call, NORMAL, instant - self._env.now)


def call_at_each(runtime: Runtime, instants: Iterator[float], act: Callable[[], object]) -> None:
    """Let `act` be called at each of the instants on the runtime's clock."""
    if isinstance(runtime, VirtualRuntime):
        Arrivals(runtime, instants, act)
        return

    def arrive() -> None:
        act()
        following()

    def following() -> None:
        instant = next(instants, None)
        if instant is not None:
            runtime.call_at(instant, arrive)

    following()


class Client(NamedTuple):
    """One kind of requests: `draw` makes the next one up, `send` makes it, and calls back when it has ended.

    Everything random is drawn in `draw`.
    """

    draw: Callable[[], Any]
    send: Callable[[Any, Then | None], object]


class Cart(NamedTuple):
    """What a customer puts into the cart, product by product, the last one first, and then checks out."""

    customer_id: int
    items: list[tuple[int, int]]


class Workload:
    """All clients of a scenario. `start` sets them going; `finish` writes down what was never answered.

    To the faults it is the scenario's loads (`scenarios.loads.Loads`).
    """

    def __init__(self, runtime: Runtime, scenario: Scenario, reader: Reader, streams: Streams) -> None:
        self._runtime = runtime
        self._people = scenario.population
        self._reader = reader
        self._streams = streams
        self._end_s = scenario.phases.run
        self._loads: dict[str, Load] = {kind: getattr(scenario.load, kind) for kind in LOADS}
        self._own_read = scenario.load.own_read
        self._rules = {kind: LoadRules(load) for kind, load in self._loads.items()}
        self._copies = 0
        self._intern = runtime.recorder.intern
        self._ledger = Ledger(runtime.recorder, runtime.now, keeps_tokens=scenario.policy.read == "wait")
        self._thinking = threading.Lock()
        self._clients: dict[str, Callable[[str, Streams], Client]] = {
            "orders": self._orders,
            "checkouts": self._checkouts,
            "history": self._history,
            "stock": self._stock,
            "browse": self._browse,
            "restock": self._restock,
            "catalogue": self._catalogue,
        }

    def start(self) -> None:
        """Set every client of the scenario going, from now until the end of the run phase."""
        for kind, load in self._loads.items():
            self._set_going(kind, load, self._streams)

    def finish(self) -> None:
        """Write down the commands that nobody has answered."""
        self._ledger.close()

    def add_load_rule(self, load: str, rule: LoadRule) -> Callable[[], int]:
        """See `scenarios.loads.Loads`."""
        rules, active = self._rules[load], ActiveLoadRule(rule)
        rules.add(active)
        added = rule.added(self._loads[load])
        if added is not None:
            self._copies += 1
            self._set_going(load, added.arrivals, added.streams, active)

        def remove() -> int:
            rules.remove(active)
            return active.hits

        return remove

    # -- arrivals --------------------------------------------------------------------------------------

    def _set_going(
        self, kind: str, load: Load, streams: Streams, surge: ActiveLoadRule | None = None
    ) -> None:
        """Let requests of this kind arrive, those that a surge adds until it ends."""
        if isinstance(load, Nothing):
            return
        client = self._clients[kind](kind, streams)
        rules = self._rules[kind]
        if isinstance(load, Closed):
            self._users(kind, load, client, streams, surge)
            return
        assert isinstance(load, Open), "a load is open, closed or nothing"
        instants = load.instants(
            streams.stream(f"load/{kind}"), self._runtime.now(), self._end_s, (0.0, self._end_s)
        )
        draw, send = client

        def arrive() -> None:
            request = draw()
            if not rules.active or rules.keep(None):
                send(request, None)

        def arrive_besides() -> None:
            assert surge is not None, "these are the requests of a surge"
            request = draw()
            if not surge.ended and rules.keep(None):
                surge.hits += 1
                send(request, None)

        if surge is None:
            call_at_each(self._runtime, instants, arrive)
        else:
            call_at_each(self._runtime, takewhile(lambda _: not surge.ended, instants), arrive_besides)

    def _users(
        self, kind: str, load: Closed, client: Client, streams: Streams, surge: ActiveLoadRule | None
    ) -> None:
        """Each user thinks, makes a request, waits for the answer, and begins again."""
        think = load.think.sampler(streams.stream(f"load/{kind}/think"))
        rules = self._rules[kind]

        def begin(user: int | None) -> None:
            def rest(_accepted: Accepted | None = None) -> None:
                with self._thinking:  # an answer may come on any thread
                    pause_s = think()
                self._runtime.call_at(self._runtime.now() + pause_s, ask)

            def ask() -> None:
                if self._runtime.now() >= self._end_s or (surge is not None and surge.ended):
                    return
                request = client.draw()
                if rules.active and user is not None and not rules.keep(user):
                    rest()
                    return
                if surge is not None:
                    surge.hits += 1
                client.send(request, rest)

            rest()

        for number in range(load.users):
            begin(number if surge is None else None)

    # -- commands --------------------------------------------------------------------------------------

    def _customer(self, kind: str, streams: Streams) -> Callable[[], int]:
        return Span(1, self._people.customers).sampler(streams.stream(f"load/{kind}/customer"))

    def _product(self, kind: str, streams: Streams) -> Callable[[], int]:
        stream = streams.stream(f"load/{kind}/product")
        return self._people.popularity.sampler(stream, self._people.products)

    def _quantity(self, kind: str, streams: Streams) -> Callable[[], int]:
        return self._people.quantity.sampler(streams.stream(f"load/{kind}/quantity"))

    def _orders(self, kind: str, streams: Streams) -> Client:
        customer, product = self._customer(kind, streams), self._product(kind, streams)
        quantity = self._quantity(kind, streams)
        lines = self._people.lines.sampler(streams.stream(f"load/{kind}/lines"))
        products, rules = self._people.products, self._rules[kind]
        request, ledger, kind_id = self._runtime.request, self._ledger, self._intern(kind)

        def draw() -> PlaceOrder:
            wanted: dict[int, int] = {}
            for _ in range(min(lines(), products)):
                number = product()
                if rules.active:
                    number = rules.product(number, wanted)
                while number in wanted:  # an order names a product once: the next one on the shelf instead
                    number = number % products + 1
                wanted[number] = quantity()
            return PlaceOrder(customer(), tuple([OrderLine(n, units) for n, units in wanted.items()]))

        def send(order: PlaceOrder, then: Then | None) -> None:
            request("orders", order).on_done(Sent(ledger, kind_id, order.customer_id, -1, -1, then))

        return self._reading_back(kind, Client(draw, send), streams)

    def _checkouts(self, kind: str, streams: Streams) -> Client:
        customer, product = self._customer(kind, streams), self._product(kind, streams)
        quantity, adds = self._quantity(kind, streams), streams.stream(f"load/{kind}/adds")
        rules, add_id, kind_id = self._rules[kind], self._intern("carts"), self._intern(kind)

        def draw() -> Cart:
            who = customer()
            items: list[tuple[int, int]] = []
            for _ in range(1 + adds.below(CART_ADDS_MAX)):
                number = product()
                if rules.active:
                    number = rules.product(number, [named for named, _ in items])
                items.append((number, quantity()))
            return Cart(who, items)

        def send(cart: Cart, then: Then | None) -> None:
            who, items = cart

            def step(accepted: Accepted | None) -> None:
                if accepted is None:
                    if then is not None:
                        then(None)
                elif items:
                    add()
                else:
                    self._command("carts", CheckOut(who), kind_id, customer=who, then=then)

            def add() -> None:
                number, units = items.pop()
                command = AddToCart(who, number, units)
                self._command(
                    "carts", command, add_id, customer=who, product=number, quantity=units, then=step
                )

            add()

        return self._reading_back(kind, Client(draw, send), streams)

    def _reading_back(self, kind: str, client: Client, streams: Streams) -> Client:
        """The client who, if the scenario wants that, reads the history some time after each order."""
        own = self._own_read
        if isinstance(own, Nothing):
            return client
        think = own.sampler(streams.stream("load/own_read" if kind == "orders" else f"load/own_read/{kind}"))

        def draw() -> tuple[Any, float]:
            return client.draw(), think()

        def send(drawn: tuple[Any, float], then: Then | None) -> None:
            request, think_s = drawn
            who = request.customer_id

            def answered(accepted: Accepted | None) -> None:
                if accepted is not None and accepted.position > 0:
                    self._runtime.call_at(self._runtime.now() + think_s, self._read, "own", who, who, None)
                if then is not None:
                    then(accepted)

            client.send(request, answered)

        return Client(draw, send)

    def _restock(self, kind: str, streams: Streams) -> Client:
        product, units = self._product(kind, streams), streams.stream(f"load/{kind}/units")
        kind_id = self._intern(kind)

        def send(command: AdjustStock, then: Then | None) -> None:
            self._command(
                "inventory", command, kind_id, product=command.product_id, quantity=command.delta, then=then
            )

        return Client(lambda: AdjustStock(product(), 1 + units.below(RESTOCK_MAX)), send)

    def _catalogue(self, kind: str, streams: Streams) -> Client:
        product, choice = self._product(kind, streams), streams.stream(f"load/{kind}/choice")
        kind_id = self._intern(kind)
        # Names that a surge gives are of a series of their own, so that no name is given twice.
        series = f"{self._copies}." if self._copies else ""
        editions: dict[int, int] = {}

        def draw() -> RenameProduct | RepriceProduct:
            number = product()
            if choice.below(2):
                price = PRICE_MINOR_MIN + choice.below(PRICE_MINOR_MAX - PRICE_MINOR_MIN + 1)
                return RepriceProduct(number, price)
            editions[number] = editions.get(number, 1) + 1
            return RenameProduct(number, f"{product_name(number)}, edition {series}{editions[number]}")

        def send(command: RenameProduct | RepriceProduct, then: Then | None) -> None:
            self._command("catalog", command, kind_id, product=command.product_id, then=then)

        return Client(draw, send)

    def _command(
        self,
        target: str,
        command: Command,
        kind: int,
        *,
        customer: int = -1,
        product: int = -1,
        quantity: int = -1,
        then: Then | None = None,
    ) -> None:
        sent = Sent(self._ledger, kind, customer=customer, product=product, quantity=quantity, then=then)
        self._runtime.request(target, command).on_done(sent)

    # -- reads -----------------------------------------------------------------------------------------

    def _history(self, kind: str, streams: Streams) -> Client:
        return Client(self._customer(kind, streams), lambda who, then: self._read(kind, who, who, then))

    def _stock(self, kind: str, streams: Streams) -> Client:
        return Client(self._product(kind, streams), lambda number, then: self._read(kind, -1, number, then))

    def _browse(self, kind: str, streams: Streams) -> Client:
        product, choice = self._product(kind, streams), streams.stream(f"load/{kind}/choice")

        def draw() -> int:
            number = product()
            return -1 if choice.uniform() < CATALOGUE_PAGE_SHARE else number

        return Client(draw, lambda number, then: self._read(kind, -1, number, then))

    def _read(self, kind: str, session: int, key: int, then: Then | None) -> None:
        """Ask the reader; an answer that takes time needs a thread of control of its own."""
        arrived_s = self._runtime.now()
        token = self._ledger.token(session)
        if self._reader.may_wait(kind, token):
            self._runtime.spawn(self._ask, kind, session, key, token, arrived_s, then)
        else:
            self._ask(kind, session, key, token, arrived_s, then)

    def _ask(
        self, kind: str, session: int, key: int, token: int, arrived_s: float, then: Then | None
    ) -> None:
        version, outcome = -1, "ok"
        try:
            answer = self._query(kind, key, token)
        except StoreError:
            outcome = "failed"
        else:
            version = answer.version
            if answer.stale:
                outcome = "stale"
        self._ledger.read(kind, session, key, arrived_s, version, outcome)
        if then is not None:
            then(None)

    def _query(self, kind: str, key: int, token: int) -> Answer:
        """Make the query that a user would; a negative key asks for a page of products."""
        if kind in ("history", "own"):
            return self._reader.history(key, token)
        if kind == "stock":
            return self._reader.stock(key)
        return self._reader.products(1) if key < 0 else self._reader.product(key)


def product_name(number: int) -> str:
    """What product `number` is called at the start."""
    return f"Product {number}"
