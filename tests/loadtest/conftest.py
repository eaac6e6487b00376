"""Servers to hold the laws to: in this process, on stores of each kind."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# The tests share what stands beside them; pytest adds no folder to the path in its importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))

from front import Front, front, shop
from postgres_server import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session; under xdist, one for each worker that needs it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the stores are: `memory` unless the test is parametrized."""
    match getattr(request, "param", "memory"):
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{tmp_path}/stores"
        case _:
            server: PostgresServer = request.getfixturevalue("postgres")
            return server.fresh_database()


@pytest.fixture
def open_front(url: str) -> Iterator[Callable[..., Front]]:
    """Opens the server of the test, with a policy, a forgiving one if none is given."""
    with ExitStack() as opened:
        yield lambda rules=None, **keys: opened.enter_context(front(shop(rules), url, **keys))


@pytest.fixture
def lab(open_front: Callable[..., Any]) -> Front:
    """A server under the default policy."""
    server: Front = open_front()
    return server
