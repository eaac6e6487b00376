"""A run folder, read back as tidy pandas frames.

`load_run("latest")` gives the newest run; `run.events`, `run.applied`, … are its tables, with the columns
that `actors.trace.SCHEMA` describes. A folder that is incomplete or damaged is refused by an error that
names the file and the cure; nothing is guessed.

A run that was never written is made of its columns by `run_in_memory`, and says the same as its folder would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from actors.trace import NAME, SCHEMA
from reports.window import Phases

if TYPE_CHECKING:
    import pyarrow as pa

    from scenarios.scenario import Scenario

_RUN_AGAIN = "run the scenario again, or take another folder"


class RunError(Exception):
    """A run folder cannot be read; the message says which file and what to do."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run: `info` is run.json, `tables` the trace, each table also an attribute (`run.reads`).

    `consumers` says which logs each consumer follows. `memory` keeps what was computed once from the tables,
    which nobody may change. `folder` is None, and `described` the scenario, if the run was never written.
    """

    folder: Path | None
    info: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    phases: Phases
    consumers: Mapping[str, tuple[str, ...]]
    memory: dict[tuple[str, ...], object] = field(default_factory=dict, repr=False)
    described: Scenario | None = field(default=None, repr=False)

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self.__dict__.get("tables", {})
        if name in tables:
            table: pd.DataFrame = tables[name]
            return table
        raise AttributeError(f"a run has no {name!r}; its tables are {', '.join(tables)}")

    def numbers(self, table: str, column: str) -> Any:
        """A column of numbers as an array, without making a frame of its table."""
        if isinstance(self.tables, _FramesOnDemand):
            return self.tables.columns(table)[column].to_numpy(zero_copy_only=False)
        return self.tables[table][column].array

    def coded(self, table: str, column: str) -> tuple[Any, list[str]]:
        """A column of names as the number of each row's name, and the names by their numbers."""
        if isinstance(self.tables, _FramesOnDemand):
            return _coded(self.tables.columns(table)[column])
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
            raise RunError(f"{path} is missing, so it cannot be said what was run; {_RUN_AGAIN}")
        return read(path)


def load_run(folder: str | Path = "latest", root: Path = Path("runs")) -> Run:
    """The run in `folder`: a path, or a name below `root`, such as `latest`.

    Raises:
        RunError: there is no such folder, or a file in it is missing or damaged.

    """
    path = _resolve(folder, root)
    info = _read_info(path / "run.json")
    tables = {name: _read_columns(path / "tables" / f"{name}.parquet") for name in SCHEMA}
    for extra in sorted((path / "tables").glob("*.parquet")):
        if extra.stem not in tables:
            tables[extra.stem] = _read_columns(extra)
    return Run(path, info, _FramesOnDemand(tables), _phases(info, path), _consumers(info, path))


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
    """Frames made of columns when they are first asked for: a small run must not pay for all of them."""

    def __init__(self, columns: Mapping[str, Mapping[str, pa.Array]]) -> None:
        self._columns = columns
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, table: str) -> pd.DataFrame:
        frame = self._frames.get(table)
        if frame is None:
            columns = {name: _plain(column) for name, column in self._columns[table].items()}
            frame = self._frames[table] = pd.DataFrame(columns, copy=False)
        return frame

    def columns(self, table: str) -> Mapping[str, pa.Array]:
        """The columns of one table as they were handed in."""
        return self._columns[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


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


def _resolve(folder: str | Path, root: Path) -> Path:
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
        raise RunError(f"{path} is missing, so its folder holds no finished run; {_RUN_AGAIN}") from None
    except (OSError, msgspec.DecodeError) as error:
        raise RunError(f"{path} cannot be read ({error}); {_RUN_AGAIN}") from None
    if not isinstance(info, dict):
        raise RunError(f"{path} holds {type(info).__name__}, not an object with keys; {_RUN_AGAIN}")
    return info


class _PhasesField(msgspec.Struct):
    warm: float
    run: float
    settle: float


def _phases(info: Mapping[str, Any], folder: Path) -> Phases:
    phases = _field(info, folder, "phases", _PhasesField)
    if min(phases.warm, phases.run, phases.settle) < 0.0:
        raise RunError(f"{folder / 'run.json'} has a phase shorter than 0 s; {_RUN_AGAIN}")
    return Phases(phases.warm, phases.run, phases.settle)


def _consumers(info: Mapping[str, Any], folder: Path) -> dict[str, tuple[str, ...]]:
    consumers: dict[str, tuple[str, ...]] = _field(info, folder, "consumers", dict[str, tuple[str, ...]])
    return consumers


def _field(info: Mapping[str, Any], folder: Path, key: str, kind: Any) -> Any:
    try:
        return msgspec.convert(info[key], kind)
    except KeyError:
        raise RunError(f"{folder / 'run.json'} has no {key!r}; {_RUN_AGAIN}") from None
    except msgspec.ValidationError as error:
        raise RunError(f"{folder / 'run.json'}: {key!r} is not as expected ({error}); {_RUN_AGAIN}") from None


def _read_columns(path: Path) -> dict[str, pa.Array]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise RunError(f"{path} is missing; {_RUN_AGAIN}") from None
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} is damaged ({str(error).splitlines()[0]}); {_RUN_AGAIN}") from None
    _check_columns(path, table)
    return {name: _whole(column) for name, column in zip(table.column_names, table.columns, strict=True)}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece, text with each name once."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def _check_columns(path: Path, table: pa.Table) -> None:
    import pyarrow as pa

    for column, kind in SCHEMA.get(path.stem, {}).items():
        if column not in table.column_names:
            raise RunError(f"{path} has no column {column!r}, so another version wrote it; {_RUN_AGAIN}")
        dtype = table.schema.field(column).type
        fits = pa.types.is_dictionary(dtype) or pa.types.is_string(dtype)
        if kind is not NAME:
            fits = pa.types.is_integer(dtype) or pa.types.is_floating(dtype)
        if not fits:
            raise RunError(f"{path}: column {column!r} holds {dtype}, where {kind} belongs; {_RUN_AGAIN}")
