"""What the laws of this folder hold stores to: all tables, and a gate that lets everything through."""

from actors.tables import TABLES_OF_SERVICE

ALL_TABLES = tuple(dict.fromkeys(table for tables in TABLES_OF_SERVICE.values() for table in tables))


class OpenGate:
    """Lets every call through and remembers what it was asked for."""

    def __init__(self) -> None:
        self.active = True
        self.asked: list[str] = []

    def enter(self, operation: str) -> None:
        self.asked.append(operation)
