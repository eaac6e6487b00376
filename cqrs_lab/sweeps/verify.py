"""Whether the library keeps its word: each scenario run, and its verdict held against the expected one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cqrs_lab.source import Source
from cqrs_lab.sweeps.replication import BAD_USAGE, Replicated, Replication
from cqrs_lab.sweeps.sweep import run_all
from scenarios import library
from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

Table = dict[str, Any]


def verify(
    names: Sequence[str] | None = None,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Table:
    """Run these scenarios (None: the whole library) and return what was expected and what came, in order."""
    names = library.names() if names is None else names
    sources: dict[str, Source] = {}
    results: dict[str, Replicated] = {}
    for name in names:
        try:
            sources[name] = Source.find(name)
        except ScenarioError as error:
            results[name] = Replicated(name, None, BAD_USAGE, error=str(error))
    replications = [Replication(name, source, None) for name, source in sources.items()]
    results |= run_all(replications, executor=executor, jobs=jobs, on_progress=on_progress)
    rows = [_row(name, sources.get(name), results[name]) for name in names]
    return {"agrees": all(row["agrees"] for row in rows), "scenarios": rows}


def _row(name: str, source: Source | None, result: Replicated) -> dict[str, Any]:
    scenario = source.read() if source is not None else None
    expected = scenario.expected_verdict if scenario is not None else None
    return {
        "scenario": name,
        "expected": expected,
        "got": result.word,
        "agrees": result.word == expected,
        "why": result.why,
        "reproduce": source.command(scenario.seed) if source is not None and scenario is not None else "",
    }
