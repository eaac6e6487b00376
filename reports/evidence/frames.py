"""A run folder, read back as tidy pandas frames.

`load_run("latest")` gives the newest run; `run.events`, `run.applied`, … are its tables, with the columns
that `actors.trace.SCHEMA` describes. Nothing is guessed: of a folder that is incomplete, damaged or of
another version, what is there is loaded, `run.missing` says what is not, and using that is refused by an
error that names the file and the cure.

A run that was never written is made of its columns by `run_in_memory`, and says the same as its folder would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from actors.trace import SCHEMA
from reports.evidence.stored import RUN_AGAIN, Stored, read_tables, tables_of
from reports.evidence.window import Phases

if TYPE_CHECKING:
    import pyarrow as pa

    from scenarios.scenario import Scenario


ENGINES = ("simulated", "live", "probe")
"""What makes runs."""

CONTRADICTIONS = (IndexError, KeyError, TypeError, ValueError)
"""What a measure may raise of tables that are there and whole, and do not belong together."""


class RunError(Exception):
    """A run folder cannot be read; the message says which file and what to do."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run: `info` is run.json, `tables` the trace, each table also an attribute (`run.reads`).

    `consumers` says which logs each consumer follows. `memory` keeps what was computed once from the tables,
    which nobody may change. `folder` is None, and `described` the scenario, if the run was never written.
    `missing` says in words what a run of its kind should have and this one does not.
    """

    folder: Path | None
    info: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    phases: Phases
    consumers: Mapping[str, tuple[str, ...]]
    memory: dict[tuple[str, ...], object] = field(default_factory=dict, repr=False)
    described: Scenario | None = field(default=None, repr=False)
    missing: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self.__dict__.get("tables", {})
        try:
            table: pd.DataFrame = tables[name]
        except KeyError:
            pass
        else:
            return table
        raise AttributeError(f"a run has no {name!r}; its tables are {', '.join(tables)}")

    def numbers(self, table: str, column: str) -> Any:
        """A column of numbers as an array, without making a frame of its table."""
        if isinstance(self.tables, _FramesOnDemand):
            return self.tables.column(table, column).to_numpy(zero_copy_only=False)
        return self.tables[table][column].array

    def coded(self, table: str, column: str) -> tuple[Any, list[str]]:
        """A column of names as the number of each row's name, and the names by their numbers."""
        if isinstance(self.tables, _FramesOnDemand):
            return _coded(self.tables.column(table, column))
        values = self.tables[table][column].array
        if not isinstance(values, pd.Categorical):
            values = pd.Categorical(values)
        return values.codes, values.categories.to_list()

    def scenario(self) -> Scenario:
        """The scenario as it was run; that of a folder is in its scenario.toml.

        Raises:
            RunError: the folder has no such file.
            ScenarioError: the file is not a scenario.

        """
        from scenarios.file import read

        if self.described is not None:
            return self.described
        assert self.folder is not None, "a run that was never written knows its scenario"
        path = self.folder / "scenario.toml"
        if not path.is_file():
            raise RunError(f"{path} is missing, so it cannot be said what was run; {RUN_AGAIN}")
        return read(path)


def load_run(folder: str | Path = "latest", root: Path = Path("runs")) -> Run:
    """The run in `folder`: a path, or a name below `root`, such as `latest`.

    Raises:
        RunError: there is no such folder, or no run.json in it that says what the run was.

    """
    path = folder_of(folder, root)
    info = _read_info(path / "run.json")
    stored = read_tables(path / "tables", tables_of(info))
    return Run(
        path,
        info,
        _FramesOnDemand(stored.columns, _refusals(info, stored)),
        _phases(info, path),
        _consumers(info, path),
        missing=_missing(info, stored, path),
    )


def run_in_memory(
    info: Mapping[str, Any], columns: Mapping[str, Mapping[str, pa.Array]], described: Scenario
) -> Run:
    """The run with this content of run.json and these tables, as Arrow columns by their names."""
    phases = _field(info, Path(), "phases", _PhasesField)
    return Run(
        folder=None,
        info=info,
        tables=_FramesOnDemand(columns),
        phases=Phases(phases.warm, phases.run, phases.settle),
        consumers=_consumers(info, Path()),
        described=described,
    )


class _FramesOnDemand(Mapping[str, pd.DataFrame]):
    """Frames made of columns when they are first asked for: a small run must not pay for all of them.

    `refusals` says of a table, or of a table and a column, that should be there why it is not.
    """

    def __init__(
        self,
        columns: Mapping[str, Mapping[str, pa.Array]],
        refusals: Mapping[tuple[str, ...], str] | None = None,
    ) -> None:
        self._columns = columns
        self._refusals = refusals or {}
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Raises RunError if the table should be there and is not."""
        frame = self._frames.get(table)
        if frame is None:
            columns = {name: _plain(column) for name, column in self._of(table).items()}
            frame = self._frames[table] = pd.DataFrame(columns, copy=False)
        return frame

    def column(self, table: str, column: str) -> pa.Array:
        """One column as it was handed in; RunError if it should be there and is not."""
        columns = self._of(table)
        if column not in columns and (table, column) in self._refusals:
            raise RunError(self._refusals[table, column])
        return columns[column]

    def _of(self, table: str) -> Mapping[str, pa.Array]:
        if table not in self._columns and (table,) in self._refusals:
            raise RunError(self._refusals[table,])
        return self._columns[table]

    def __contains__(self, table: object) -> bool:
        return table in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _is_probe(info: Mapping[str, Any]) -> bool:
    return info.get("engine") == "probe"


def _refusals(info: Mapping[str, Any], stored: Stored) -> dict[tuple[str, ...], str]:
    """What to say to who uses what is not there."""
    found = {what: f"{why}; {RUN_AGAIN}" for what, why in stored.lacking.items()}
    if _is_probe(info):
        outside = "a probe sees a system from outside and has no table {!r}; take a simulated or a live run"
        found |= {(table,): outside.format(table) for table in SCHEMA if table not in stored.columns}
    return found


def _missing(info: Mapping[str, Any], stored: Stored, path: Path) -> tuple[str, ...]:
    """In words what the folder lacks, and who else has written it."""
    found = [*_foreign(info), *(why.removeprefix(f"{path}/") for why in stored.lacking.values())]
    if _is_probe(info):
        found.append("a probe sees a system from outside: there are no tables of what the server did")
    elif not (path / "scenario.toml").is_file():
        found.append("scenario.toml is missing, so it cannot be said what was run")
    return tuple(found)


def _foreign(info: Mapping[str, Any]) -> list[str]:
    """What is to be said of a run that another engine or another version has made."""
    found = []
    if info.get("engine") not in ENGINES:
        found.append(
            f"run.json says that the engine {info.get('engine')!r} has made this run, which cqrs-lab does "
            f"not know; it is read as far as its tables are those of {', '.join(ENGINES)}"
        )
    versions, here = info.get("versions"), metadata.version("cqrs-lab")
    theirs = versions.get("cqrs-lab") if isinstance(versions, dict) else None
    if theirs is not None and theirs != here:
        found.append(
            f"cqrs-lab {theirs} has made this run, and this is {here}: its numbers are shown as they are "
            "stored; run it again for those of this version"
        )
    return found


def _plain(column: pa.Array) -> Any:
    """The column as pandas holds it: numbers as an array, names as a categorical of those that occur."""
    if not hasattr(column, "indices"):
        return column.to_numpy(zero_copy_only=False)
    codes, names = _coded(column)
    counts = np.bincount(codes, minlength=len(names))
    ranks = np.cumsum(counts > 0) - 1
    used: Any = [names[number] for number in np.flatnonzero(counts)]
    return pd.Categorical.from_codes(ranks[codes], used, validate=False)


def _coded(column: pa.Array) -> tuple[Any, list[str]]:
    return column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()


def load_runs(pattern: str, root: Path = Path("runs")) -> list[Run]:
    """All runs whose folders match the glob pattern below `root`, in the order of their paths, each once.

    Raises:
        RunError: none matches, or one cannot be read.

    """
    found = (path for path in root.glob(pattern) if (path / "run.json").is_file())
    folders = sorted({path.resolve() for path in found if not path.name.startswith(".")})
    if not folders:
        raise RunError(f"no run folder matches {pattern!r} below {root}; try 'products-outage/*' or '*/*'")
    return [load_run(folder, root) for folder in folders]


def folder_of(folder: str | Path, root: Path = Path("runs")) -> Path:
    """The folder that is meant: a path, or a name below `root`, such as `latest`.

    Raises:
        RunError: there is none.

    """
    for path in (Path(folder), root / folder):
        if path.is_dir():
            return path.resolve()
    if str(folder) == "latest":
        raise RunError(f"{root / 'latest'} leads to no run folder; run a scenario first, or name a folder")
    raise RunError(f"there is no run folder {folder} here or below {root}; name one that `ls {root}/*` shows")


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path} is missing, so its folder holds no finished run; {RUN_AGAIN}") from None
    except (OSError, msgspec.DecodeError) as error:
        raise RunError(f"{path} cannot be read ({error}); {RUN_AGAIN}") from None
    if not isinstance(info, dict):
        raise RunError(f"{path} holds {type(info).__name__}, not an object with keys; {RUN_AGAIN}")
    return info


class _PhasesField(msgspec.Struct):
    warm: float
    run: float
    settle: float


def _phases(info: Mapping[str, Any], folder: Path) -> Phases:
    phases = _field(info, folder, "phases", _PhasesField)
    if min(phases.warm, phases.run, phases.settle) < 0.0:
        raise RunError(f"{folder / 'run.json'} has a phase shorter than 0 s; {RUN_AGAIN}")
    return Phases(phases.warm, phases.run, phases.settle)


def _consumers(info: Mapping[str, Any], folder: Path) -> dict[str, tuple[str, ...]]:
    if _is_probe(info) and "consumers" not in info:
        return {}
    consumers: dict[str, tuple[str, ...]] = _field(info, folder, "consumers", dict[str, tuple[str, ...]])
    return consumers


def _field(info: Mapping[str, Any], folder: Path, key: str, kind: Any) -> Any:
    try:
        return msgspec.convert(info[key], kind)
    except KeyError:
        raise RunError(f"{folder / 'run.json'} has no {key!r}; {RUN_AGAIN}") from None
    except msgspec.ValidationError as error:
        raise RunError(f"{folder / 'run.json'}: {key!r} is not as expected ({error}); {RUN_AGAIN}") from None
