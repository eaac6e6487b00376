"""What the laws of this folder hold stores to: all tables, and a gate that lets everything through."""

from collections.abc import Callable, Sequence
from typing import Any

from actors.stores.port import Change, NewEvent, Store
from actors.tables import TABLES_OF_SERVICE

ALL_TABLES = tuple(dict.fromkeys(table for tables in TABLES_OF_SERVICE.values() for table in tables))


class OpenGate:
    """Lets every call through and remembers what it was asked for."""

    def __init__(self) -> None:
        self.active = True
        self.remembers = False
        self.asked: list[str] = []

    def read(self, store: Store, ask: Callable[[Store], Any]) -> Any:
        self.asked.append("read")
        return ask(store)

    def write(self, store: Store, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        self.asked.append("write")
        return store.write(changes, events)
