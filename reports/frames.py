"""A run folder, read back as tidy pandas frames.

`load_run("latest")` gives the newest run; `run.events`, `run.applied`, … are its tables, with the columns
that `actors.trace.SCHEMA` describes. A folder that is incomplete or damaged is refused by an error that
names the file and the cure; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from actors.trace import NAME, SCHEMA
from reports.window import Phases

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from scenarios.scenario import Scenario

_RUN_AGAIN = "run the scenario again, or take another folder"


class RunError(Exception):
    """A run folder cannot be read; the message says which file and what to do."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run: `info` is run.json, `tables` the trace, each table also an attribute (`run.reads`).

    `consumers` says which logs each consumer follows. `memory` keeps what was computed once from the tables,
    which nobody may change.
    """

    folder: Path
    info: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    phases: Phases
    consumers: Mapping[str, tuple[str, ...]]
    memory: dict[tuple[str, ...], object] = field(default_factory=dict, repr=False)

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self.__dict__.get("tables", {})
        if name in tables:
            table: pd.DataFrame = tables[name]
            return table
        raise AttributeError(f"a run has no {name!r}; its tables are {', '.join(tables)}")

    def scenario(self) -> Scenario:
        """The scenario as it was run, from the folder's scenario.toml.

        Raises:
            RunError: the folder has no such file.
            ScenarioError: the file is not a scenario.

        """
        from scenarios.file import read

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
    tables = {name: _read_table(path / "tables" / f"{name}.parquet") for name in SCHEMA}
    for extra in sorted((path / "tables").glob("*.parquet")):
        if extra.stem not in tables:
            tables[extra.stem] = _read_table(extra)
    return Run(path, info, tables, _phases(info, path), _consumers(info, path))


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


def _read_table(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise RunError(f"{path} is missing; {_RUN_AGAIN}") from None
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} is damaged ({str(error).splitlines()[0]}); {_RUN_AGAIN}") from None
    _check_columns(path, table)
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            frame[column] = frame[column].cat.remove_unused_categories()
    return frame


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
