"""The runs and sweeps that lie below a folder, newest first, by what they say of themselves.

Only their small files are read, so that a thousand runs are listed in a moment; one that cannot be read is
listed as that.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.table import Table
from rich.text import Text

from cqrs_lab.comparing.grids import ranges
from cqrs_lab.terminal.sweep import STYLES
from reports.comparing.replications import main_measures
from reports.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path("runs")
UNREADABLE = "unreadable"


def runs(root: Path = ROOT) -> list[dict[str, Any]]:
    """One row a run or sweep below `root`, the newest first; durations in seconds.

    A row has `run` (its path below `root`), `kind` (the engine, or `sweep`, or `designs`), `scenario`, `seed`
    or `seeds`, `settings` (what `--set` changed), `verdict`, `started_at`, `orders`, and its main `measures`
    by their names in expectations.
    """
    return sorted(_rows(root), key=lambda row: (row["started_at"], row["run"]), reverse=True)


def _rows(root: Path) -> Iterator[dict[str, Any]]:
    for marker, read in (("run.json", _run), ("request.json", _sweep)):
        for path in sorted([*root.glob(f"*/{marker}"), *root.glob(f"*/*/{marker}")]):
            folder = path.parent
            if folder.name.startswith(".") or (folder.is_symlink() and folder.name == "latest"):
                continue
            row: dict[str, Any] = {
                "run": str(folder.relative_to(root)),
                "scenario": folder.parent.name,
                "kind": "",
                "seed": None,
                "settings": [],
                "verdict": UNREADABLE,
                "orders": None,
                "measures": {},
                "started_at": _stamp(datetime.fromtimestamp(folder.stat().st_mtime, UTC)),
            }
            try:
                row |= read(folder)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                row["why"] = f"{type(error).__name__}: {error}"
            yield row


def _run(folder: Path) -> dict[str, Any]:
    info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    known = {"scenario": info["scenario"], "kind": info["engine"], "seed": info["seed"]}
    known["settings"] = _settings(str(info.get("reproduce", "")))
    if "started_at" in info:
        known["started_at"] = _stamp(datetime.fromisoformat(info["started_at"]))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return known | {
        "verdict": summary["verdict"],
        "orders": summary.get("orders", {}).get("acknowledged"),
        "measures": {name: value.value for name, value in main_measures(summary).items()},
    }


def _settings(command: str) -> list[str]:
    """What the command line sets.

    >>> _settings("cqrs-lab run shop.toml --seed 3 --set policy.join=carried --set 'load.orders=every(50ms)'")
    ['policy.join=carried', 'load.orders=every(50ms)']
    """
    return [value for option, value in pairwise(shlex.split(command)) if option == "--set"]


def _sweep(folder: Path) -> dict[str, Any]:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    designs = [design for design in request["designs"] if design]
    known: dict[str, Any] = {"scenario": request["scenario"], "kind": "designs" if designs else "sweep"}
    known["settings"] = request["settings"]
    if not (folder / "sweep.json").is_file():
        return known | {"verdict": "unfinished"}
    table = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    known["seeds"] = table["seeds"]
    if designs:
        verdicts = Counter(row["verdict"] for row in table["designs"])
        return known | {"verdict": ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())}
    means = {name: spread["mean"] for name, spread in table["measures"].items()}
    return known | {"verdict": table["verdict"], "measures": means}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def show_runs(rows: Sequence[dict[str, Any]], width: int, root: Path = ROOT) -> Table | Text:
    """The rows as a table for a terminal so many characters wide; a narrow one gets fewer columns."""
    if not rows:
        return Text(f"There is no run below {root}; make one with: cqrs-lab run products-outage")
    shown = [column for column in _COLUMNS if width >= WIDE or not column.only_if_wide]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in shown:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(
            column.head, justify=justify, no_wrap=column.head not in ("run", "set"), overflow="fold"
        )
    for row in rows:
        texts = (column.text(row) for column in shown)
        table.add_row(*(Text(text, STYLES.get(text, "")) for text in texts))
    return table


WIDE = 110


class _Column(NamedTuple):
    head: str
    text: Callable[[dict[str, Any]], str]
    right: bool = True
    only_if_wide: bool = False


def _seeds(row: dict[str, Any]) -> str:
    if row.get("seeds"):
        return ranges(row["seeds"])
    return "–" if row["seed"] is None else str(row["seed"])


def _measure(row: dict[str, Any], unit: str, *names: str) -> str:
    return quantity(next((row["measures"][name] for name in names if name in row["measures"]), None), unit)


_COLUMNS = (
    _Column("run", lambda row: row["run"], right=False),
    _Column("kind", lambda row: row["kind"], right=False),
    _Column("seed", _seeds, right=False, only_if_wide=True),
    _Column("verdict", lambda row: row["verdict"], right=False),
    _Column("orders", lambda row: quantity(row["orders"], "count"), only_if_wide=True),
    _Column("lag p99", lambda row: _measure(row, "s", "lag.p99{summary}", "client.lag.p99{summary}")),
    _Column("recovery", lambda row: _measure(row, "s", "recovery{summary}"), only_if_wide=True),
    _Column("missed own", lambda row: _measure(row, "share", "read_your_writes"), only_if_wide=True),
    _Column("set", lambda row: "\n".join(row["settings"]), right=False, only_if_wide=True),
)
"""Lag and recovery are those of the summary, which customers see; a read that missed a write of its own."""


def verdicts(folder: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, account and verdict of the run in the folder, or of each finished run of the sweep in it.

    Raises:
        RunError: the folder holds neither, or they cannot be read.

    """
    from reports.evidence.frames import RunError

    try:
        if (folder / "run.json").is_file():
            info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
            yield f"{info['scenario']}, seed {info['seed']} ({info['engine']})", info, verdict
            return
        request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        for number, design in enumerate(request["designs"], start=1):
            results = folder / "results" / str(number) if design else folder / "results"
            for path in sorted(results.glob("*.json"), key=lambda path: int(path.stem)):
                result = json.loads(path.read_text(encoding="utf-8"))
                name = ", ".join([request["scenario"], *design, f"seed {path.stem}"])
                yield name, {"engine": "simulated", "version": request["version"]}, result["verdict"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise RunError(f"{folder} holds no run, or it cannot be read ({why}); run it again") from None
