"""Which messages a fault's `where` means: those of which every named field has the value given.

The fields are those of a record (`position`, `key`, `source`), of the event in it, or of a command; of fields
in the lines of an order, one line suffices. A field that the message does not have has no value.

>>> from actors.messages import InventoryUpdated, Record
>>> record = Record("inventory", 3, 7, 0.0, InventoryUpdated(product_id=7, available=5))
>>> matches({"product_id": 7, "position": 3}, record), matches({"customer_id": 7}, record)
(True, False)
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actors.messages import Record


def matches(where: Mapping[str, Any], message: Any) -> bool:
    """Whether the message has each of these fields with this value."""
    return all(value in _values(message, field) for field, value in where.items())


def _values(message: Any, field: str) -> Iterator[Any]:
    """Every value that a field of this name has in the message."""
    if isinstance(message, Record):
        if field in ("source", "position", "key"):
            yield getattr(message, field)
        message = message.event
    if hasattr(message, field):
        yield getattr(message, field)
    for line in _lines(message):
        if hasattr(line, field):
            yield getattr(line, field)


def _lines(message: Any) -> Iterable[Any]:
    """The lines of an order, or of its summary; a row of the order itself only tells how many there are."""
    lines = getattr(message, "lines", getattr(message, "items", ()))
    return lines if isinstance(lines, tuple | list) else ()
