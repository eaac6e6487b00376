"""The columns of a run's tables as plain arrays, looked up once a run: no measure takes frames apart itself.

A column of names becomes an array of flags for the names that are asked for.
"""

from typing import Any

import numpy as np

from actors.topology import node_of
from reports.evidence.arrays import Flags, Integers, Seconds
from reports.evidence.frames import Run


def seconds(run: Run, table: str, column: str) -> Seconds:
    """A column of instants."""
    values: Seconds = _values(run, table, column, np.float64)
    return values


def integers(run: Run, table: str, column: str) -> Integers:
    """A column of counts, ids or positions."""
    values: Integers = _values(run, table, column, np.int64)
    return values


def flags(run: Run, table: str, column: str, *names: str) -> Flags:
    """Which rows have one of these names in the column."""
    key = ("flags", table, column, *names)
    found: Any = run.memory.get(key)
    if found is None:
        codes, known = _coded(run, table, column)
        found = np.zeros(len(codes), dtype=np.bool_)
        for number, name in enumerate(known):
            if name in names:
                found |= codes == number
        run.memory[key] = found
    result: Flags = found
    return result


def names(run: Run, table: str, column: str) -> list[str]:
    """The names that occur in a column, each once."""
    codes, known = _coded(run, table, column)
    return [known[code] for code in np.unique(codes)]


def name_at(run: Run, table: str, column: str, row: int) -> str:
    """The name in one row."""
    codes, known = _coded(run, table, column)
    return known[int(codes[row])]


def handlings(run: Run, consumer: str, source: str) -> Integers:
    """The rows of `applied` in which this consumer handled events of this log."""
    key = ("handlings", consumer, source)
    found: Any = run.memory.get(key)
    if found is None:
        mine = flags(run, "applied", "consumer", consumer) & flags(run, "applied", "source", source)
        found = run.memory[key] = np.flatnonzero(mine)
    rows: Integers = found
    return rows


def replicas(run: Run, consumer: str) -> tuple[str, ...]:
    """The consumers of the run that are copies of this one; it alone if it has no others."""
    return tuple(name for name in run.consumers if node_of(name) == consumer)


def _values(run: Run, table: str, column: str, kind: Any) -> Any:
    key = ("values", table, column)
    found = run.memory.get(key)
    if found is None:
        found = run.memory[key] = np.asarray(run.numbers(table, column), dtype=kind)
    return found


def _coded(run: Run, table: str, column: str) -> tuple[Any, list[str]]:
    """The number of each row's name, and the names by their numbers."""
    key = ("coded", table, column)
    found: Any = run.memory.get(key)
    if found is None:
        found = run.memory[key] = run.coded(table, column)
    result: tuple[Any, list[str]] = found
    return result
