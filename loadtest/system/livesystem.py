"""The live system: every actor on threads, on stores that survive it, from opening to closing.

What a restart finds in the stores it goes on from; stores that are empty are filled with the scenario's
catalogue first.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final, Self

from actors import topology
from actors.querying.queries import unasked
from actors.runtime.gated import GatedStore
from actors.stores.opening import close_all, open_stores
from actors.system import seed, start
from actors.tables import CHECKPOINTS
from loadtest.system.alone import alone
from loadtest.system.bridge import ServingRuntime
from loadtest.system.observer import Observer
from scenarios.catalogue import catalogue
from scenarios.randomness import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.runtime.gate import RuleGate
    from actors.stores.port import Store
    from scenarios.scenario import Scenario

SETTLE_STEP_S: Final = 0.02


class LiveSystem:
    """All services of a scenario, as its policy says, on the stores that a URL names.

    `bare` are the stores themselves, `stores` stand behind the gates at which faults act.

    Raises:
        BadStoreUrl, StoreError: the stores cannot be opened, or another process uses them.

    """

    def __init__(self, url: str, scenario: Scenario, *, keeps_trace: bool = False) -> None:
        self.scenario = scenario
        self.policy = scenario.policy
        self.is_local = url.partition("://")[0] in ("memory", "sqlite")
        self.bare: Mapping[str, Store] = open_stores(
            url, topology.stores(self.policy), unasked=unasked(self.policy)
        )
        self.observer = Observer(keeps=keeps_trace)
        with contextlib.ExitStack() as opened:
            opened.callback(close_all, self.bare)
            opened.enter_context(alone(url))
            self.runtime = ServingRuntime(unix_s=time.time(), recorder=self.observer, seed=scenario.seed)
            opened.callback(self.runtime.close)
            self.gates: dict[str, RuleGate] = {
                name: self.runtime.gate(topology.node_of(name)) for name in self.bare
            }
            self.stores: dict[str, Store] = {
                name: GatedStore(store, self.gates[name]) for name, store in self.bare.items()
            }
            if self.bare["products"].get(CHECKPOINTS, ("products", "catalog")) is None:
                # All that is written here is written the same way again if a start is interrupted.
                products = catalogue(scenario.population, Streams(scenario.seed))
                seed(self.bare, products, self.runtime.clock("catalog"))
            self._closing = opened.pop_all()

    def start(self) -> None:
        """Let every actor begin."""
        began_s = self.runtime.started_unix_s
        self.observer.begin(self.bare, self.policy, lambda unix_s: unix_s - began_s)
        start(self.runtime, self.stores, self.policy)

    def settle(self, timeout_s: float) -> bool:
        """Wait until every consumer has done with every event, at most so long; return whether it has."""
        deadline_s = time.monotonic() + timeout_s
        while not self.is_settled:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(SETTLE_STEP_S)
        return True

    @property
    def is_settled(self) -> bool:
        """Whether every consumer has done with every event."""
        observer = self.observer
        return not any(one.missing(observer.heads[source]) for (_, source), one in observer.following.items())

    def close(self) -> None:
        """End every actor and release the stores."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
