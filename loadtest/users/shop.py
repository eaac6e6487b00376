"""The shop as its clients use it over HTTP: each call is one request, shown in Locust's tables and recorded.

A call with an intended instant belongs to an open load: its latency is reported from that instant too, as a
row of the type INTENDED, which no total counts.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from actors.messages import RenameProduct
from loadtest.api import bodies, tokens
from loadtest.api.problems import Problem

if TYPE_CHECKING:
    from locust.contrib.fasthttp import FastHttpSession

    from actors.messages import AdjustStock, PlaceOrder, RepriceProduct
    from loadtest.users.session import Session
    from scenarios.requests import Cart

ADDRESS: Final = "1 Harbour Street"
JSON: Final = {"Content-Type": "application/json"}

ORDERS: Final = "/orders"
HISTORY: Final = "/customer/{customerId}/orders"
ITEM: Final = "/customer/{customerId}/cart/items/{productId}"
CHECK_OUT: Final = "/customer/{customerId}/cart/checkout"
STOCK: Final = "/inventory/products/{productId}"
ADJUSTMENTS: Final = "/inventory/products/{productId}/adjustments"
PRODUCTS: Final = "/products"
PRODUCT: Final = "/products/{productId}"

FIRST_REQUEST: Final = {
    "orders": ("orders", f"POST {ORDERS}"),
    "checkouts": ("carts", f"PUT {ITEM}"),
    "own": ("own", f"GET {HISTORY}"),
    "history": ("history", f"GET {HISTORY}"),
    "stock": ("stock", f"GET {STOCK}"),
    "browse": ("browse", f"GET {PRODUCTS}"),
    "restock": ("restock", f"POST {ADJUSTMENTS}"),
    "catalogue": ("catalogue", f"PATCH {PRODUCT}"),
}
"""The kind and the request with which a client of each kind of load begins."""


class Placed(NamedTuple):
    """An order that was acknowledged: its number, whose it is, its event's position, and when (s)."""

    order_id: int
    customer_id: int
    position: int
    acknowledged_s: float


class Answer(NamedTuple):
    """What a request was answered; status 0 is no answer."""

    status: int
    content: bytes
    position: str
    ended_s: float

    @property
    def is_ok(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300


class Shop:
    """The API at the other end of an HTTP session."""

    def __init__(self, http: FastHttpSession, session: Session) -> None:
        self._http = http
        self._session = session

    # -- commands --------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, intended_s: float | None = None) -> Placed | None:
        """Place an order; None: it was not acknowledged."""
        items = tuple([bodies.OrderItem(line.product_id, line.quantity) for line in order.lines])
        body = bodies.encode(bodies.NewOrder(order.customer_id, items, ADDRESS))
        return self._order("orders", ORDERS, ORDERS, body, order.customer_id, intended_s)

    def check_out(self, cart: Cart, intended_s: float | None = None) -> Placed | None:
        """Fill a cart and place an order for what is in it; None: that was not acknowledged."""
        who = cart.customer_id
        for number, units in reversed(cart.items):
            if not self.put(who, number, units, intended_s).is_ok:
                return None
            intended_s = None  # the rest begins when what precedes it has ended
        body = bodies.encode(bodies.CheckOutRequest(ADDRESS))
        path = f"/customer/{who}/cart/checkout"
        return self._order("checkouts", CHECK_OUT, path, body, who, None)

    def put(self, customer_id: int, product_id: int, units: int, intended_s: float | None = None) -> Answer:
        """Let the cart hold so many units of a product."""
        path = f"/customer/{customer_id}/cart/items/{product_id}"
        body = bodies.encode(bodies.CartQuantity(units))
        return self._call(
            "carts", "PUT", ITEM, path, body, intended_s, session=customer_id, product_id=product_id
        )

    def _order(
        self, kind: str, route: str, path: str, body: bytes, customer_id: int, intended_s: float | None
    ) -> Placed | None:
        answer = self._call(kind, "POST", route, path, body, intended_s, session=customer_id)
        order_id = _order_id(answer)
        if order_id < 0:
            return None
        placed = Placed(order_id, customer_id, _position(answer.position), answer.ended_s)
        self._session.known.note(placed)
        return placed

    def adjust(self, command: AdjustStock, intended_s: float | None = None) -> None:
        """Add units to the stock."""
        number = command.product_id
        path, body = (
            f"/inventory/products/{number}/adjustments",
            bodies.encode(bodies.Adjustment(command.delta)),
        )
        self._call("restock", "POST", ADJUSTMENTS, path, body, intended_s, product_id=number)

    def change(self, command: RenameProduct | RepriceProduct, intended_s: float | None = None) -> None:
        """Give a product another name or price."""
        number = command.product_id
        if isinstance(command, RenameProduct):
            change = bodies.ProductChange(name=command.name)
        else:
            change = bodies.ProductChange(price=command.price_minor / 100)
        path = f"/products/{number}"
        self._call("catalogue", "PATCH", PRODUCT, path, bodies.encode(change), intended_s, product_id=number)

    # -- reads -----------------------------------------------------------------------------------------

    def history(self, customer_id: int, intended_s: float | None = None) -> None:
        """Look at a customer's orders; where readers may wait, with the position of the last known."""
        position = self._session.known.position(customer_id) if self._session.readers_wait else 0
        self._orders("history", customer_id, position, intended_s)

    def own(self, placed: Placed, intended_s: float | None = None) -> None:
        """Look at one's own orders after having placed one."""
        known = self._session.known.position(placed.customer_id)
        self._orders("own", placed.customer_id, max(known, placed.position), intended_s)

    def _orders(self, kind: str, customer_id: int, position: int, intended_s: float | None) -> None:
        headers = {tokens.HEADER: tokens.dumps({"orders": position})} if position > 0 else None
        known, at_s = self._session.known.order(customer_id), self._session.clock.now_s()
        path = f"/customer/{customer_id}/orders"
        answer = self._call(kind, "GET", HISTORY, path, b"", intended_s, headers, session=customer_id)
        if known and answer.is_ok:
            self._session.consistency.read(at_s, is_stale=newest_order(answer.content) < known)

    def sees(self, placed: Placed) -> bool:
        """Whether the order is there to be read; the session's requests are not shown nor recorded."""
        path = f"/customer/{placed.customer_id}/orders?limit=1&cursor={placed.order_id + 1}"
        response = self._http.request("GET", path, name=HISTORY)
        return response.status_code == 200 and newest_order(response.content or b"[]") == placed.order_id

    def stock(self, product_id: int, intended_s: float | None = None) -> None:
        """Look at how many units of a product there are."""
        path = f"/inventory/products/{product_id}"
        self._call("stock", "GET", STOCK, path, b"", intended_s, product_id=product_id)

    def browse(self, product_id: int, intended_s: float | None = None) -> None:
        """Look at a product, or, if its number is negative, at a page of the catalogue."""
        if product_id < 0:
            self._call("browse", "GET", PRODUCTS, PRODUCTS, b"", intended_s)
        else:
            path = f"/products/{product_id}"
            self._call("browse", "GET", PRODUCT, path, b"", intended_s, product_id=product_id)

    # -- one request -----------------------------------------------------------------------------------

    def _call(
        self,
        kind: str,
        method: str,
        route: str,
        path: str,
        body: bytes,
        intended_s: float | None,
        headers: dict[str, str] | None = None,
        *,
        session: int = -1,
        product_id: int = -1,
    ) -> Answer:
        """Send a request; it is shown and recorded once it has ended, also if it is cut off."""
        clock, recording = self._session.clock, self._session.recording
        started_s = clock.now_s()
        if intended_s is not None:
            recording.late(started_s - intended_s)
        answer = Answer(0, b"", "", math.nan)
        try:
            answer = self._send(method, route, path, body, headers)
        except BaseException:  # it is cut off
            answer = answer._replace(ended_s=clock.now_s())
            raise
        finally:
            recording.request(
                kind,
                f"{method} {route}",
                session=session,
                product_id=product_id,
                intended_s=started_s if intended_s is None else intended_s,
                started_s=started_s,
                ended_s=answer.ended_s,
                status=answer.status,
                outcome=_outcome(answer.status),
                order_id=_order_id(answer),
                position=_position(answer.position),
            )
        if intended_s is not None:
            self._session.tables.intended(f"{method} {route}", answer.ended_s - intended_s, answer.is_ok)
        return answer

    def _send(
        self, method: str, route: str, path: str, body: bytes, headers: dict[str, str] | None
    ) -> Answer:
        all_headers = {**JSON, **(headers or {})} if body else headers
        with self._http.request(
            method,
            path,
            name=route,
            data=body or None,  # type: ignore[arg-type]  # it takes bytes as well
            headers=all_headers,
            catch_response=True,
        ) as response:
            ended_s = self._session.clock.now_s()
            status = response.status_code
            content = response.content or b""
            found = response.headers
            position = "" if found is None else found.get(tokens.HEADER, "")
            if status >= 400:
                response.failure(f"{status} {_title(content)}")
        return Answer(status, content, position, ended_s)


class _Numbered(msgspec.Struct, rename="camel"):
    """As much of an order as is needed to tell which it is."""

    order_id: int


_numbered = msgspec.json.Decoder(_Numbered)
_page = msgspec.json.Decoder(list[_Numbered])


def newest_order(content: bytes) -> int:
    """The number of the first order of a page, which is the newest; 0: it has none."""
    try:
        orders = _page.decode(content)
    except msgspec.DecodeError:
        return 0
    return orders[0].order_id if orders else 0


def _order_id(answer: Answer) -> int:
    """The order that the answer acknowledges; −1: none."""
    if answer.status not in (201, 202):
        return -1
    try:
        return _numbered.decode(answer.content).order_id
    except msgspec.DecodeError:
        return -1


def _position(text: str) -> int:
    """The position in a command's answer; −1: there is none, or there are several, as in a view's."""
    try:
        positions = tokens.loads(text) if text else {}
    except Problem:
        return -1
    return next(iter(positions.values())) if len(positions) == 1 else -1


def _outcome(status: int) -> str:
    if 200 <= status < 300:
        return "ok"
    return "rejected" if 400 <= status < 500 else "failed"


def _title(content: bytes) -> str:
    """What kind of problem it is."""
    try:
        problem: Any = json.loads(content)
        return str(problem["title"])
    except (ValueError, LookupError, TypeError):
        return "without an explanation"
