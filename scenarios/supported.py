"""What a scenario may say that does not take effect yet, so that no run claims what it did not do.

The tables hold what does take effect; `refuse_unsupported` names the first thing that does not.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from actors.policy import ConsumerPolicy
from scenarios.arrivals import Closed
from scenarios.errors import ScenarioError
from scenarios.expectations import Checker
from scenarios.faultkinds import KINDS
from scenarios.names import LOADS
from scenarios.scenario import Scenario
from scenarios.section import toml

POLICY: Mapping[str, tuple[Any, ...]] = {
    "publish": ("outbox", "direct"),
    "stock": ("none", "view"),
    "read": ("eventual",),
}
"""The values of the policies of the whole system; a key that is not here takes effect with every value."""

CONSUMER: Mapping[str, tuple[Any, ...]] = {
    "join": ("wait", "carried"),
    "on_error": ("retry",),
    "partitions": (1,),
    "replicas": (1,),
    "inbox": (0,),
}
"""The values of the policies of one consumer."""

RETRY: Mapping[str, tuple[Any, ...]] = {"attempts": (0,), "in_line": (True,)}
"""The values of the keys of `retry`."""

FAULTS = ("pause", "crash", "unavailable", "delay", "cut")
CLOSED_LOADS = ("orders",)
MEASURES: Mapping[str, tuple[str, ...] | None] = {
    "lag": None,
    "backlog": None,
    "time_behind": None,
    "age_of_information": None,
    "stale_reads": None,
    "visible_within": None,
    "read_your_writes": None,
    "monotonic_reads": None,
    "recovery": None,
    "success": None,
    "latency": ("orders", "POST /orders"),
}
"""The measures, and their parts where not all can be measured."""

CHECKERS = ("no lost", "no phantom", "faults fired", "converged")


class Unsupported(NamedTuple):
    """A key whose value does not take effect, and what to write instead."""

    key: str
    value: Any
    instead: str


def refuse_unsupported(scenario: Scenario, source: str) -> None:
    """Do nothing if all of the scenario takes effect.

    Raises:
        ScenarioError: something does not; says what works instead.

    """
    for key, value, instead in unsupported(scenario):
        raise ScenarioError(f"{source}: {key} = {toml(value)}: is not supported yet; {instead}.")


def unsupported(scenario: Scenario) -> Iterator[Unsupported]:
    """Everything in the scenario that does not take effect, in the order of the file."""
    for name in LOADS:
        load = getattr(scenario.load, name)
        if isinstance(load, Closed) and name not in CLOSED_LOADS:
            yield Unsupported(f"load.{name}", str(load), 'write an open load such as "poisson(20/s)"')
    if scenario.preset is not None:
        yield Unsupported("policy.preset", scenario.preset, "leave it out and write the keys of [policy]")
    yield from _refused("policy", scenario.policy, POLICY)
    yield from _consumer("policy", scenario.policy.consumer)
    for name, consumer in scenario.policy.overrides.items():
        yield from _consumer(f"policy.{name}", consumer)
    for index, fault in enumerate(scenario.faults):
        if fault.kind not in FAULTS:
            instead = f"write one of {_either(FAULTS)}"
            if KINDS[fault.kind].pattern:
                instead = 'write the rows one by one, or one row with `every`, such as kind = "crash"'
            yield Unsupported(f"fault.{index}.kind", fault.kind, instead)
    for index, expect in enumerate(scenario.expect):
        for item in expect.that:
            instead = _instead(item)
            if instead:
                yield Unsupported(f"expect.{index}.that", item.text, instead)


def _consumer(prefix: str, consumer: ConsumerPolicy) -> Iterator[Unsupported]:
    yield from _refused(prefix, consumer, CONSUMER)
    if consumer.on_error == "retry":
        yield from _refused(f"{prefix}.retry", consumer.retry, RETRY)


def _refused(prefix: str, policy: Any, table: Mapping[str, tuple[Any, ...]]) -> Iterator[Unsupported]:
    for name, values in table.items():
        value = getattr(policy, name)
        if value not in values:
            yield Unsupported(f"{prefix}.{name}", value, f"write {name} = {_either(values)}")


def _instead(item: Any) -> str:
    """What to write instead of an expectation or a checker; empty if it can be judged."""
    if isinstance(item, Checker):
        return "" if item.name in CHECKERS else f"write one of {_either(CHECKERS)}"
    if item.measure not in MEASURES:
        return f"write one of {_either(tuple(MEASURES))}"
    parts = MEASURES[item.measure]
    if parts is not None and item.part not in parts:
        return f"write {item.measure} of one of {_either(parts)}"
    return ""


def _either(values: tuple[Any, ...]) -> str:
    return " or ".join(toml(value) for value in values)
