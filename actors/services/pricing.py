"""What an order comes to, or why it is refused: a pure decision from what is known of the products."""

from collections.abc import Mapping
from typing import Final

from actors.facts import is_known
from actors.messages import ID_MAX, PlacedLine, PlaceOrder, Rejected
from actors.tables import KnownProductRow

QUANTITY_MAX: Final = 1_000_000
LINES_MAX: Final = 1_000
TOTAL_MINOR_MAX: Final = 2**63 - 1
"""What a database's integer holds."""


def priced(
    command: PlaceOrder, products: Mapping[int, KnownProductRow], *, checks_stock: bool, carries_names: bool
) -> tuple[list[PlacedLine], int] | Rejected:
    """The lines with their prices, and the total in minor units; or why the order is refused.

    `checks_stock` refuses what the known stock does not hold; `carries_names` puts the names into the lines.
    """
    if not 1 <= command.customer_id <= ID_MAX:
        return Rejected("unknown customer", f"customer {command.customer_id}")
    if not 1 <= len(command.lines) <= LINES_MAX:
        return Rejected("wrong number of lines", f"{len(command.lines)} lines; 1 to {LINES_MAX} are")
    if len(command.lines) > 1 and len({line.product_id for line in command.lines}) < len(command.lines):
        return Rejected("repeated product", "name each product once and add the quantities")
    lines: list[PlacedLine] = []
    total = 0
    for line in command.lines:
        product_id, quantity = line.product_id, line.quantity
        product = products.get(product_id)
        if product is None or not is_known(product):
            return Rejected("unknown product", f"product {product_id}", product_id)
        if not 1 <= quantity <= QUANTITY_MAX:
            return Rejected("impossible quantity", f"{quantity}; 1 to {QUANTITY_MAX} is possible")
        if checks_stock and product.available < quantity:
            return Rejected("insufficient stock", f"product {product_id} has {product.available}", product_id)
        name = product.name if carries_names else None
        lines.append(PlacedLine(product_id, quantity, product.price_minor, name))
        total += product.price_minor * quantity
    if total > TOTAL_MINOR_MAX:
        return Rejected("impossible total", f"{total} cents; up to {TOTAL_MINOR_MAX} is possible")
    return lines, total
