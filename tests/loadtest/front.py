"""A real server in this process: the facade on uvicorn at a free port, and the live system behind it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx

from actors.policy import ConsumerPolicy, Policy
from loadtest.server.serving import Server, listener_at
from loadtest.system.livesystem import LiveSystem
from scenarios.faults import BEGIN
from scenarios.population import Population
from scenarios.randomness import Streams
from scenarios.scenario import Fault, Scenario

PATIENCE_S = 10.0
STEP_S = 0.005

ANN, BOB = 7, 8
"""Two customers."""

PRODUCTS, STOCK = 5, 100


def policy(**keys: Any) -> Policy:
    """A policy from keys of its own and of `ConsumerPolicy`; what fails comes back soon."""
    system = {key: keys.pop(key) for key in list(keys) if key in Policy.__slots__ and key != "consumer"}
    consumer = ConsumerPolicy(**{"restart": 0.05, **keys})
    return Policy(**{"redeliver": 0.01, "consumer": consumer, **system})


def shop(rules: Policy | None = None) -> Scenario:
    """A shop of a few products."""
    people = replace(Population(), products=PRODUCTS, stock=STOCK)
    return Scenario(name="shop", population=people, policy=rules or policy())


def order(customer: int = ANN, address: str = "Rue de l'Été 5", **units: int) -> dict[str, Any]:
    """The body of an order; `p1=2` is two units of product 1."""
    items = [{"productId": int(name[1:]), "quantity": number} for name, number in units.items()]
    return {
        "customerId": customer,
        "items": items or [{"productId": 1, "quantity": 1}],
        "shippingAddress": address,
    }


class Front:
    """A server and its clients' way to it."""

    def __init__(self, system: LiveSystem, server: Server) -> None:
        self.system = system
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=PATIENCE_S)

    def place(self, customer: int = ANN, **units: int) -> httpx.Response:
        """The answer to an order that is accepted."""
        answer = self.http.post("/orders", json=order(customer, **units))
        assert answer.status_code in (201, 202), answer.text
        return answer

    def orders_of(self, customer: int = ANN) -> list[int]:
        """The numbers of the customer's orders in the read model, newest first."""
        answer = self.http.get(f"/customer/{customer}/orders", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        return [one["orderId"] for one in answer.json()]

    def until(self, holds: Callable[[], object]) -> None:
        """Let time pass until it holds."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s, "it never came to hold"
            time.sleep(STEP_S)

    def until_followed(self) -> None:
        self.until(lambda: self.system.is_settled)

    @contextlib.contextmanager
    def failing(self, kind: str, target: str, **fields: Any) -> Iterator[None]:
        """While a fault lasts."""
        fault = Fault(kind=kind, on=target, at=0.0, **fields)
        end = BEGIN[kind](fault, target, self.system.runtime, Streams(0).stream("fault"))
        try:
            yield
        finally:
            end()

    def metrics(self) -> dict[str, float]:
        """Each sample by its name and labels."""
        lines = [line for line in self.http.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@contextlib.contextmanager
def front(scenario: Scenario | None = None, url: str = "memory://", **keys: Any) -> Iterator[Front]:
    """A server on the stores at this URL, until the end of the block."""
    with LiveSystem(url, scenario or shop(), keeps_trace=keys.pop("keeps_trace", False)) as system:
        system.start()
        with listener_at("127.0.0.1", 0) as listener:
            ready = threading.Event()
            server = Server(system, listener, announce=lambda _: ready.set(), **keys)
            thread = threading.Thread(target=server.listen, name="server")
            thread.start()
            try:
                assert ready.wait(PATIENCE_S), "the server does not come up"
                one = Front(system, server)
                with one.http:
                    yield one
            finally:
                server.should_exit = True
                thread.join(PATIENCE_S)
                assert not thread.is_alive(), "the server does not stop"
