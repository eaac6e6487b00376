"""Patterns of faults: single rows of a scenario file that stand for several plain faults.

| pattern | stands for |
|---|---|
| `flap` | a node crashes, a store is unavailable or a link is cut, over and over |
| `rolling` | nodes crash in turn, each once the one before is up again, or `every` later |
| `attrition` | random nodes crash, `every` so often, but never more than `most` at once |

A pattern is expanded when the file is read, so that a scenario has plain faults only and its copy tells when
which node crashes. What is random in it is drawn from the scenario's seed: a sweep over seeds must read the
file again for each of them.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from scenarios.distributions import Constant
from scenarios.faultkinds import KINDS, NAMES
from scenarios.randomness import Streams
from scenarios.scenario import Fault
from scenarios.section import Section
from scenarios.values import format_duration

MOST_CRASHES = 10_000
"""An attrition of more crashes than this on average is taken for a mistake."""

_DOWN = {"node": "crash", "store": "unavailable", "link": "cut"}
"""How each class of targets is down."""

_ROUNDING_S = 1e-9
"""Times that overlap by no more than this only touch."""


class Crash(NamedTuple):
    """When a node may be down, and whose doing it is."""

    node: str
    start_s: float
    end_s: float
    row: Section


def expand(rows: Sequence[tuple[Section, Fault]], seed: int, run_s: float) -> tuple[Fault, ...]:
    """The faults of a file's rows, with plain ones in the place of each pattern.

    A pattern that is not `enabled` has its place too, so that the other faults keep theirs.

    Raises:
        ScenarioError: a pattern cannot be, alone or beside another one; names the row.

    """
    streams = Streams(seed)
    found: list[Fault] = []
    crashes: list[Crash] = []
    for index, (row, fault) in enumerate(rows):
        if not KINDS[fault.kind].pattern:
            found.append(fault)
            continue
        if fault.kind == "flap":
            plain = [_flap(fault)]
        elif fault.kind == "rolling":
            plain = _rolling(row, fault, run_s)
        else:
            drawn = list(_attrition(row, fault, run_s, streams, f"fault/{index}/attrition"))
            # Chance may spare every node; one crash that does not happen keeps the pattern's place.
            spared = Fault(kind="crash", on=fault.targets[0], for_=0.0, enabled=False)
            plain = drawn or [spared]
        found += plain
        if fault.enabled:
            crashes += _crashes(row, fault, plain, run_s)
    _refuse_overlaps(crashes)
    return tuple(found)


def _flap(fault: Fault) -> Fault:
    group = next(group for group in KINDS["flap"].targets if fault.targets[0] in NAMES[group])
    return _plain(_DOWN[group], fault.on, fault)


def _rolling(row: Section, fault: Fault, run_s: float) -> list[Fault]:
    if fault.for_ is None:
        raise row.fail("for", 'is not a fixed time, which a rolling restart takes; write for = "30s".')
    if fault.every is not None and not isinstance(fault.every, Constant):
        raise row.fail("every", 'is not a fixed time, which a rolling restart takes; write every = "10s".')
    nodes, at, down = fault.targets, fault.at or 0.0, fault.for_
    gap = fault.every.value if fault.every is not None else 0.0
    end = at + len(nodes) * down + (len(nodes) - 1) * gap
    if end > run_s + _ROUNDING_S:
        raise row.fail(
            "kind",
            f"restarts {len(nodes)} nodes until {format_duration(_tidy(end))}, and the run phase ends at "
            f"{format_duration(run_s)}; write an earlier `at`, a shorter `for`, fewer nodes (on), "
            "or a longer phases.run.",
        )
    return [
        Fault(kind="crash", on=node, at=round(at + turn * (down + gap), 9), for_=down, enabled=fault.enabled)
        for turn, node in enumerate(nodes)
    ]


def _attrition(row: Section, fault: Fault, run_s: float, streams: Streams, name: str) -> Iterator[Fault]:
    nodes, most = fault.targets, fault.most
    length = fault.length if fault.for_ is None else Constant(fault.for_)
    assert fault.every is not None, "an attrition is read with `every`"
    assert length is not None, "an attrition is read with `for`"
    assert most is not None, "an attrition is read with `most`"
    if most > len(nodes):
        raise row.fail("most", f"is more than the {len(nodes)} nodes there are; write most = {len(nodes)}.")
    if run_s > MOST_CRASHES * fault.every.mean:
        raise row.fail("every", 'crashes something without end; write a longer time, such as "exp(10s)".')
    again = fault.every.sampler(streams.stream(f"{name}/every"))
    lengths = length.sampler(streams.stream(f"{name}/for"))
    choice = streams.stream(name)
    down_until = dict.fromkeys(nodes, -math.inf)
    instant = again() if fault.at is None else fault.at
    while (at := _tidy(instant)) < run_s:
        down_s, place = _tidy(min(lengths(), run_s - at)), choice.uniform()
        up = [node for node in nodes if down_until[node] <= at]
        if len(nodes) - len(up) < most:
            node = up[int(place * len(up))]
            down_until[node] = at + down_s
            yield Fault(kind="crash", on=node, at=at, for_=down_s, enabled=fault.enabled)
        instant += again()


def _plain(kind: str, on: str, pattern: Fault) -> Fault:
    return Fault(
        kind=kind,
        on=on,
        at=pattern.at,
        for_=pattern.for_,
        every=pattern.every,
        length=pattern.length,
        enabled=pattern.enabled,
    )


def _tidy(seconds: float) -> float:
    """The time in whole microseconds, which a person can read in the run's copy."""
    return round(seconds, 6)


# -- patterns that cannot be side by side ----------------------------------------------------------------


def _crashes(row: Section, fault: Fault, plain: Sequence[Fault], run_s: float) -> list[Crash]:
    """When which nodes may be down, whatever the seed."""
    at = fault.at or 0.0
    nodes = [node for node in fault.targets if node in NAMES["node"]]
    if fault.kind == "rolling":
        return [Crash(one.on, one.at or 0.0, (one.at or 0.0) + (one.for_ or 0.0), row) for one in plain]
    if fault.kind == "flap" and fault.for_ is not None and isinstance(fault.every, Constant):
        fixed = plain[0].occurrences(Streams(0).stream(""), run_s)
        return [Crash(node, start, end, row) for node in nodes for start, end in fixed]
    return [Crash(node, at, run_s, row) for node in nodes]


def _refuse_overlaps(crashes: Sequence[Crash]) -> None:
    for one, other in pairwise(sorted(crashes, key=lambda crash: (crash.node, crash.start_s))):
        if one.node != other.node or one.row is other.row or other.start_s >= one.end_s - _ROUNDING_S:
            continue
        earlier, later = sorted((one.row, other.row), key=lambda row: row.name)
        raise later.fail(
            "kind",
            f"may crash {other.node} at {format_duration(other.start_s)}, when {earlier.name} "
            f"({earlier.table['kind']}) may have it down already; give one of them other nodes (on) or "
            "another time (at, for).",
        )
