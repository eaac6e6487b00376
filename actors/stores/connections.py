"""The connections to a database: its driver's, made as its engine makes them, each in one hand at a time."""

from collections import deque
from typing import Final, Generic, Protocol, TypeVar, cast

import sqlalchemy as sa


class _Connection(Protocol):
    """What all drivers' connections have."""

    def close(self) -> None:
        """End it."""
        ...


C = TypeVar("C", bound=_Connection)

IDLE_MAX: Final = 8
"""So many connections that nobody uses are kept open."""


class Connections(Generic[C]):
    """Connections that stay as they are between two calls; a pool would look after each that comes back."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._idle: deque[C] = deque()

    def take(self) -> C:
        """A connection, to be given back, or after an error closed."""
        try:
            return self._idle.pop()
        except IndexError:
            fresh = self._engine.raw_connection()
            connection = cast("C", fresh.driver_connection)
            fresh.detach()  # from the engine's pool, which would lend it to others
            return connection

    def give_back(self, connection: C) -> None:
        """Nobody uses the connection any more."""
        if len(self._idle) < IDLE_MAX:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()
