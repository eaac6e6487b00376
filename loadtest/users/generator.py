"""The generator: makes this process's part of a scenario's load over HTTP, each request at its instant.

Open loads go into a bounded pool; a request for which there is no room at its instant is dropped and counted,
never sent later, so that a slow server does not slow the load down. Users of closed loads wait for their
answers and think.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.pool import Group, Pool

from loadtest.users.plan import WATCHED, Plan, Planned, Users
from loadtest.users.shop import FIRST_REQUEST, Placed, Shop
from scenarios.arrivals import Nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.contrib.fasthttp import FastHttpSession

    from actors.messages import AdjustStock, PlaceOrder, RenameProduct, RepriceProduct
    from loadtest.users.session import Session
    from scenarios.requests import Cart

    Act = Callable[[Any, float | None], Placed | None]

POOL: Final = 256
"""So many requests of open loads are under way at most, unless it is said."""

AT_ONCE_MAX: Final = 64
"""So many requests that are due are dispatched at most before those under way have their turn."""


class Generator:
    """The load of the session's scenario; `pool` is how many of its requests may be under way at once.

    `users`, if given, is how many users each closed load has.
    """

    def __init__(
        self,
        session: Session,
        http: FastHttpSession,
        *,
        pool: int,
        watch_rate: float,
        users: int | None = None,
    ) -> None:
        self._session = session
        self._shop = Shop(http, session)
        self._reads_own = not isinstance(session.scenario.load.own_read, Nothing)
        phases = session.scenario.phases
        self._end_s, self._over_s = phases.run, phases.run + phases.settle
        self._pool = Pool(pool)
        self._others = Group()  # users who think, and customers who will look at their orders
        self._plan = Plan(
            session.scenario,
            session.share,
            watch_rate=watch_rate,
            users=users,
            on_users=self._begin_users,
            clock_s=session.clock.now_s,
        )
        session.recording.faults = lambda: self._plan.occurred
        self._acts: dict[str, Act] = {
            "orders": self._order,
            "checkouts": self._check_out,
            "own": lambda placed, at_s: self._shop.own(placed, at_s),
            "history": lambda who, at_s: self._shop.history(who, at_s),
            "stock": lambda number, at_s: self._shop.stock(number, at_s),
            "browse": lambda number, at_s: self._shop.browse(number, at_s),
            "restock": self._restock,
            "catalogue": self._change,
        }

    def run(self) -> None:
        """Make the load, and return when all of it has ended and every watched order is seen or given up."""
        clock, plan = self._session.clock, self._plan
        try:
            at_once = 0
            while (next_s := plan.next_s) is not None:
                wait_s = next_s - clock.now_s()
                at_once = at_once + 1 if wait_s <= 0 else 0
                if at_once % AT_ONCE_MAX == 0:  # what is due already goes together: each turn may take long
                    gevent.sleep(max(wait_s, 0.0))
                planned = plan.advance()
                if planned is not None:
                    self._dispatch(planned)
            while self._pool or self._others:  # each may set the other going
                self._pool.join()
                self._others.join()
            self._session.watching.join()
        finally:
            self._pool.kill()
            self._others.kill()

    # -- open loads ------------------------------------------------------------------------------------

    def _dispatch(self, planned: Planned) -> None:
        if self._pool.free_count() > 0:
            self._pool.spawn(self._carry_out, planned)
            return
        kind, request = FIRST_REQUEST[planned.kind]
        pairs = self._reads_own and planned.kind in WATCHED
        session, product_id = _about(planned.kind, planned.request[0] if pairs else planned.request)
        self._session.tables.dropped(request)
        self._session.recording.dropped(
            kind,
            request,
            session=session,
            product_id=product_id,
            intended_s=planned.at_s,
            at_s=self._session.clock.now_s(),
        )

    def _carry_out(self, planned: Planned) -> None:
        self._act(planned.kind, planned.request, planned.at_s, planned.is_watched)

    def _act(self, kind: str, request: Any, at_s: float | None, is_watched: bool) -> None:
        """Do what a client of this kind does; an order that is watched is looked for from then on."""
        placed = self._acts[kind](request, at_s)
        if placed is not None and is_watched:
            self._session.watching.watch(placed)

    # -- closed loads ----------------------------------------------------------------------------------

    def _begin_users(self, users: Users) -> None:
        for number in users.numbers:
            self._others.spawn(self._live, users, number)

    def _live(self, users: Users, number: int) -> None:
        """Think, make a request, wait for the answer, and begin again."""
        clock = self._session.clock
        while True:
            think_s, left_s = users.think_s(), self._end_s - clock.now_s()
            gevent.sleep(max(min(think_s, left_s), 0.0))
            if think_s >= left_s or not users.goes_on():
                return
            request = users.draw()
            if users.keeps(number):
                is_watched = users.sampling is not None and users.sampling.takes(clock.now_s())
                self._act(users.kind, request, None, is_watched)

    # -- what clients do -------------------------------------------------------------------------------

    def _order(self, drawn: Any, at_s: float | None) -> Placed | None:
        order: PlaceOrder
        order, think_s = drawn if self._reads_own else (drawn, None)
        return self._reading_back(self._shop.place(order, at_s), think_s)

    def _check_out(self, drawn: Any, at_s: float | None) -> Placed | None:
        cart: Cart
        cart, think_s = drawn if self._reads_own else (drawn, None)
        return self._reading_back(self._shop.check_out(cart, at_s), think_s)

    def _reading_back(self, placed: Placed | None, think_s: float | None) -> Placed | None:
        """Let the customer look at the order after some time, if that is wanted and not after all is over."""
        if placed is not None and think_s is not None:
            at_s = placed.acknowledged_s + think_s
            if at_s < self._over_s:
                self._others.spawn(self._read_back, placed, at_s)
        return placed

    def _read_back(self, placed: Placed, at_s: float) -> None:
        gevent.sleep(max(at_s - self._session.clock.now_s(), 0.0))
        self._dispatch(Planned(at_s, "own", placed, is_watched=False))

    def _restock(self, command: AdjustStock, at_s: float | None) -> None:
        self._shop.adjust(command, at_s)

    def _change(self, command: RenameProduct | RepriceProduct, at_s: float | None) -> None:
        self._shop.change(command, at_s)


def _about(kind: str, request: Any) -> tuple[int, int]:
    """The customer and the product that a request is about; −1: it is about none, or about several."""
    if kind == "history":
        return request, -1
    if kind in ("stock", "browse"):
        return -1, request
    return getattr(request, "customer_id", -1), getattr(request, "product_id", -1)
