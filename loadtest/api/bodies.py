"""The bodies of requests and answers: one struct each, which validates, is written, and is documented.

Names are in camel case in JSON. Amounts are decimal numbers with two places, made from integers of cents;
instants are in UTC.
"""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from actors.messages import ID_MAX
from actors.money import to_decimal
from actors.services import carts
from actors.services.catalog import NAME_LENGTH_MAX, PRICE_MINOR_MAX
from actors.services.inventory import DELTA_MAX
from actors.services.pricing import LINES_MAX, QUANTITY_MAX
from actors.tables import CartItemRow, InventoryRow, OrderItemRow, OrderRow, ProductRow, SummaryRow

ADDRESS_LENGTH_MAX: Final = 500
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
POSITION_MAX: Final = 2**63 - 1
NO_NUL: Final = r"^[^\u0000]*$"  # which PostgreSQL cannot keep

CustomerId = Annotated[int, Meta(ge=1, le=ID_MAX, description="A customer's number.", examples=[7])]
ProductId = Annotated[int, Meta(ge=1, le=ID_MAX, description="A product's number.", examples=[1])]
OrderId = Annotated[int, Meta(ge=1, le=POSITION_MAX, description="An order's number.", examples=[1])]
Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ADDRESS_LENGTH_MAX,
        pattern=NO_NUL,
        description="Where to send it.",
        examples=["Rue de l'Été 5, Genève"],
    ),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        pattern=NO_NUL,
        description="A product's name.",
        examples=["Lamp"],
    ),
]
Price = Annotated[
    float,
    Meta(
        ge=0,
        le=PRICE_MINOR_MAX / 100,
        description="A price with at most two decimals.",
        examples=[19.9],
        extra_json_schema={"multipleOf": 0.01},
    ),
]
Amount = Annotated[Decimal, Meta(description="An amount with two decimals.")]
Instant = Annotated[datetime, Meta(tz=True)]
Status = Annotated[
    Literal["pending", "confirmed", "rejected"],
    Meta(description="Only orders of a saga are ever other than confirmed."),
]


class Body(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """What stands in a request or an answer."""


# -- requests ------------------------------------------------------------------------------------------


class OrderItem(Body, frozen=True):
    """So many units of a product."""

    product_id: ProductId
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX, examples=[2])]


class NewOrder(Body, frozen=True):
    """An order to place; each product at most once."""

    customer_id: CustomerId
    items: Annotated[tuple[OrderItem, ...], Meta(min_length=1, max_length=LINES_MAX)]
    shipping_address: Address


class Adjustment(Body, frozen=True):
    """Units to add to the stock, or to take out of it (negative)."""

    delta: Annotated[int, Meta(ge=-DELTA_MAX, le=DELTA_MAX, examples=[10])]


class NewProduct(Body, frozen=True):
    """A product to add to the catalogue; it has no stock yet."""

    name: Name
    price: Price


class ProductChange(Body, frozen=True):
    """What to change of a product: its name, its price, or both."""

    name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET


class CartQuantity(Body, frozen=True):
    """How many units of the product the cart is to hold."""

    quantity: Annotated[int, Meta(ge=1, le=carts.QUANTITY_MAX, examples=[2])]


class CheckOutRequest(Body, frozen=True):
    """Where to send what is in the cart."""

    shipping_address: Address


# -- answers -------------------------------------------------------------------------------------------


class PlacedOrder(Body, frozen=True):
    """The order that a command has led to."""

    order_id: OrderId
    status: Status


class ChangedProduct(Body, frozen=True):
    """The product that a command has added or changed."""

    product_id: ProductId


class PricedItem(Body, frozen=True):
    """A line of an order as it was accepted; the name is the one that the order service knows now."""

    product_id: ProductId
    product_name: str
    quantity: int
    unit_price: Amount


class Order(Body, frozen=True):
    """An order as the order service has it."""

    order_id: OrderId
    customer_id: CustomerId
    order_date: Instant
    total_amount: Amount
    status: Status
    shipping_address: str
    items: list[PricedItem]


class SummaryLine(Body, frozen=True):
    """A line of an order as its customer sees it."""

    product_name: str
    quantity: int
    name_pending: (
        Annotated[bool, Meta(description="The product's number stands in for its name, which will follow.")]
        | UnsetType
    ) = UNSET


class OrderSummary(Body, frozen=True):
    """An order as its customer sees it."""

    order_id: OrderId
    order_date: Instant
    total_amount: Amount
    status: Status
    items: list[SummaryLine]


class Stock(Body, frozen=True):
    """How many units there are; fewer than none if more were sold than there ever were."""

    product_id: ProductId
    available_quantity: int


class Product(Body, frozen=True):
    """A product as the Products view has it."""

    product_id: ProductId
    name: str
    price: Amount
    available_quantity: int


class CartLine(Body, frozen=True):
    """So many units of a product in a cart."""

    product_id: ProductId
    quantity: int


class Cart(Body, frozen=True):
    """What a customer's cart holds, by product."""

    customer_id: CustomerId
    items: list[CartLine]


class FollowerState(Body, frozen=True):
    """How far a consumer is with one log."""

    consumer: str
    source: str
    lag_events: int
    lag_seconds: float
    state: Literal["following", "behind", "down"]


class Health(Body, frozen=True):
    """Whether the server can be used, and how far the consumers are."""

    status: Literal["alive", "ready"]
    consumers: list[FollowerState] | UnsetType = UNSET


_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(body: Any) -> bytes:
    """The body as JSON.

    >>> encode(Product(7, "Lamp", to_decimal(1990), 3))
    b'{"productId":7,"name":"Lamp","price":19.90,"availableQuantity":3}'
    """
    return _encoder.encode(body)


def cents(price: float) -> int | None:
    """The price in cents; None if it is finer than that.

    What binary arithmetic has left of a sum of cents counts as that sum.

    >>> cents(19.99), cents(0.1 + 0.2), cents(0.005)
    (1999, 30, None)
    """
    hundred = price * 100
    minor = round(hundred)
    return minor if abs(hundred - minor) <= 8 * math.ulp(hundred) else None


def order_of(order: OrderRow, items: list[OrderItemRow], names: list[str]) -> Order:
    """The order service's rows, with a name for each item, as an answer."""
    return Order(
        order.order_id,
        order.customer_id,
        instant(order.placed_at),
        to_decimal(order.total_minor),
        order.status,  # type: ignore[arg-type]  # a row's status is one of these
        order.shipping_address,
        [
            PricedItem(item.product_id, name, item.quantity, to_decimal(item.unit_minor))
            for item, name in zip(items, names, strict=True)
        ],
    )


def summary_of(row: SummaryRow) -> OrderSummary:
    """The read model's row as an answer."""
    return OrderSummary(
        row.order_id,
        instant(row.placed_at),
        to_decimal(row.total_minor),
        row.status,  # type: ignore[arg-type]  # a row's status is one of these
        [SummaryLine(item.product_name, item.quantity, item.pending or UNSET) for item in row.items],
    )


def stock_of(row: InventoryRow) -> Stock:
    """The inventory's row as an answer."""
    return Stock(row.product_id, row.available)


def product_of(row: ProductRow) -> Product:
    """The view's row as an answer."""
    return Product(row.product_id, row.name, to_decimal(row.price_minor), row.available)


def cart_of(customer_id: int, rows: list[CartItemRow]) -> Cart:
    """The rows of a cart as an answer."""
    return Cart(customer_id, [CartLine(row.product_id, row.quantity) for row in rows])


def instant(unix_s: float) -> datetime:
    """The instant in UTC, to the millisecond."""
    return _EPOCH + round(unix_s * 1000) * _MILLISECOND  # half the time that `fromtimestamp` takes
