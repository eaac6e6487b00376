"""Designs compared: every combination of some settings, under identical load, faults and seeds.

>>> parse_over('policy.join=wait,carried')
('policy.join', ('wait', 'carried'))
>>> parse_over('time.summary=lognormal(3ms, p99 15ms),4ms')[1]
('lognormal(3ms, p99 15ms)', '4ms')
>>> designs([parse_over("policy.join=wait,carried"), parse_over("policy.on_error=retry")])
[('policy.join=wait', 'policy.on_error=retry'), ('policy.join=carried', 'policy.on_error=retry')]
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from cqrs_lab.source import Source
from cqrs_lab.sweeps.replication import Replication
from cqrs_lab.sweeps.sweep import run_all, tabulate
from reports.comparing.replications import measure_of
from scenarios.errors import ScenarioError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from cqrs_lab.sweeps.folder import SweepFolder

MOST_DESIGNS = 200

Over = tuple[str, tuple[str, ...]]
"""A key, and the values that it is to have in turn."""

Design = tuple[str, ...]
"""Settings, one for each key."""

Table = dict[str, Any]


def parse_over(text: str) -> Over:
    """What an option such as `policy.join=wait,carried` says; commas in brackets or quotes part nothing.

    Raises:
        ScenarioError: it is not of that form, or names a value twice.

    """
    key, equals, listed = text.partition("=")
    values = tuple(_split(listed))
    if not equals or not key.strip() or not all(values):
        raise ScenarioError(
            f'{quoted(text)} is not a key with values; write it like "policy.join=wait,placeholder,carried".'
        )
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ScenarioError(f"{quoted(text)} names {quoted(twice)} twice; write each value once.")
    return key.strip(), values


def _split(text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth <= 0:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]


def designs(overs: Sequence[Over]) -> list[Design]:
    """Every combination, the last key varying fastest.

    Raises:
        ScenarioError: no key, one key twice, or too many combinations.

    """
    keys = [key for key, _ in overs]
    if not keys:
        raise ScenarioError('nothing is varied; write --over "policy.join=wait,carried".')
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ScenarioError(f"--over names {twice} twice; write all its values in one --over.")
    found = [
        tuple(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        for values in itertools.product(*(values for _, values in overs))
    ]
    if len(found) > MOST_DESIGNS:
        raise ScenarioError(f"--over makes {len(found):,} designs, more than {MOST_DESIGNS}; vary less.")
    return found


def sources_of(name_or_file: str, settings: Sequence[str], combined: Sequence[Design]) -> list[Source]:
    """The source of each design, once all of them are known to be valid.

    Raises:
        ScenarioError: one is not; names it.

    """
    found = []
    for design in combined:
        try:
            found.append(Source.find(name_or_file, [*settings, *design]))
        except ScenarioError as error:
            raise ScenarioError(f"the design {' '.join(design)}: {error}") from None
    return found


def vary(
    sources: Mapping[Design, Source],
    seeds: Sequence[int],
    *,
    folder: SweepFolder | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Table:
    """Run each design with each seed and return the table of all; see `cqrs_lab.sweeps.sweep.sweep`."""
    keys = {
        (design, seed): f"{number}/{seed}" for number, design in enumerate(sources, start=1) for seed in seeds
    }
    replications = [Replication(key, sources[design], seed) for (design, seed), key in keys.items()]
    results = run_all(replications, folder=folder, executor=executor, jobs=jobs, on_progress=on_progress)
    rows: list[Table] = [
        {"design": list(design)} | tabulate(source, {seed: results[keys[design, seed]] for seed in seeds})
        for design, source in sources.items()
    ]
    table = {
        "exit_code": max((row["exit_code"] for row in rows if row["verdict"] == "error"), default=0),
        "seeds": list(seeds),
        "designs": rows,
        "best": {name: found for name in _measures(rows) if (found := _best(name, rows))},
    }
    if folder is not None:
        folder.complete(table)
    return table


def _measures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row["measures"]))


def _best(name: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The designs with the best mean, by their place; none if all have the same, or only bounds are known.

    A mean that is a lower bound may be any larger one, so it is never the best where less is better.
    """
    measure = measure_of(name)
    spreads = {at: row["measures"][name] for at, row in enumerate(rows) if name in row["measures"]}
    known = {
        at: found["mean"]
        for at, found in spreads.items()
        if not (found["censored"] and measure.less_is_better)
    }
    if not known or (len(known) == len(spreads) and len(set(known.values())) == 1):
        return []
    best = (min if measure.less_is_better else max)(known.values())
    return [at for at, mean in known.items() if mean == best]
