"""What is known of a product from its events: name, price and availability, each as the last event said it.

Catalogue and inventory each have a log, and a link may let messages overtake: stock may be heard of before
the product is, and a new name before the old one. So no event waits for another; what nobody has said yet
is unknown, and a product is shown and sold once its name and its price are known.

>>> told("", UNKNOWN_PRICE, 0, InventoryUpdated(product_id=4, available=5))
('', -1, 5)
>>> told("", UNKNOWN_PRICE, 5, ProductAdded(product_id=4, name="Sofa", price_minor=99900))
('Sofa', 99900, 5)
"""

from typing import Final

from actors.messages import Event, InventoryUpdated, ProductAdded, ProductRenamed, ProductRepriced
from actors.tables import KnownProductRow, ProductRow

UNKNOWN_NAME: Final = ""
UNKNOWN_PRICE: Final = -1
"""What stands in a row until an event has said better; no product has such a name or price."""


def told(name: str, price_minor: int, available: int, event: Event) -> tuple[str, int, int]:
    """Name, price and availability after the event, which leaves as it is what it says nothing of.

    `ProductAdded` is the first event of its product: what is known already is newer.
    """
    if type(event) is InventoryUpdated:
        return name, price_minor, event.available
    if type(event) is ProductRenamed:
        return event.name, price_minor, available
    if type(event) is ProductRepriced:
        return name, event.price_minor, available
    if type(event) is ProductAdded:
        if name == UNKNOWN_NAME:
            name = event.name
        if price_minor == UNKNOWN_PRICE:
            price_minor = event.price_minor
    return name, price_minor, available


def is_known(row: KnownProductRow | ProductRow | None) -> bool:
    """Whether enough is known of the product to show and to sell it."""
    return row is not None and row.name != UNKNOWN_NAME and row.price_minor != UNKNOWN_PRICE
