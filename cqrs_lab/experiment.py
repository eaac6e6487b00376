"""One run from scenario to verdict: simulate, measure, judge, and keep it all in a folder or in memory."""

from __future__ import annotations

import contextlib
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from cqrs_lab.folder import run_folder
from loadtest.system.stores import without_password
from scenarios.account import account
from scenarios.file import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from actors.trace import Recorder
    from cqrs_lab.folder import RunFolder
    from reports.evidence.frames import Run
    from reports.judging.verdict import Verdict
    from scenarios.scenario import Scenario

PACKAGES = (
    *("gevent", "greenlet", "httpx", "locust", "msgspec", "numpy", "pandas", "psycopg", "pyarrow", "pykka"),
    *("simpy", "sqlalchemy", "uvicorn"),
)
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
    from simulation.run import simulate

    with run_folder(scenario.name, scenario.seed, out) as folder:
        started = datetime.now(UTC)
        begun = time.perf_counter()
        simulated = simulate(scenario, lambda share: on_progress("simulating", share))
        on_progress("measuring", 0.0)
        again = reproduce or f"cqrs-lab run {folder.final / 'scenario.toml'}"
        info = account("simulated", scenario, simulated.recorder, simulated.failures)
        info |= surroundings(started, time.perf_counter() - begun, again)
        keep(folder, scenario, simulated.recorder, info)
        outcome = conclude(folder, scenario, again)
        on_progress("measuring", 1.0)
    return replace(outcome, folder=folder.final)


def keep(folder: RunFolder, scenario: Scenario, recorder: Recorder, info: Mapping[str, Any]) -> None:
    """Write the trace, the scenario and run.json into the folder."""
    recorder.write(folder.path / "tables")
    write(folder.path / "scenario.toml", scenario)
    write_json(folder.path / "run.json", info)


def conclude(folder: RunFolder, scenario: Scenario, reproduce: str) -> Outcome:
    """Measure and judge the run that is in the folder; add summary.json, verdict.json, figures and page.

    `reproduce` is the command line that runs the same again.
    """
    from cqrs_lab.report import write_report_of
    from reports.evidence.frames import load_run
    from reports.judging.verdict import judge
    from reports.sentence import sentence
    from reports.summary import summarise

    run = load_run(folder.path)
    summary = summarise(run)
    judged = judge(run, scenario, summary)
    summary["verdict"] = judged.verdict
    said = sentence(run, scenario, summary, judged)
    verdict = asdict(judged) | {"sentence": said, "reproduce": reproduce}
    write_json(folder.path / "summary.json", summary)
    write_json(folder.path / "verdict.json", verdict)
    try:
        write_report_of(run, summary, verdict, missing=run.missing)
    except Exception as error:  # noqa: BLE001  # what was measured is not lost for want of a picture
        why = f"{type(error).__name__}: {error}"
        print(f"cqrs-lab: the run is kept, without its report, which failed ({why})", file=sys.stderr)
    return Outcome(folder.final, summary, verdict, said)


def surroundings(started: datetime, wall_s: float, reproduce: str) -> dict[str, Any]:
    """What run.json says of where, when and how a run was made."""
    return {
        "versions": dict(_versions()),
        "python": platform.python_version(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "command_line": [without_password(word) for word in sys.argv],
        "reproduce": reproduce,
        "started_at": started.isoformat(timespec="seconds"),
        "wall_time_s": round(wall_s, 3),
    }


def _versions() -> Iterator[tuple[str, str]]:
    """Each package that is installed, and its version."""
    for name in ("cqrs-lab", *PACKAGES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)


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
    from reports.evidence.frames import run_in_memory
    from reports.judging.verdict import judge
    from reports.summary import summarise
    from simulation.run import simulate

    simulated = simulate(scenario)
    columns = {table: simulated.recorder.frame_columns(table) for table in SCHEMA}
    info = account("simulated", scenario, simulated.recorder, simulated.failures)
    run = run_in_memory(info, columns, scenario)
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


def write_json(path: Path, content: Any) -> None:
    """Write a file of JSON for people and programs."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
