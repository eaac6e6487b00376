"""Every law of this folder that can hold on both clocks is written once and held on both."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# The tests share what stands beside them; pytest adds no folder to the path in its importlib mode.
sys.path.insert(0, str(Path(__file__).parent))

from shop import Shop, nothing_is_left, policy, running

from actors.live import LiveRuntime
from actors.policy import Policy
from simulation.runtime import VirtualRuntime


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    yield
    assert nothing_is_left(), "an actor or a thread is left over"


@pytest.fixture(params=["virtual", "live"])
def clock(request: pytest.FixtureRequest) -> str:
    """Which clock, and `sqlite` if the stores are on disk; a test may name others."""
    return str(request.param)


@pytest.fixture
def open_shop(clock: str, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Opens the shop of the test, with a policy, the default one if none is given."""
    with ExitStack() as opened:

        def open_one(rules: Policy | None = None, before: Callable[[Shop], object] = lambda _: None) -> Shop:
            runtime = VirtualRuntime() if clock == "virtual" else LiveRuntime()
            url = f"sqlite:///{tmp_path}/stores" if "sqlite" in clock else "memory://"
            return opened.enter_context(running(runtime, rules or policy(), url=url, before=before))

        yield open_one


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """The shop under the default policy."""
    return open_shop()
