"""Every law of this folder that can hold on both clocks is written once and held on both."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# The tests share what stands beside them; pytest adds no folder to the path in its importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))

from postgres_server import PostgresServer, postgres_server
from shop import Shop, policy, running, what_is_left

from actors.policy import Policy
from actors.runtime.live import LiveRuntime
from simulation.runtime import VirtualRuntime


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    yield
    assert what_is_left() == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session; under xdist, one for each worker that needs it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["virtual", "live"])
def clock(request: pytest.FixtureRequest) -> str:
    """Which clock, and `sqlite` or `postgres` if the stores are on disk; a test may name others."""
    return str(request.param)


@pytest.fixture
def url(clock: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where the stores are."""
    if "postgres" in clock:
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.fresh_database()
    return f"sqlite:///{tmp_path}/stores" if "sqlite" in clock else "memory://"


@pytest.fixture
def open_shop(clock: str, url: str) -> Iterator[Callable[..., Shop]]:
    """Opens the shop of the test, with a policy, the default one if none is given."""
    with ExitStack() as opened:

        def open_one(rules: Policy | None = None, before: Callable[[Shop], object] = lambda _: None) -> Shop:
            runtime = VirtualRuntime() if clock == "virtual" else LiveRuntime()
            return opened.enter_context(running(runtime, rules or policy(), url=url, before=before))

        yield open_one


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """The shop under the default policy."""
    return open_shop()
