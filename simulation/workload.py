"""The clients: they place orders, fill carts, read and restock at their appointed instants, on either clock.

Load is open: each request leaves at its instant, whether or not earlier ones are answered; only a `closed`
load waits. Every kind of load draws from streams of its own, and all about a request is drawn when it
arrives, so that nothing that happens in the system, and no fault, moves an arrival.
"""

from __future__ import annotations

import threading
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from actors.messages import AddToCart, CheckOut
from actors.stores.port import StoreError
from scenarios.arrivals import Closed, Nothing, Open
from scenarios.loads import ActiveLoadRule, LoadRules
from scenarios.names import LOADS
from scenarios.requests import Requests
from simulation.clock import Call
from simulation.ledger import Ledger, Sent
from simulation.runtime import VirtualRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.messages import (
        Accepted,
        AdjustStock,
        Command,
        PlaceOrder,
        RenameProduct,
        RepriceProduct,
    )
    from actors.querying.reading import Answer, Reader
    from actors.runtime.port import Runtime
    from scenarios.arrivals import Arrivals as Load
    from scenarios.loads import LoadRule
    from scenarios.randomness import Streams
    from scenarios.requests import Cart
    from scenarios.scenario import Scenario
    from simulation.ledger import Then


class Arrivals:
    """Calls `act` at each of the instants of virtual time, by one call that is scheduled again and again."""

    def __init__(self, runtime: VirtualRuntime, instants: Iterator[float], act: Callable[[], object]) -> None:
        self._clock = runtime.env
        self._instants = instants
        self._act = act
        self._on_arrival: Callable[[], object] = self._arrive
        self._call = Call()
        self._following()

    def _arrive(self) -> None:
        act = self._act
        act()
        self._following()

    def _following(self) -> None:
        instant = next(self._instants, None)
        if instant is not None:
            call = self._call
            call.act = self._on_arrival
            self._clock.call_in(instant - self._clock.now_s, call)


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
    """A kind of requests: `draw` makes the next one up; `send` makes it and calls back when it has ended."""

    draw: Callable[[], Any]
    send: Callable[[Any, Then | None], object]


class Workload:
    """All clients of a scenario. `start` sets them going; `finish` writes down what was never answered.

    To the faults it is the scenario's loads (`scenarios.loads.Loads`).
    """

    def __init__(self, runtime: Runtime, scenario: Scenario, reader: Reader, streams: Streams) -> None:
        self._runtime = runtime
        self._reader = reader
        self._streams = streams
        self._end_s = scenario.phases.run
        self._loads: dict[str, Load] = {kind: getattr(scenario.load, kind) for kind in LOADS}
        self._own_read = scenario.load.own_read
        self._rules = {kind: LoadRules(load) for kind, load in self._loads.items()}
        self._requests = Requests(scenario.population, self._rules, self._own_read)
        self._copies = 0
        self._intern = runtime.recorder.intern
        self._ledger = Ledger(runtime.recorder, runtime.now, keeps_tokens=scenario.policy.read == "wait")
        self._thinking = threading.Lock()
        self._clients: dict[str, Callable[[str, Callable[[], Any]], Client]] = {
            "orders": self._orders,
            "checkouts": self._checkouts,
            "history": self._history,
            "stock": self._lookups,
            "browse": self._lookups,
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
        # Names that a surge gives are of a series of their own, so that no name is given twice.
        series = f"{self._copies}." if self._copies else ""
        client = self._clients[kind](kind, self._requests.draws(kind, streams, series))
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

    def _orders(self, kind: str, draw: Callable[[], Any]) -> Client:
        request, ledger, kind_id = self._runtime.request, self._ledger, self._intern(kind)

        def send(order: PlaceOrder, then: Then | None) -> None:
            request("orders", order).on_done(Sent(ledger, kind_id, order.customer_id, -1, -1, then))

        return self._reading_back(Client(draw, send))

    def _checkouts(self, kind: str, draw: Callable[[], Any]) -> Client:
        add_id, kind_id = self._intern("carts"), self._intern(kind)

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

        return self._reading_back(Client(draw, send))

    def _reading_back(self, client: Client) -> Client:
        """The client who, if the scenario wants that, reads the history some time after each order."""
        if isinstance(self._own_read, Nothing):
            return client

        def send(drawn: tuple[Any, float], then: Then | None) -> None:
            request, think_s = drawn
            who = request.customer_id

            def answered(accepted: Accepted | None) -> None:
                if accepted is not None and accepted.position > 0:
                    self._runtime.call_at(self._runtime.now() + think_s, self._read, "own", who, who, None)
                if then is not None:
                    then(accepted)

            client.send(request, answered)

        return Client(client.draw, send)

    def _restock(self, kind: str, draw: Callable[[], Any]) -> Client:
        kind_id = self._intern(kind)

        def send(command: AdjustStock, then: Then | None) -> None:
            self._command(
                "inventory", command, kind_id, product=command.product_id, quantity=command.delta, then=then
            )

        return Client(draw, send)

    def _catalogue(self, kind: str, draw: Callable[[], Any]) -> Client:
        kind_id = self._intern(kind)

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

    def _history(self, kind: str, draw: Callable[[], Any]) -> Client:
        return Client(draw, lambda who, then: self._read(kind, who, who, then))

    def _lookups(self, kind: str, draw: Callable[[], Any]) -> Client:
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
