"""The endpoints: what each operation of the API does, from the request's values to the answer.

An endpoint may await what it likes, but runs in no task of its own (`loadtest.api.answering`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from msgspec import UNSET

from actors.messages import (
    AddProduct,
    AdjustStock,
    CheckOut,
    OrderLine,
    PlaceOrder,
    PutInCart,
    RemoveFromCart,
    RenameProduct,
    RepriceProduct,
)
from loadtest.api import bodies, idempotency, tokens
from loadtest.api.call import CURSOR_MAX, Answer
from loadtest.api.problems import Problem
from loadtest.api.tokens import AGE_HEADER, HEADER, STALE_HEADER
from loadtest.api.views import Reflected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors.messages import Accepted
    from loadtest.api.call import Call
    from loadtest.api.service import Service

    Endpoint = Callable[[Service, Call], Awaitable[Answer]]

# -- orders --------------------------------------------------------------------------------------------


async def place_order(service: Service, call: Call) -> Answer:
    """Place an order; with an idempotency key, at most once."""
    key, body = call.key, call.body(bodies.NewOrder)
    command = PlaceOrder(
        body.customer_id,
        tuple([OrderLine(item.product_id, item.quantity) for item in body.items]),
        body.shipping_address,
        idempotency.request_id(key) if key else "",
    )
    ended = service.keys.begin(key) if key else None
    accepted = await service.command("orders", "orders", command, customer=body.customer_id, ended=ended)
    if key:
        idempotency.check_same(key, body, await service.views.order(accepted.id))
    return _placed(service, accepted)


async def order(service: Service, call: Call) -> Answer:
    """The order as the order service has it: there as soon as it is acknowledged."""
    order_id = call.number("orderId", bodies.POSITION_MAX)
    heads = {"orders": service.views.head("orders")}
    found = await service.views.order(order_id)
    if found is None:
        raise Problem(
            "unknown-order",
            f"no order has the number {order_id}",
            "take the number from the answer to POST /orders",
            order_id,
        )
    reflected = Reflected([], -1, heads, 0.0)
    return _shown(bodies.order_of(found.order, found.items, found.names), reflected)


async def history(service: Service, call: Call) -> Answer:
    """The customer's orders in the read model, newest first."""
    customer_id, limit = call.number("customerId"), call.limit
    token, wait_s, cursor = call.token, call.wait_s, call.cursor
    arrived_s = service.system.runtime.now()
    found: Reflected | None = None
    try:
        found = await service.views.history(customer_id, token, wait_s, cursor, limit + 1)
    finally:
        kind = "own" if "orders" in token else "history"
        if cursor is not None:
            kind = "page"  # nobody looks there for what is new
        service.read(kind, customer_id, customer_id, arrived_s, found)
    rows = found.rows[:limit]
    following = rows[-1].order_id if len(found.rows) > limit else None
    return _page(
        call, f"/customer/{customer_id}/orders", [bodies.summary_of(row) for row in rows], found, following
    )


# -- inventory -----------------------------------------------------------------------------------------


async def stock(service: Service, call: Call) -> Answer:
    """How many units of a product there are."""
    product_id, token, wait_s = call.number("productId"), call.token, call.wait_s
    arrived_s = service.system.runtime.now()
    found: Reflected | None = None
    try:
        found = await service.views.stock(product_id, token, wait_s)
    finally:
        service.read("stock", -1, product_id, arrived_s, found)
    if found.rows:
        return _shown(bodies.stock_of(found.rows[0]), found)
    await _check_catalogued(service, product_id)
    return _shown(bodies.Stock(product_id, 0), found)  # it has never had any


async def adjust_stock(service: Service, call: Call) -> Answer:
    """Add units to the stock, or take units out of it."""
    product_id, delta = call.number("productId"), call.body(bodies.Adjustment).delta
    if not await service.views.has_stock(product_id):
        await _check_catalogued(service, product_id)  # the inventory would take units of anything
    command = AdjustStock(product_id, delta)
    accepted = await service.command("restock", "inventory", command, product=product_id, quantity=delta)
    return _changed(200, accepted, "inventory")


# -- products ------------------------------------------------------------------------------------------


async def products(service: Service, call: Call) -> Answer:
    """The products of the view, by number."""
    first, limit = call.cursor or 1, call.limit
    token, wait_s = call.token, call.wait_s
    arrived_s = service.system.runtime.now()
    found: Reflected | None = None
    try:
        found = await service.views.products(first, limit + 1, token, wait_s)
    finally:
        service.read("browse", -1, -1, arrived_s, found)
    after = first + limit
    rows = [row for row in found.rows if row.product_id < after]
    following = after if len(rows) < len(found.rows) and after <= CURSOR_MAX else None
    return _page(call, "/products", [bodies.product_of(row) for row in rows], found, following)


async def product(service: Service, call: Call) -> Answer:
    """A product of the view."""
    product_id, token, wait_s = call.number("productId"), call.token, call.wait_s
    arrived_s = service.system.runtime.now()
    found: Reflected | None = None
    try:
        found = await service.views.product(product_id, token, wait_s)
    finally:
        service.read("browse", -1, product_id, arrived_s, found)
    if found.rows:
        return _shown(bodies.product_of(found.rows[0]), found)
    await _check_catalogued(service, product_id)
    raise Problem(
        "not-yet-visible",
        f"product {product_id} is in the catalogue, but the Products view has not heard of it yet",
        "ask again in a moment; with the Position of the catalogue's answer a waiting view answers in time",
        product_id,
        headers=((HEADER, tokens.dumps(found.positions)), (AGE_HEADER, f"{found.age_s:.3f}")),
    )


async def add_product(service: Service, call: Call) -> Answer:
    """Add a product to the catalogue."""
    body = call.body(bodies.NewProduct)
    command = AddProduct(body.name, _cents(body.price))
    accepted = await service.command("catalogue", "catalog", command)
    return _changed(201, accepted, "catalog", ("Location", f"/products/{accepted.id}"))


async def change_product(service: Service, call: Call) -> Answer:
    """Give a product another name, another price, or both."""
    product_id, body = call.number("productId"), call.body(bodies.ProductChange)
    commands: list[RenameProduct | RepriceProduct] = []
    if body.name is not UNSET:
        commands.append(RenameProduct(product_id, body.name))
    if body.price is not UNSET:
        commands.append(RepriceProduct(product_id, _cents(body.price)))
    if not commands:
        raise Problem("invalid-body", "the body changes nothing", "write a name, a price or both", at="$")
    for command in commands:
        accepted = await service.command("catalogue", "catalog", command, product=product_id)
    return _changed(200, accepted, "catalog")


# -- carts ---------------------------------------------------------------------------------------------


async def put_in_cart(service: Service, call: Call) -> Answer:
    """Let the cart hold so many units of a product."""
    customer_id, product_id = call.number("customerId"), call.number("productId")
    quantity = call.body(bodies.CartQuantity).quantity
    command = PutInCart(customer_id, product_id, quantity)
    await service.command(
        "carts", "carts", command, customer=customer_id, product=product_id, quantity=quantity
    )
    return Answer(204, b"")


async def remove_from_cart(service: Service, call: Call) -> Answer:
    """Take a product out of the cart, if it is in it."""
    customer_id, product_id = call.number("customerId"), call.number("productId")
    command = RemoveFromCart(customer_id, product_id)
    await service.command("carts", "carts", command, customer=customer_id, product=product_id)
    return Answer(204, b"")


async def cart(service: Service, call: Call) -> Answer:
    """What the cart holds, as the carts' service has it."""
    customer_id = call.number("customerId")
    rows = await service.views.cart(customer_id)
    return _shown(bodies.cart_of(customer_id, rows), Reflected([], -1, {}, 0.0))


async def check_out(service: Service, call: Call) -> Answer:
    """Place an order for what the cart holds."""
    customer_id, body = call.number("customerId"), call.body(bodies.CheckOutRequest)
    command = CheckOut(customer_id, body.shipping_address)
    accepted = await service.command("checkouts", "carts", command, customer=customer_id)
    return _placed(service, accepted)


# -- answers -------------------------------------------------------------------------------------------


def _placed(service: Service, accepted: Accepted) -> Answer:
    """201, or 202 while it is open whether the order's units are in stock."""
    is_pending = service.system.policy.stock == "saga"
    body = bodies.PlacedOrder(accepted.id, "pending" if is_pending else "confirmed")
    headers = (
        ("Location", f"/orders/{accepted.id}"),
        (HEADER, tokens.of_event("orders", accepted.position)),
    )
    return Answer(202 if is_pending else 201, bodies.encode(body), headers)


def _changed(status: int, accepted: Accepted, source: str, *headers: tuple[str, str]) -> Answer:
    position = (HEADER, tokens.of_event(source, accepted.position))
    return Answer(status, bodies.encode(bodies.ChangedProduct(accepted.id)), (*headers, position))


def _shown(body: Any, found: Reflected) -> Answer:
    return Answer(200, bodies.encode(body), _reflects(found))


def _page(call: Call, path: str, shown: list[Any], found: Reflected, following: int | None) -> Answer:
    headers = _reflects(found)
    if following is not None:
        query = urlencode({"limit": call.limit, "cursor": following})
        headers = (*headers, ("Link", f'<{path}?{query}>; rel="next"'))
    return Answer(200, bodies.encode(shown), headers)


def _reflects(found: Reflected) -> tuple[tuple[str, str], ...]:
    """The headers that say which positions the answer reflects, how old that is, and whether it is enough."""
    headers: tuple[tuple[str, str], ...] = ((AGE_HEADER, f"{found.age_s:.3f}"),)
    if found.positions:
        headers += ((HEADER, tokens.dumps(found.positions)),)
    if found.stale is not None:
        headers += ((STALE_HEADER, "?1" if found.stale else "?0"),)
    if found.waited_s is not None:
        headers += (("Preference-Applied", f"wait={found.waited_s:g}"),)
    return headers


async def _check_catalogued(service: Service, product_id: int) -> None:
    if await service.views.catalogued(product_id) is None:
        raise Problem(
            "unknown-product",
            f"no product has the number {product_id}",
            "take a number from GET /products",
            product_id,
        )


def _cents(price: float) -> int:
    minor = bodies.cents(price)
    if minor is None:
        raise Problem(
            "invalid-body", "the price is finer than a cent", "write at most two decimals", price, "$.price"
        )
    return minor
