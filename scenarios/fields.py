"""The fields that a fault's `where` and `set` may name: those of the messages or rows that it acts on.

>>> settable("message:ProductRenamed")
('product_id', 'name')
>>> matchable("message:ProductRenamed")
('source', 'position', 'key', 'product_id', 'name')
"""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from actors.messages import EVENT_TYPES, Command
from actors.tables import tables_of

OF_RECORDS = ("source", "position", "key")
"""The fields of the record in which an event stands."""


def settable(target: str) -> tuple[str, ...]:
    """The fields that such a message has, those of an order's lines among them."""
    kind, colon, name = target.partition(":")
    if kind == "message" and colon:
        return _fields(event for event in EVENT_TYPES if event.__name__ == name)
    return _fields((*EVENT_TYPES, *Command.__subclasses__()))


def matchable(target: str) -> tuple[str, ...]:
    """The fields by which messages, or writes to a store, are told apart."""
    kind, colon, name = target.partition(":")
    if kind == "store" and colon:
        return _once((*_fields(table.row for table in tables_of(name)), "key", *_fields(EVENT_TYPES)))
    return _once((*OF_RECORDS, *settable(target)))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _fields(structs: Iterable[type]) -> tuple[str, ...]:
    return _once(name for struct in structs for name in _walk(struct))


def _walk(struct: type) -> Iterator[str]:
    for name, annotation in get_type_hints(struct).items():
        if not name.startswith("_"):
            yield name
            for inner in _structs(annotation):
                yield from _walk(inner)


def _structs(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from _structs(argument)
