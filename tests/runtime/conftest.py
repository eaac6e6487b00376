"""Every law of this folder is written once and holds on both clocks."""

from collections.abc import Callable, Iterator

import pykka
import pytest

from actors.runtime.live import LiveRuntime
from actors.runtime.supervision import SupervisedRuntime
from simulation.runtime import VirtualRuntime

PATIENCE_S = 10.0
STEP_S = 0.005


@pytest.fixture(params=[VirtualRuntime, LiveRuntime], ids=["virtual", "live"])
def runtime(request: pytest.FixtureRequest) -> Iterator[SupervisedRuntime]:
    with request.param() as runtime:
        yield runtime
    assert pykka.ActorRegistry.get_all() == [], "a closed runtime leaves no actor behind"


@pytest.fixture
def eventually(runtime: SupervisedRuntime) -> Callable[[Callable[[], bool]], None]:
    """Lets the runtime's time pass until something holds."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = runtime.now() + PATIENCE_S
        while not holds():
            assert runtime.now() < deadline, "it never came to hold"
            runtime.sleep(STEP_S)

    return wait
