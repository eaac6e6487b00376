"""Conducting: a scenario's faults and phases on the wall clock of a live system.

Instants are the runtime's: 0 is where `run` begins. Each fault begins and ends at the instant at which it
would in virtual time, as its random streams are the same; those on loads are whoever makes the load's.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scenarios.faults import BEGIN_ON_LOAD
from scenarios.injection import inject
from scenarios.randomness import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loadtest.system.livesystem import LiveSystem
    from scenarios.scenario import Fault, Phases, Scenario

STEP_S: Final = 0.05
TELL_EVERY_S: Final = 0.5

HEAL_TIME_S: Final = 5.0
"""For so long the end of the faults is waited for; a crashed node may take some time to start."""

CUT_SETTLE_S: Final = 1.0
"""For so long, at most, the read models may catch up in a run that is cut short."""


class Conductor:
    """Carries out a scenario on a system that has started, from now until all is over.

    `load_is_over` says that no request will come any more: after `run` nothing but the read models is then
    waited for, and within it the run is cut short there.
    """

    def __init__(self, system: LiveSystem, scenario: Scenario) -> None:
        self._system = system
        self._planned = scenario.phases
        self._load_is_over = threading.Event()
        self._cut_s: float | None = None
        faults, streams = of_the_system(scenario.faults), Streams(scenario.seed)
        self._end_faults = inject(system.runtime, faults, streams, scenario.phases.run)

    def load_is_over(self) -> None:
        """No request will come any more; any thread may say so."""
        self._load_is_over.set()

    def conduct(self, tell: Callable[[float], object]) -> None:
        """Wait until all is over, however it goes; `tell(now_s)` is called twice a second."""
        runtime, run_s, end_s = (
            self._system.runtime,
            self._planned.run,
            self._planned.run + self._planned.settle,
        )
        told_s = float("-inf")
        while (now_s := runtime.now()) < end_s:
            if now_s - told_s >= TELL_EVERY_S:
                told_s = now_s
                tell(now_s)
            if self._load_is_over.wait(STEP_S):
                if (now_s := runtime.now()) < run_s:
                    self._cut_s = now_s
                    break
                self._system.settle(end_s - now_s)
                break
        self._heal()
        if self._cut_s is not None:
            self._system.settle(min(CUT_SETTLE_S, self._planned.settle))

    def phases(self, end_s: float) -> Phases:
        """How long the phases have lasted, if `end_s` is the end."""
        if self._cut_s is not None and self._cut_s <= 0.0:
            return replace(self._planned, run=0.0, settle=0.0)
        run_s = self._planned.run if self._cut_s is None else self._cut_s
        return replace(self._planned, run=run_s, settle=max(end_s - run_s, 0.0))

    def _heal(self) -> None:
        """End every fault that is still there, on the thread on which faults begin and end."""
        healed = threading.Event()

        def heal() -> None:
            self._end_faults()
            healed.set()

        self._system.runtime.after(0.0, heal)
        healed.wait(HEAL_TIME_S)


def of_the_system(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """The faults, those on loads not enabled; each keeps its place, which names its random streams.

    >>> from scenarios.scenario import Fault
    >>> faults = Fault(kind="surge", on="load:orders"), Fault(kind="crash", on="summary")
    >>> [fault.enabled for fault in of_the_system(faults)]
    [False, True]
    """
    return tuple(replace(fault, enabled=False) if fault.kind in BEGIN_ON_LOAD else fault for fault in faults)
