"""What a measure needs of a scenario so that there is anything to measure.

Only what is certain from the scenario alone: who reads although nobody orders, which faults there are to
recover from. Whether enough happens in a run, the run shows.

>>> from scenarios.expectations import parse
>>> lacking(parse("recovery{summary} < 5s"), Scenario(name="quiet"), "run")
'there is no fault to recover from; write a [[fault]]'
"""

from collections.abc import Iterator, Sequence

from actors import topology
from scenarios.arrivals import Nothing
from scenarios.expectations import ENDPOINTS, Expectation
from scenarios.scenario import Scenario, When

ORDERING = ("orders", "checkouts")
"""The loads that lead to orders."""

_WRITING = {"orders": ORDERING, "catalog": ("catalogue",), "inventory": (*ORDERING, "restock")}
"""The loads that lead to events in each log."""

_FOLLOWING = ("lag", "backlog", "time_behind", "age_of_information", "visible_within", "recovery")
"""The measures of how a consumer follows its logs."""

_EXAMPLES = {"own_read": "exp(500ms)"}


def lacking(expectation: Expectation, scenario: Scenario, when: When) -> str | None:
    """What the scenario lacks that the expectation needs, and the cure; None if it may have all."""
    if when in ("warm", "settle") and getattr(scenario.phases, when) == 0:
        return f'the phase lasts no time; write when = "run" or give phases.{when} a duration'
    if expectation.measure == "recovery" and not scenario.faults:
        return "there is no fault to recover from; write a [[fault]]"
    for loads in _loads(expectation, scenario):
        if not any(_has(scenario, load) for load in loads):
            none = f"no load of {loads[0]}" if len(loads) == 1 else f"none of the loads {', '.join(loads)}"
            example = _EXAMPLES.get(loads[0], "poisson(20/s)")
            return f'there is {none}; write load.{loads[0]} = "{example}"'
    return None


def _loads(expectation: Expectation, scenario: Scenario) -> Iterator[Sequence[str]]:
    """Loads of which each time one at least must be there."""
    measure, part = expectation.measure, expectation.part or ""
    if measure in _FOLLOWING:
        sources = topology.consumers(scenario.policy)[part]
        yield tuple(dict.fromkeys(load for source in sources for load in _WRITING[source]))
    elif measure == "stale_reads" or part == "own":
        yield from _reads(part)
    elif measure in ("success", "latency"):
        yield (ENDPOINTS.get(part, part),)
    elif measure == "read_your_writes":
        yield ORDERING
        yield ("own_read", "history")
    elif measure == "monotonic_reads":
        yield from _reads("history" if _has(scenario, "history") else "own")
    elif measure in ("oversold", "gaps"):
        yield ORDERING
    elif measure == "dead_letters":
        yield tuple(dict.fromkeys(load for loads in _WRITING.values() for load in loads))


def _reads(kind: str) -> Iterator[Sequence[str]]:
    if kind == "own":
        yield ("own_read",)
        yield ORDERING
    else:
        yield (kind,)


def _has(scenario: Scenario, load: str) -> bool:
    return not isinstance(getattr(scenario.load, load), Nothing)
