"""Faults by hand: those of a scenario, begun now on the running system, and healed when their time is over.

They decide and act as in a scenario; only their timeline is that of who injects them.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Final

from loadtest.api.problems import Problem
from scenarios.errors import ScenarioError
from scenarios.faultkinds import KINDS
from scenarios.faults import BEGIN
from scenarios.file import read_fault
from scenarios.randomness import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtest.system.livesystem import LiveSystem
    from scenarios.scenario import Fault

OF_A_TIMELINE: Final = ("at", "every", "enabled")
"""The keys of a scenario's fault that say when it comes."""


class Injected:
    """A fault from when until when (s); how many messages or calls it has touched is known at its end."""

    def __init__(self, number: int, fault: Fault, began_s: float) -> None:
        self.number = number
        self.fault = fault
        self.began_s = began_s
        self.ended_s: float | None = None
        self.hits: int | None = None
        self.ends: list[Callable[[], int]] = []


class Faults:
    """Every fault that was injected into a live system, by its number, which begins at 1.

    Any thread may call it that is no actor's.
    """

    def __init__(self, system: LiveSystem) -> None:
        self.injected: dict[int, Injected] = {}
        self._runtime = system.runtime
        self._streams = Streams(system.scenario.seed)
        self._of_scenario = len(system.scenario.faults)
        self._lock = threading.Lock()

    def inject(self, fault: Fault) -> Injected:
        """Begin the fault now; it ends by itself if it has a length."""
        runtime = self._runtime
        with self._lock:
            number = len(self.injected) + 1
            one = self.injected[number] = Injected(number, fault, runtime.now())
            ((_, length_s),) = fault.occurrences(self._streams.stream(f"admin/{number}"), math.inf)
            one.ends = [
                BEGIN[fault.kind](fault, target, runtime, self._streams.stream(f"admin/{number}/{target}"))
                for target in fault.targets
            ]
        if length_s < math.inf:
            runtime.after(length_s, self.heal, number)
        return one

    def heal(self, number: int) -> Injected:
        """End the fault, if it is not over.

        Raises:
            KeyError: there never was one of this number.

        """
        with self._lock:
            one = self.injected[number]
            if one.ended_s is None:
                one.hits = sum(end() for end in one.ends)
                one.ended_s = self._runtime.now()
                self._write_down(one)
        return one

    def heal_all(self) -> list[Injected]:
        """End every fault; return those that were not over."""
        return [self.heal(one.number) for one in list(self.injected.values()) if one.ended_s is None]

    def _write_down(self, one: Injected) -> None:
        recorder = self._runtime.recorder
        kind, on = recorder.intern(one.fault.kind), recorder.intern(one.fault.on)
        index = self._of_scenario + one.number - 1
        recorder.row("faults")((index, kind, on, one.began_s, one.ended_s, one.hits))


def fault_of(table: Mapping[str, Any]) -> Fault:
    """The fault that the table says, with the keys of `[[fault]]` in a scenario file.

    Raises:
        Problem: it says none, or none that can begin here and now.

    """
    for key in OF_A_TIMELINE:
        if key in table:
            raise Problem(
                "invalid-body",
                "a fault begins when it is injected, and comes once",
                f"leave {key} out, and inject it again when it is to come again",
                table[key],
                f"$.{key}",
            )
    kind = KINDS.get(table.get("kind", ""))
    if kind is not None and kind.targets == ("load",):
        raise Problem(
            "invalid-body",
            f"{table['kind']} acts on a load, and this server makes none",
            "let the clients ask for more, or write it into a scenario for cqrs-lab live",
            table["kind"],
            "$.kind",
        )
    if kind is not None and kind.pattern:
        raise Problem(
            "invalid-body",
            f"{table['kind']} is a pattern of faults over time",
            "inject the crash, the cut or the unavailable store itself, each time that it is to come",
            table["kind"],
            "$.kind",
        )
    try:
        return read_fault(table, source="the body")
    except ScenarioError as error:
        raise Problem(
            "invalid-body",
            str(error),
            "correct it as docs/scenario-format.md describes the keys of [[fault]]",
        ) from None
