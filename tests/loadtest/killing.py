"""A server that is killed under load, over and over, and what must be true of its stores at the end.

Every client places one order after the other, each under an idempotency key of its own. What the kill has
left open, it asks again under the same key from the next server.
"""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import httpx
from front import order
from served import PATIENCE_S, ServedShop, serving

from actors.stores.opening import close_all, open_stores
from actors.tables import INVENTORY, KNOWN_PRODUCTS, ORDER_ITEMS, ORDERS, PRODUCTS, SUMMARIES

CLIENTS = 6
PRODUCTS_SOLD = 5
STOCK = 1_000_000
ORDERS_A_LIFE_MIN, ORDERS_A_LIFE_MAX = 20, 120
"""So many orders are acknowledged before a server is killed."""

OPTIONS = [
    *("--admin", "--ready-lag", "60s"),
    *("--set", f"population.products={PRODUCTS_SOLD}", "--set", f"population.stock={STOCK}"),
]
REQUESTED_BY = {"X-Requested-By": "tests"}


class Customer:
    """Orders under keys, and remembers which order each has led to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.orders: dict[str, int] = {}
        self._open: str | None = None
        self._draw = Random(number)

    def order_until_it_ends(self, url: str, may_order: threading.Event) -> None:
        """Finish what is open, ask for an old answer again, and go on until the server is gone."""
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            try:
                if self.orders:
                    old = self._draw.choice(list(self.orders))
                    assert self._ask(client, old) == self.orders[old], "one key, one order"
                while self._open is not None or may_order.is_set():
                    key = self._open = self._open or f"{self.number}-{len(self.orders)}"
                    self.orders[key] = self._ask(client, key)
                    self._open = None
            except httpx.TransportError:
                return

    def _ask(self, client: httpx.Client, key: str) -> int:
        """The order that this key leads to; the same key always asks for the same."""
        draw = Random(key)
        units = {f"p{draw.randint(1, PRODUCTS_SOLD)}": draw.randint(1, 3)}
        answer = client.post("/orders", json=order(self.number, **units), headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["orderId"])


def survive_kills(folder: Path, store_url: str, kills: int, draw: Random) -> None:
    """Kill so many servers on these stores under load; then hold what is left to the law."""
    customers = [Customer(number) for number in range(1, CLIENTS + 1)]
    for _ in range(kills):
        with serving(folder, "--store", store_url, *OPTIONS) as shop:
            _live_and_be_killed(shop, customers, draw.randint(ORDERS_A_LIFE_MIN, ORDERS_A_LIFE_MAX))
    with serving(folder, "--store", store_url, *OPTIONS) as shop:
        no_more = threading.Event()
        for customer in customers:
            customer.order_until_it_ends(shop.url, no_more)
        _await_followed(shop)
        assert shop.stop() == 0
    _assert_whole(store_url, customers)


def _live_and_be_killed(shop: ServedShop, customers: list[Customer], lives: int) -> None:
    may_order = threading.Event()
    may_order.set()
    before = sum(len(one.orders) for one in customers)
    with ThreadPoolExecutor(CLIENTS) as clients:
        ordering = [clients.submit(one.order_until_it_ends, shop.url, may_order) for one in customers]
        deadline_s = time.monotonic() + PATIENCE_S
        while sum(len(one.orders) for one in customers) < before + lives:
            assert time.monotonic() < deadline_s, "the server takes no orders"
            assert not any(one.done() for one in ordering), [one.result() for one in ordering if one.done()]
            time.sleep(0.002)
        for view in ("summary", "products", "inventory"):  # to be killed in the middle of that too
            shop.http.post(f"/admin/projections/{view}/rebuild", headers=REQUESTED_BY)
        shop.kill()
        for one in ordering:
            one.result(PATIENCE_S)


def _await_followed(shop: ServedShop) -> None:
    """Return once every consumer has everything that is in the logs."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        consumers = shop.http.get("/readyz").json().get("consumers", [{"lagEvents": 1}])
        if not any(one["lagEvents"] for one in consumers):
            return
        assert time.monotonic() < deadline_s, consumers
        time.sleep(0.05)


def _assert_whole(store_url: str, customers: list[Customer]) -> None:
    """Every key has led to one order, each is in every view once, and the stock adds up."""
    promised = {number: one.number for one in customers for number in one.orders.values()}
    assert len(promised) == sum(len(one.orders) for one in customers), "two keys, two orders"
    stores = open_stores(store_url)
    try:
        rows = list(stores["orders"].scan(ORDERS))
        assert {row.order_id: row.customer_id for row in rows} == promised
        summaries = [row.order_id for row in stores["summary"].scan(SUMMARIES)]
        assert summaries == sorted(promised), "each order is in the history, once"
        sold = Counter[int]()
        for item in stores["orders"].scan(ORDER_ITEMS):
            sold[item.product_id] += item.quantity
        left = {number: STOCK - sold[number] for number in range(1, PRODUCTS_SOLD + 1)}
        for service, table in (
            ("inventory", INVENTORY),
            ("products", PRODUCTS),
            ("orders", KNOWN_PRODUCTS),
        ):
            assert {row.product_id: row.available for row in stores[service].scan(table)} == left, service
    finally:
        close_all(stores)
