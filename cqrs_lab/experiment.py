"""One run from scenario to verdict: simulate, measure, judge, and keep it all in a folder or in memory."""

from __future__ import annotations

import json
import platform
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from cqrs_lab.folder import run_folder
from scenarios.file import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.frames import Run
    from reports.verdict import Verdict
    from scenarios.scenario import Scenario
    from simulation.run import Simulated

PACKAGES = ("greenlet", "msgspec", "numpy", "pandas", "pyarrow", "pykka", "simpy")
"""Whose versions may matter to a run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `folder` holds all of it."""

    folder: Path
    summary: dict[str, Any]
    verdict: dict[str, Any]
    sentence: str


def run_simulated(
    scenario: Scenario,
    *,
    out: Path | None = None,
    reproduce: str = "",
    on_progress: Callable[[str, float], object] = lambda _stage, _share: None,
) -> Outcome:
    """Run the scenario in virtual time and keep it; `on_progress(stage, share)` hears how far it is.

    `reproduce` is the command line that runs the same again, for run.json and verdict.json; if it is left
    out, the folder's own scenario is what to run.

    Raises:
        FolderError: the run folder cannot be written; nothing was run.
        OSError: writing it failed on the way; nothing is left of it.
        Deadlock: the actors wait for each other; nothing is left of the run.

    """
    from reports.frames import load_run
    from reports.sentence import sentence
    from reports.summary import summarise
    from reports.verdict import judge
    from simulation.run import simulate

    with run_folder(scenario.name, scenario.seed, out) as folder:
        started = datetime.now(UTC)
        begun = time.perf_counter()
        simulated = simulate(scenario, lambda share: on_progress("simulating", share))
        on_progress("measuring", 0.0)
        simulated.recorder.write(folder.path / "tables")
        write(folder.path / "scenario.toml", scenario)
        again = reproduce or f"cqrs-lab run {folder.final / 'scenario.toml'}"
        info = _said(scenario, simulated) | _surroundings(started, time.perf_counter() - begun, again)
        _write_json(folder.path / "run.json", info)
        run = load_run(folder.path)
        summary = summarise(run)
        judged = judge(run, scenario, summary)
        summary["verdict"] = judged.verdict
        verdict = asdict(judged) | {
            "sentence": sentence(run, scenario, summary, judged),
            "reproduce": again,
        }
        _write_json(folder.path / "summary.json", summary)
        _write_json(folder.path / "verdict.json", verdict)
        on_progress("measuring", 1.0)
    return Outcome(folder.final, summary, verdict, verdict["sentence"])


class Measured(NamedTuple):
    """A run that was not kept: its summary, as in summary.json, its verdict, and the run itself."""

    summary: dict[str, Any]
    verdict: Verdict
    run: Run


def measure_simulated(scenario: Scenario) -> Measured:
    """Run the scenario in virtual time and write nothing.

    Raises:
        Deadlock: the actors wait for each other.

    """
    from actors.trace import SCHEMA
    from reports.frames import run_in_memory
    from reports.summary import summarise
    from reports.verdict import judge
    from simulation.run import simulate

    simulated = simulate(scenario)
    columns = {table: simulated.recorder.frame_columns(table) for table in SCHEMA}
    run = run_in_memory(_said(scenario, simulated), columns, scenario)
    summary = summarise(run)
    judged = judge(run, scenario, summary)
    summary["verdict"] = judged.verdict
    return Measured(summary, judged, run)


def judge_simulated(scenario: Scenario) -> Verdict:
    """The verdict on the scenario in virtual time; nothing is kept.

    Raises:
        Deadlock: the actors wait for each other.

    """
    return measure_simulated(scenario).verdict


def _said(scenario: Scenario, simulated: Simulated) -> dict[str, Any]:
    """What run.json says that does not depend on where and when it was run."""
    phases = scenario.phases
    return {
        "engine": "simulated",
        "scenario": scenario.name,
        "seed": scenario.seed,
        "phases": {"warm": phases.warm, "run": phases.run, "settle": phases.settle},
        "consumers": {name: list(sources) for name, sources in simulated.consumers.items()},
        "trace_sha256": simulated.recorder.sha256(),
        "trace_rows": simulated.recorder.rows,
        "actor_failures": [
            {"at_s": at_s, "actor": name, "error": f"{type(error).__name__}: {error}"}
            for at_s, name, error in simulated.failures
        ],
    }


def _surroundings(started: datetime, wall_s: float, reproduce: str) -> dict[str, Any]:
    return {
        "versions": {name: metadata.version(name) for name in ("cqrs-lab", *PACKAGES)},
        "python": platform.python_version(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "command_line": sys.argv,
        "reproduce": reproduce,
        "started_at": started.isoformat(timespec="seconds"),
        "wall_time_s": round(wall_s, 3),
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
