"""A replication: one scenario with one seed, run and judged wherever there is a process for it.

`replicate` takes and gives plain data and raises nothing, so that any `concurrent.futures.Executor` can call
it, and a seed that breaks the lab does not stop the others.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cqrs_lab.source import Source

BAD_USAGE, BROKEN = 2, 70

PARENT_CHECK_S = 0.5


@dataclass(frozen=True, slots=True)
class Replication:
    """What to run. `key` tells it from the others of its set; `seed` None: the scenario's own."""

    key: str
    source: Source
    seed: int | None


@dataclass(frozen=True, slots=True)
class Replicated:
    """What became of a replication: its summary.json and verdict.json, or why there is neither.

    `code` is the exit code: of the verdict, or of the error.
    """

    key: str
    seed: int | None
    code: int
    summary: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    error: str = ""

    @property
    def word(self) -> str:
        """The verdict, or `error`."""
        return "error" if self.verdict is None else str(self.verdict["verdict"])

    @property
    def broken(self) -> list[dict[str, Any]]:
        """The claims that do not hold."""
        return [] if self.verdict is None else [r for r in self.verdict["results"] if r["held"] is False]

    @property
    def undecided(self) -> list[dict[str, Any]]:
        """The claims of which it cannot be said whether they hold."""
        return [] if self.verdict is None else [r for r in self.verdict["results"] if r["held"] is None]

    @property
    def why(self) -> str:
        """The first thing that is wrong, in one line; empty if nothing is."""
        if self.verdict is None:
            return self.error
        if self.word == "fail":
            return str(self.broken[0]["text"])
        return str(next(iter(self.verdict["unknown_because"]), ""))


_ONE_AT_A_TIME = threading.Lock()
"""Runs in threads of one process take turns: they would share one interpreter, and Pykka's one registry."""


def replicate(replication: Replication) -> Replicated:
    """Run it in virtual time and judge it; what goes wrong is in the answer."""
    from actors.runtime.port import RuntimeFailure
    from cqrs_lab.experiment import measure_simulated
    from scenarios.errors import ScenarioError

    key, seed = replication.key, replication.seed
    try:
        with _ONE_AT_A_TIME:
            scenario = replication.source.read(seed)
            summary, judged, _ = measure_simulated(scenario)
    except ScenarioError as error:
        return Replicated(key, seed, BAD_USAGE, error=str(error))
    except RuntimeFailure as error:
        return Replicated(key, seed, BROKEN, error=str(error))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other seeds go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} (in {where.name}, line {where.lineno})"
        return Replicated(key, seed, BROKEN, error=f"cqrs-lab itself broke: {said}; please report it")
    verdict = asdict(judged) | {"reproduce": replication.source.command(scenario.seed)}
    return Replicated(key, scenario.seed, judged.exit_code, summary, verdict)


def prepare_process(parent: int) -> None:
    """Make a process of our own ready for replications.

    An interrupt is for the one that gives it work, `parent`, without which it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="cqrs-lab parent", daemon=True).start()
    for module in ("reports.summary", "reports.judging.verdict", "simulation.run"):
        importlib.import_module(module)  # here once, and not while the first run is waited for
    # What fails in an actor is in the summary; Pykka's log of it would only be in the way.
    logging.getLogger("pykka").addHandler(logging.NullHandler())
    gc.collect()
    gc.freeze()  # what has been imported stays; to look for garbage in it again after each run takes long


def _end_with(parent: int) -> None:
    """End this process soon after its parent has ended, were it killed without a chance to say so."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)
