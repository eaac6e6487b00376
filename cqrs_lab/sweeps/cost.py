"""What each fault costs: the same seed with all faults, without each in turn, and without any.

A fault that is left out keeps its place, so that the random draws of the others are what they were, and
no arrival moves: the difference is the fault's. The cost of a fault is the value of a measure with all faults
minus the value without this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cqrs_lab.sweeps.replication import Replicated, Replication
from cqrs_lab.sweeps.sweep import run_all
from reports.comparing.compare import bound
from reports.comparing.replications import Value, main_measures, measure_of
from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from cqrs_lab.source import Source

Table = dict[str, Any]


class Without(NamedTuple):
    """A run without the faults of these indices, and the source of it."""

    indices: tuple[int, ...]
    source: Source


class Difference(NamedTuple):
    """A value minus another; `bound` says that it is at least (≥) or at most (≤) so much, or that it cannot
    be said (?), because an event had not come to an end with the run.
    """

    difference: float
    bound: str = ""


def difference(value: Value, without: Value) -> Difference:
    """The first minus the second, to nine decimals.

    >>> difference(Value(9.0, censored=True), Value(2.0))
    Difference(difference=7.0, bound='≥')
    """
    return Difference(round(value.value - without.value, 9), bound(value.censored, without.censored))


def cost(
    source: Source,
    seed: int | None = None,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Table:
    """Run the scenario with and without its faults and return what each of them costs, as plain data.

    Raises:
        ScenarioError: it has no faults.

    """
    seed = source.read(seed).seed
    faults = {index: row for index, row in enumerate(source.faults) if row.get("enabled", True)}
    if not faults:
        raise ScenarioError(f"{source.name}: has no faults, so none costs anything; add a [[fault]].")
    runs = [_without(source, indices) for indices in _left_out(list(faults))]
    replications = [Replication(str(number), run.source, seed) for number, run in enumerate(runs)]
    results = run_all(replications, executor=executor, jobs=jobs, on_progress=on_progress)
    return tabulate(source, seed, faults, runs, [results[str(number)] for number in range(len(runs))])


def _left_out(indices: list[int]) -> list[tuple[int, ...]]:
    """None, each in turn, all; where there is one fault only, that one is all."""
    each: list[tuple[int, ...]] = [(index,) for index in indices]
    return [(), *each] if len(indices) == 1 else [(), *each, tuple(indices)]


def _without(source: Source, indices: tuple[int, ...]) -> Without:
    return Without(indices, source.with_settings([f"fault.{index}.enabled=false" for index in indices]))


def tabulate(
    source: Source,
    seed: int,
    faults: Mapping[int, Mapping[str, Any]],
    runs: Sequence[Without],
    results: Sequence[Replicated],
) -> Table:
    """The table as plain data: each run with its verdict, each measure with what the faults make of it.

    The first run is the one with all faults. A measure is listed if that run has it; where another does not,
    the difference is None.
    """
    measured = [main_measures(result.summary or {}) for result in results]
    errors = [result for result in results if result.verdict is None]
    return {
        "scenario": source.name,
        "settings": list(source.settings),
        "seed": seed,
        "exit_code": max((result.code for result in errors), default=0),
        "faults": [{"index": index, "kind": row["kind"], "on": row["on"]} for index, row in faults.items()],
        "runs": [
            {
                "without": list(run.indices),
                "verdict": result.word,
                "why": result.why,
                "broken": [claim["text"] for claim in result.broken],
                "undecided": [claim["text"] for claim in result.undecided],
                "reproduce": run.source.command(seed),
            }
            for run, result in zip(runs, results, strict=True)
        ],
        "measures": {
            name: {
                "unit": measure_of(name).unit,
                "value": value.value,
                "censored": value.censored,
                "costs": [
                    {
                        "without": list(run.indices),
                        **(
                            difference(value, values[name])._asdict()
                            if name in values
                            else {"difference": None, "bound": ""}
                        ),
                    }
                    for run, values in zip(runs[1:], measured[1:], strict=True)
                ],
            }
            for name, value in measured[0].items()
        },
    }
