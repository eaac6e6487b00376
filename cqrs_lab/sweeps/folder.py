"""The folder of a sweep: what was asked for, and one file for each replication that has finished.

It is filled as the work goes on, each file appearing whole, so that whatever interrupts the sweep leaves a
folder that another one can continue. `sweep.json` is written last: with it the sweep is complete.

    request.json         what was asked for: the scenario, its settings, the designs, the version of the lab
    scenario.toml        the scenario as it was given, its data files beside it
    results/<key>.json   summary.json and verdict.json of one replication in one
    sweep.json           the table
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cqrs_lab.folder import FolderError
from cqrs_lab.sweeps.replication import Replicated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cqrs_lab.source import Source

REQUEST, TABLE = "request.json", "sweep.json"


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The folder at `path`; `made` says whether it is new."""

    path: Path
    made: bool

    def finished(self, keys: Iterable[str]) -> dict[str, Replicated]:
        """What has become of those of these replications that have finished; a damaged file is none."""
        found = {}
        for key in keys:
            with contextlib.suppress(OSError, ValueError, TypeError):
                content = json.loads(self._file(key).read_text(encoding="utf-8"))
                found[key] = Replicated(key=key, **content)
        return found

    def keep(self, replicated: Replicated) -> None:
        """Write down what became of a replication; one that ended in an error is to be run again."""
        if replicated.verdict is None:
            return
        content = asdict(replicated)
        del content["key"]
        _write(self._file(replicated.key), content, indent=None)

    def complete(self, table: dict[str, Any]) -> None:
        """Write down the table."""
        _write(self.path / TABLE, table)

    def discard(self) -> None:
        """Remove the folder if it is new: nothing has finished in it."""
        if self.made:
            shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, key: str) -> Path:
        return self.path / "results" / f"{key}.json"


def sweep_folder(
    source: Source,
    what: str,
    designs: Sequence[Sequence[str]] = ((),),
    *,
    out: Path | None = None,
    resume: bool = False,
    root: Path = Path("runs"),
) -> SweepFolder:
    """The folder of this sweep: a new one, or the one at `out` if it holds the same sweep.

    A new one is called `out`, or `<root>/<scenario>/<UTC stamp>-<what>`. With `resume` it must be there.

    Raises:
        FolderError: it cannot be written, or holds something else, or another sweep.

    """
    request = _request(source, designs)
    if out is not None and _holds_something(out):
        _check_same(out, request)
        return SweepFolder(out, made=False)
    if resume:
        raise FolderError(f"{out} holds no sweep to continue; leave --resume out, or name another folder")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    wanted = out if out is not None else root / str(request["scenario"]) / f"{stamp}-{what}"
    try:
        path = wanted if out is not None else _free(wanted)
        (path / "results").mkdir(parents=True, exist_ok=True)
        (path / "scenario.toml").write_text(source.text, encoding="utf-8")
        source.write_data(path)
        _write(path / REQUEST, request)
    except OSError as error:
        raise FolderError(
            f"cannot write {wanted}: {error.strerror or error}; name a writable folder with --out"
        ) from error
    return SweepFolder(path, made=True)


def _request(source: Source, designs: Sequence[Sequence[str]]) -> dict[str, Any]:
    said = json.dumps([source.text, dict(source.data)], sort_keys=True)
    return {
        "scenario": source.read().name,
        "settings": list(source.settings),
        "designs": [list(design) for design in designs],
        "scenario_sha256": hashlib.sha256(said.encode()).hexdigest(),
        "version": metadata.version("cqrs-lab"),
    }


def _holds_something(path: Path) -> bool:
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


def _check_same(path: Path, request: dict[str, Any]) -> None:
    """Refuse a folder of anything but the same sweep."""
    try:
        there = json.loads((path / REQUEST).read_text(encoding="utf-8"))
        there = {key: there[key] for key in request}
    except (OSError, ValueError, KeyError, TypeError):
        raise FolderError(
            f"{path} is there already and holds no sweep; remove it or name another folder with --out"
        ) from None
    for key, wanted in request.items():
        if there[key] != wanted:
            raise FolderError(
                f"{path} holds a sweep {_differing(key, there[key], wanted)}; "
                "name another folder with --out, or ask for the same again"
            )


def _differing(key: str, there: Any, wanted: Any) -> str:
    match key:
        case "scenario":
            return f"of {there}, not of {wanted}"
        case "settings":
            return f"{_with('--set', there)}, not {_with('--set', wanted)}"
        case "designs":
            return f"of {_listed(there)}, not of {_listed(wanted)}"
        case "version":
            return f"made by cqrs-lab {there}, and this is {wanted}"
    return "of another text of the scenario: the file has been changed since"


def _with(option: str, settings: Sequence[str]) -> str:
    return "with " + " ".join(f"{option} {setting}" for setting in settings) if settings else "as it stands"


def _listed(designs: Sequence[Sequence[str]]) -> str:
    return f"{len(designs)} designs ({'; '.join(' '.join(design) or 'as it stands' for design in designs)})"


def _free(wanted: Path) -> Path:
    """Make this folder; a second sweep within the same second gets a number."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _write(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write the file so that readers see all of it or nothing; without indent that is far quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=indent, ensure_ascii=False) + "\n")
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
