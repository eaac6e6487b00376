"""Stores to hold the laws to: each kind in a place of its own for each test."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url

from actors.runtime.gated import GatedStore
from actors.stores.engines import postgresql_engine, sqlite_engine
from actors.stores.memory import MemoryStore, SharedMemoryStore
from actors.stores.port import Store
from actors.stores.sql import SqlStore

# The tests share what stands beside them; pytest adds no folder to the path in its importlib mode.
sys.path.insert(0, str(Path(__file__).parent))

from places import ALL_TABLES, OpenGate
from postgres_server import PostgresServer, postgres_server

KINDS = ["memory", "gated", "sqlite", "postgresql"]

_schemas = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the session; under xdist, one for each worker that needs it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """Opens a store that has all tables; each further call opens the same place again (not in memory)."""
    opening: Callable[[], Store]
    match kind:
        case "memory":
            opening = lambda: MemoryStore("lab", ALL_TABLES)  # noqa: E731
        case "gated":
            opening = lambda: GatedStore(SharedMemoryStore("lab", ALL_TABLES), OpenGate())  # noqa: E731
        case "sqlite":
            opening = lambda: SqlStore("lab", ALL_TABLES, sqlite_engine(tmp_path / "lab.sqlite"))  # noqa: E731
        case _:
            server: PostgresServer = request.getfixturevalue("postgres")
            url, schema = make_url(server.url("postgres")), f"lab_{next(_schemas)}"
            opening = lambda: SqlStore("lab", ALL_TABLES, postgresql_engine(url), schema)  # noqa: E731
    with ExitStack() as closing:

        def open_and_close_later() -> Store:
            store = opening()
            closing.callback(store.close)
            return store

        yield open_and_close_later


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A URL for `open_stores` where nothing is yet."""
    match kind:
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{tmp_path}/stores"
        case _:
            server: PostgresServer = request.getfixturevalue("postgres")
            return server.fresh_database()
