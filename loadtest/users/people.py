"""The kinds of people who use the shop, for loads by users and their shapes.

They are the scenario's customers and buy its products; think times are in seconds.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import gevent
from gevent.pool import Group
from locust import FastHttpUser, between, constant, tag, task

from loadtest.users.session import SESSIONS
from loadtest.users.shop import Shop
from loadtest.users.watching import WATCH_RATE

if TYPE_CHECKING:
    from locust.env import Environment

TIMEOUT_S = 30.0
"""For so long a request waits for its answer."""


class Person(FastHttpUser):
    """Somebody who uses the shop, one request after the other."""

    abstract = True
    wait_time = between(0.5, 2.0)
    network_timeout = TIMEOUT_S
    connection_timeout = TIMEOUT_S

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.session = SESSIONS[environment]
        self.shop = Shop(self.client, self.session)


class Shopper(Person):
    """Browses, fills a cart, checks out, and looks at the order."""

    weight = 10

    @tag("read")
    @task(4)
    def browse(self) -> None:
        """Look at the catalogue, or at a product."""
        self.shop.browse(self.session.draw("browse"))

    @tag("write")
    @task(2)
    def buy(self) -> None:
        """Fill a cart, check out, and look at one's orders."""
        placed = self.shop.check_out(self.session.draw("checkouts"))
        if placed is not None:
            self.wait()  # type: ignore[no-untyped-call]
            self.shop.own(placed)

    @tag("read")
    @task(2)
    def look_at_orders(self) -> None:
        """Look at one's orders."""
        self.shop.history(self.session.draw("history"))


class DirectBuyer(Person):
    """Orders without a cart."""

    weight = 3

    @tag("write")
    @task
    def order(self) -> None:
        """Place an order."""
        self.shop.place(self.session.draw("orders"))


class StockClerk(Person):
    """Looks after the stock."""

    weight = 2

    @tag("inventory", "read")
    @task(3)
    def count(self) -> None:
        """Look at how many units of a product there are."""
        self.shop.stock(self.session.draw("stock"))

    @tag("inventory", "write")
    @task(1)
    def restock(self) -> None:
        """Add units of a product."""
        self.shop.adjust(self.session.draw("restock"))


class HistoryReader(Person):
    """Looks at orders, nothing else."""

    weight = 5

    @tag("read")
    @task
    def look(self) -> None:
        """Look at a customer's orders."""
        self.shop.history(self.session.draw("history"))


class Probe(Person):
    """Places orders at a fixed rate, however long they take, and watches when each is to be seen.

    There is one, whatever the number of users.
    """

    fixed_count = 1
    wait_time = constant(0)
    rate = WATCH_RATE
    concurrency = 64

    @tag("probe")
    @task
    def probe(self) -> None:
        """Place and watch orders until stopped."""
        under_way = Group()
        began_s = self.session.clock.now_s()
        try:
            for number in itertools.count():
                at_s = began_s + number / self.rate
                gevent.sleep(max(at_s - self.session.clock.now_s(), 0.0))
                if len(under_way) < self.concurrency:
                    under_way.spawn(self._place, at_s)
                else:
                    self.session.tables.dropped("POST /orders")
        finally:
            under_way.kill()

    def _place(self, at_s: float) -> None:
        placed = self.shop.place(self.session.draw("orders"), at_s)
        if placed is not None:
            self.session.watching.watch(placed)
