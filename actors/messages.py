"""Everything that actors say to each other: commands, their answers, events, and control messages.

Commands are in the imperative, events in the past participle. All are immutable. Amounts are integers in
the currency's minor unit (cents); `actors.money` turns them into exact decimals at the edge. Ids are
positive integers up to `ID_MAX`.
"""

from typing import Any, Final, get_args

import msgspec

ID_MAX: Final = 2**31 - 1
"""The largest id of a customer or product; a trace keeps 32 bits of them."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What travels between actors."""


class Command(Message, frozen=True, gc=False):
    """Asks the command side to change something; answered with `Accepted` or `Rejected`."""


class Event(Message, frozen=True, gc=False, tag=True):
    """Says what has happened. Written to the log of the service that decided it, in the same transaction."""


# -- commands ----------------------------------------------------------------------------------------


class OrderLine(msgspec.Struct, frozen=True, gc=False):
    """So many units of one product."""

    product_id: int
    quantity: int


class PlaceOrder(Command, frozen=True, gc=False):
    """Order these lines for this customer; each product at most once.

    A repeated order with a `request_id` that has led to an order already gets the first answer again, and
    changes nothing.
    """

    customer_id: int
    lines: tuple[OrderLine, ...]
    shipping_address: str = ""
    request_id: str = ""


class AddToCart(Command, frozen=True, gc=False):
    """Put `quantity` more units of a product into the customer's cart."""

    customer_id: int
    product_id: int
    quantity: int


class PutInCart(Command, frozen=True, gc=False):
    """Let the customer's cart hold exactly `quantity` units of a product."""

    customer_id: int
    product_id: int
    quantity: int


class RemoveFromCart(Command, frozen=True, gc=False):
    """Take a product out of the customer's cart."""

    customer_id: int
    product_id: int


class CheckOut(Command, frozen=True, gc=False):
    """Place an order for what the customer's cart holds, and empty the cart."""

    customer_id: int
    shipping_address: str = ""


class AddProduct(Command, frozen=True, gc=False):
    """Add a product to the catalogue."""

    name: str
    price_minor: int


class RenameProduct(Command, frozen=True, gc=False):
    """Give a product another name."""

    product_id: int
    name: str


class RepriceProduct(Command, frozen=True, gc=False):
    """Give a product another price."""

    product_id: int
    price_minor: int


class AdjustStock(Command, frozen=True, gc=False):
    """Add units to the stock of a product, or take units out of it (negative)."""

    product_id: int
    delta: int


class Reserve(Command, frozen=True, gc=False):
    """Take the units of all lines out of the stock, or of none, for an order that is about to be accepted.

    Ids of reservations ascend. Those between `after` and this one are given up: no order comes of them.
    """

    reservation_id: str
    lines: tuple[OrderLine, ...]
    after: str


# -- answers -----------------------------------------------------------------------------------------


class Accepted(Message, frozen=True, gc=False):
    """The command is durable. `id` is what it created or changed, `position` its event (0: none)."""

    id: int
    position: int


class Rejected(Message, frozen=True, gc=False):
    """The command was understood and refused; nothing has changed. `reason` is a short, stable phrase.

    `product_id` is the product that is the reason; 0: none is.
    """

    reason: str
    detail: str = ""
    product_id: int = 0


# -- events ------------------------------------------------------------------------------------------


class PlacedLine(msgspec.Struct, frozen=True, gc=False):
    """A line of a placed order; `name` is filled when the policy is that events carry names."""

    product_id: int
    quantity: int
    unit_minor: int
    name: str | None = None


class OrderPlaced(Event, frozen=True, gc=False):
    """An order was accepted and stored; whether its units are in stock is open while it is `pending`.

    `reservation_id` names the reservation by which its units were taken already; empty: there is none.
    """

    order_id: int
    customer_id: int
    placed_at: float
    total_minor: int
    lines: tuple[PlacedLine, ...]
    pending: bool = False
    reservation_id: str = ""


class OrderConfirmed(Event, frozen=True, gc=False):
    """The units of a pending order were in stock and are taken."""

    order_id: int
    customer_id: int


class OrderRejected(Event, frozen=True, gc=False):
    """A pending order came to nothing: not all of its units were in stock, and none was taken."""

    order_id: int
    customer_id: int


class StockReserved(Event, frozen=True, gc=False):
    """The inventory has taken all units of a pending order."""

    order_id: int
    customer_id: int


class StockRejected(Event, frozen=True, gc=False):
    """The inventory has not all units of a pending order, and has taken none."""

    order_id: int
    customer_id: int


class ProductAdded(Event, frozen=True, gc=False):
    """A product entered the catalogue."""

    product_id: int
    name: str
    price_minor: int


class ProductRenamed(Event, frozen=True, gc=False):
    """A product has another name."""

    product_id: int
    name: str


class ProductRepriced(Event, frozen=True, gc=False):
    """A product has another price."""

    product_id: int
    price_minor: int


class InventoryUpdated(Event, frozen=True, gc=False):
    """So many units of a product are available now."""

    product_id: int
    available: int


AnyEvent = (
    OrderPlaced
    | OrderConfirmed
    | OrderRejected
    | ProductAdded
    | ProductRenamed
    | ProductRepriced
    | InventoryUpdated
    | StockReserved
    | StockRejected
)


EVENT_TYPES: tuple[type[Event], ...] = get_args(AnyEvent)
"""Every type of event."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event as its log holds it: `position` counts from 1 without gaps within `source`.

    `source` is the node that wrote it (`orders`, `catalog`, `inventory`), `key` the customer or product it
    concerns, `recorded_at` the writer's clock in seconds just before the commit.
    """

    source: str
    position: int
    key: int
    recorded_at: float
    event: AnyEvent


# -- control -----------------------------------------------------------------------------------------


class Control(Message, frozen=True, gc=False):
    """Keeps the machinery going; takes no service time and is part of no measure."""


class Committed(Control, frozen=True, gc=False):
    """Tells a relay that its log has grown up to `position`, maybe by these `records`."""

    position: int
    records: tuple["Record", ...] = ()


class Poll(Control, frozen=True, gc=False):
    """Tells a relay to look into its log now."""


class Subscribe(Control, frozen=True, gc=False):
    """Asks a relay to deliver every event after `after` to this incarnation of `consumer`, in order."""

    consumer: str
    incarnation: int
    after: int


class Resubscribe(Control, frozen=True, gc=False):
    """Asks a consumer to subscribe to `source`, unless this incarnation of its relay knows it already."""

    source: str
    incarnation: int


class Undelivered(Control, frozen=True, gc=False):
    """Tells a relay that a delivery was lost on its way; `turn` tells which sending of the event it was."""

    consumer: str
    position: int
    turn: int


class Redeliver(Control, frozen=True, gc=False):
    """Tells a relay to try a consumer again whose last delivery failed."""

    consumer: str


class Again(Control, frozen=True, gc=False):
    """Tells a consumer to try an event again after its first `attempts` tries have failed."""

    record: Record
    attempts: int


class Replay(Control, frozen=True, gc=False):
    """Tells a consumer to try its dead letters again; answered with how many took effect.

    What is `periodic` the consumer has told itself, and does so again.
    """

    periodic: bool = False


class HowFar(Control, frozen=True, gc=False):
    """Asks a consumer up to which position of each log it has applied everything."""


class SwitchView(Control, frozen=True, gc=False):
    """Tells a consumer to let a view made anew take the place of its own.

    That is an `actors.projections.rebuild.Rebuild`.
    """

    rebuild: Any


class Repair(Control, frozen=True, gc=False):
    """Tells the summary to look up the names that it has left out; `attempt` counts the tries, from 1."""

    attempt: int


class LaneFree(Control, frozen=True, gc=False):
    """Tells a consumer that one of its competing lanes waits for an event."""

    lane: int


class Release(Control, frozen=True, gc=False):
    """Tells the inventory to put the units of a reservation back: its order was not accepted."""

    reservation_id: str


class ReservationsDue(Control, frozen=True, gc=False):
    """Tells the inventory to look for reservations that have run out."""


class FinishCheckOut(Control, frozen=True, gc=False):
    """Tells the carts to finish a customer's check-out that was interrupted."""

    customer_id: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


def encode_event(event: AnyEvent) -> bytes:
    """The event as JSON, its class name in `type`; `decode_event` is the inverse."""
    return _encoder.encode(event)


def decode_event(data: bytes | str) -> Any:
    """The event that `encode_event` wrote.

    >>> decode_event(encode_event(InventoryUpdated(product_id=1, available=5)))
    InventoryUpdated(product_id=1, available=5)
    """
    return _decoder.decode(data)
