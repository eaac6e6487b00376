"""The sides of a comparison, read from run folders and sweep folders.

Runs that differ in their seeds alone are one side, unless all of them are; then each is a side of its own. A
sweep of seeds is one side, and of varied designs each is one.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reports.comparing.replications import main_measures
from reports.evidence.frames import Run, RunError, folder_of, load_run
from scenarios.file import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scenarios.scenario import Scenario

Keys = dict[str, Any]
"""A scenario key by key, such as `policy.join`, without its seed."""

SIMULATED, PROBE = "simulated", "probe"


@dataclass(frozen=True, eq=False)
class Side:
    """Runs of one experiment: summary.json and verdict.json of each by seed, and the runs that have tables.

    A real system repeats nothing by a seed; there the runs are counted. `folders` are what the user named.
    """

    engine: str
    name: str
    keys: Keys
    summaries: Mapping[int, Mapping[str, Any]]
    verdicts: Mapping[int, Mapping[str, Any]]
    folders: tuple[Path, ...]
    runs: tuple[Run, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def is_simulated(self) -> bool:
        """Whether it ran in virtual time, where equal seeds have equal arrivals."""
        return self.engine == SIMULATED


def sides_of(named: Sequence[str | Path]) -> list[Side]:
    """The sides that these folders make, in their order.

    Raises:
        RunError: one is no folder of a run or a sweep, or cannot be read.
        ScenarioError: the scenario in one cannot be read.

    """
    each = [side for one in named for side in _read(folder_of(one))]
    merged: list[Side] = []
    for side in each:
        for at, other in enumerate(merged):
            if _may_join(other, side):
                merged[at] = _joined(other, side)
                break
        else:
            merged.append(side)
    return merged if len(merged) > 1 else each


def _may_join(side: Side, other: Side) -> bool:
    same = (side.engine, side.keys) == (other.engine, other.keys) and side.engine != PROBE
    return same and bool(side.runs) and bool(other.runs) and not _clash(side, other)


def _clash(side: Side, other: Side) -> bool:
    """Whether both have run the same seed: then one is not more of the other."""
    return side.is_simulated and bool(side.summaries.keys() & other.summaries.keys())


def _joined(side: Side, other: Side) -> Side:
    by = 0 if side.is_simulated else len(side.summaries)
    return replace(
        side,
        summaries={**side.summaries, **{seed + by: summary for seed, summary in other.summaries.items()}},
        verdicts={**side.verdicts, **{seed + by: verdict for seed, verdict in other.verdicts.items()}},
        folders=(*side.folders, *other.folders),
        runs=(*side.runs, *other.runs),
        notes=(*side.notes, *other.notes),
    )


def _read(folder: Path) -> Iterator[Side]:
    if (folder / "run.json").is_file():
        yield _side_of_run(folder)
    elif (folder / "request.json").is_file():
        yield from _sides_of_sweep(folder)
    else:
        raise RunError(
            f"{folder} holds neither a run (run.json) nor a sweep (request.json); "
            "name folders that `cqrs-lab runs` lists, or what --out named"
        )


def _side_of_run(folder: Path) -> Side:
    run = load_run(folder)
    engine = str(run.info.get("engine", SIMULATED))
    name = str(run.info.get("scenario", folder.name))
    number = int(run.info.get("seed", 0)) if engine == SIMULATED else 0
    summary, verdict = _json(folder / "summary.json"), _json(folder / "verdict.json")
    _check(summary, verdict, folder)
    return Side(
        engine,
        name,
        _probe_keys(folder) if engine == PROBE else keys_of(run.scenario()),
        {number: summary},
        {number: verdict},
        (folder,),
        (run,),
        tuple(f"{folder.name}: {lack}" for lack in run.missing if engine != PROBE),
    )


def _sides_of_sweep(folder: Path) -> Iterator[Side]:
    request = _json(folder / "request.json")
    try:
        name, settings, designs = request["scenario"], request["settings"], request["designs"]
        text = (folder / "scenario.toml").read_text(encoding="utf-8")
    except (KeyError, OSError) as error:
        raise RunError(f"{folder} is no whole sweep folder ({error}); run the sweep again") from None
    for number, design in enumerate(designs, start=1):
        described = loads(
            text, source=str(folder / "scenario.toml"), folder=folder, settings=[*settings, *design]
        )
        results = folder / "results" / str(number) if design else folder / "results"
        found: dict[int, dict[str, Any]] = {}
        for path in results.glob("*.json"):
            if path.stem.isdecimal():
                found[int(path.stem)] = result = _json(path)
                _check(result.get("summary"), result.get("verdict"), path)
        if not found:
            raise RunError(f"{results} holds no finished seed; continue the sweep with --resume {folder}")
        unfinished = () if (folder / "sweep.json").is_file() else (f"{folder.name}: the sweep is unfinished",)
        yield Side(
            SIMULATED,
            name,
            keys_of(described),
            {seed: result["summary"] for seed, result in sorted(found.items())},
            {seed: result["verdict"] for seed, result in sorted(found.items())},
            (folder,),
            notes=unfinished,
        )


def _check(summary: Any, verdict: Any, where: Path) -> None:
    """Refuse numbers that another version has written in another way."""
    try:
        main_measures(summary)
        for claim in verdict["results"]:
            _ = claim["text"], claim["when"], claim["held"]
        str(verdict["verdict"])
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{where} holds a summary or a verdict of another version ({type(error).__name__}: {error}); "
            "run it again with this one"
        ) from None


def keys_of(scenario: Scenario) -> Keys:
    """The scenario key by key, every default among them, as its file would say it.

    >>> from scenarios.scenario import Scenario
    >>> keys_of(Scenario(name="quiet"))["policy.join"]
    'wait'
    """
    table = tomllib.loads(dumps(scenario))
    del table["seed"]
    for expect in table.pop("expect", ()):
        table |= {f"expect ({expect['when']}) {text}": True for text in expect["that"]}
    return dict(_flat("", table))


def _probe_keys(folder: Path) -> Keys:
    try:
        table = tomllib.loads((folder / "probe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / 'probe.toml'} cannot be read ({error}); probe again") from None
    table.pop("seed", None)
    return dict(_flat("", table))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if _is_tables(value) else None
    if items is None:
        yield prefix, value
        return
    for key, item in items:
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is missing; run the scenario again, or take another folder") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); run the scenario again") from None
    if not isinstance(content, dict):
        raise RunError(f"{path} holds {type(content).__name__}, not an object with keys; run it again")
    return content
