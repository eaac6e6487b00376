"""The tables that a run folder keeps as Parquet, read as Arrow columns; what cannot be read is said in words.

Nothing is guessed: a table that is missing or damaged is lacking, and so is a column that another version
did not write or that holds something else. What is there is there all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actors.trace import CLIENT_SCHEMA, NAME, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

RUN_AGAIN = "run the scenario again, or take another folder"

_KNOWN = SCHEMA | CLIENT_SCHEMA


@dataclass(frozen=True)
class Stored:
    """Columns by table and name; `lacking` says of a table, or a table and a column, why it is not there."""

    columns: Mapping[str, Mapping[str, pa.Array]]
    lacking: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def tables_of(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The tables that a run with this run.json should have.

    A probe knows only what clients have seen. A server that recorded itself had no clients of ours, so it is
    the account of a `generator` that tells a live run's tables from its.
    """
    if info.get("engine") == "probe":
        return tuple(CLIENT_SCHEMA)
    if info.get("engine") == "live" and "generator" in info:
        return tuple(_KNOWN)
    return tuple(SCHEMA)


def read_tables(folder: Path, tables: Iterable[str]) -> Stored:
    """These tables, and whatever others lie in the folder."""
    found: dict[str, Mapping[str, pa.Array]] = {}
    lacking: dict[tuple[str, ...], str] = {}
    others = sorted(path.stem for path in folder.glob("*.parquet"))
    for name in dict.fromkeys([*tables, *others]):
        path = folder / f"{name}.parquet"
        try:
            columns = _read(path)
        except _Unreadable as error:
            lacking[name,] = str(error)
            continue
        for column, kind in _KNOWN.get(name, {}).items():
            problem = _problem(columns.get(column), column, kind)
            if problem:
                lacking[name, column] = f"{path} {problem}"
                columns.pop(column, None)
        found[name] = columns
    return Stored(found, lacking)


class _Unreadable(Exception):
    """A file is not there, or is no whole Parquet file."""


def _read(path: Path) -> dict[str, pa.Array]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        return {name: _whole(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    except FileNotFoundError:
        raise _Unreadable(f"{path} is missing") from None
    except (OSError, pa.ArrowException) as error:
        raise _Unreadable(f"{path} is damaged ({str(error).splitlines()[0]})") from None


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece, text with each name once."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def _problem(column: pa.Array | None, name: str, kind: str) -> str:
    """What is wrong with a column, in words that follow its table's path; empty if nothing is."""
    import pyarrow as pa

    if column is None:
        return f"has no column {name!r}, so another version wrote it"
    if kind is NAME:
        fits = pa.types.is_dictionary(column.type)
    else:
        fits = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return "" if fits else f"has a column {name!r} that holds {column.type}, where {kind} belongs"
