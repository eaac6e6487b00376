"""Experiments laid side by side: what they were, what each measure comes to, and what differs for certain.

The first side is the base: differences are the others minus it. Two sides answer the same question only under
the same load, population and phases; others are refused, with the keys in which they differ, unless the user
insists. Design decisions, times, links and faults are what comparisons are about, and may differ.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cqrs_lab.comparing.sides import PROBE
from reports.comparing.compare import paired, unpaired
from reports.comparing.compare_lags import Apart, Part, apart
from reports.comparing.replications import MEASURES, Value, main_measures, measure_of, share
from reports.quantities import duration, quantity
from reports.read_models import called

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cqrs_lab.comparing.sides import Side

Table = dict[str, Any]

SAME_QUESTION = ("load", "population", "phases")
"""Keys that must be equal, or their numbers answer different questions."""

SAME_QUESTION_OF_PROBE = ("write", "phases")
"""The same of a probe."""

MOST_SIDES = 12
LETTERS = "ABCDEFGHIJKL"


class Incomparable(Exception):
    """The sides cannot be compared; the message says why and what to do."""


def compare(sides: Sequence[Side], *, force: bool = False) -> Table:
    """The comparison as plain data; durations are in seconds.

    Raises:
        Incomparable: fewer than two sides, no measure in common, or, unless `force`, another question.

    """
    if not 2 <= len(sides) <= MOST_SIDES:
        raise Incomparable(
            f"a comparison needs 2 to {MOST_SIDES} sides, and these folders make {len(sides)}; "
            "name runs of different designs, or several seeds of each"
        )
    notes = [note for side in sides for note in side.notes]
    for letter, side in zip(LETTERS[1:], sides[1:], strict=False):
        why = _other_question(sides[0], side)
        if why and not force:
            raise Incomparable(
                f"A and {letter} cannot be compared: {why}; --force compares them all the same"
            )
        if why:
            notes.append(f"compared all the same: {why}")
        notes += _pairing(letter, sides[0], side)
    measured = [{seed: main_measures(summary) for seed, summary in side.summaries.items()} for side in sides]
    names = [name for name in _names(measured) if all(_has(name, side) for side in measured)]
    if not names:
        raise Incomparable(
            "they have no measure in common: "
            + "; ".join(f"{letter} is {_known(side)}" for letter, side in zip(LETTERS, sides, strict=False))
            + ". A probe can be held against another probe, or against a live run"
        )
    return {
        "sides": [_said(letter, side, sides[0]) for letter, side in zip(LETTERS, sides, strict=False)],
        "notes": notes,
        "scenario_differences": scenario_differences(sides),
        "measures": {name: _measure(name, sides, measured) for name in names},
        "claims": _claims(sides),
        "lags": [
            {"side": letter, "consumers": dict(_lags(sides[0], side, letter))}
            for letter, side in zip(LETTERS[1:], sides[1:], strict=False)
            if sides[0].runs and side.runs
        ],
    }


def _other_question(base: Side, other: Side) -> str:
    """Why two sides do not answer the same question, with the first keys that differ; empty if they do."""
    if (base.engine == PROBE) != (other.engine == PROBE):
        return "a probe describes its load in another way, so nobody can say that it was the same"
    sections = SAME_QUESTION_OF_PROBE if base.engine == PROBE else SAME_QUESTION
    differing = [
        f"{key} is {_text(base.keys.get(key))} and {_text(other.keys.get(key))}"
        for key in dict.fromkeys((*base.keys, *other.keys))
        if key.partition(".")[0] in sections and base.keys.get(key) != other.keys.get(key)
    ]
    more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
    return f"they answer different questions, as {', '.join(differing[:3])}{more}" if differing else ""


def _pairing(letter: str, base: Side, other: Side) -> list[str]:
    """What is to be said of the seeds, if the two sides have not all in common."""
    if not (base.is_simulated and other.is_simulated) or base.summaries.keys() == other.summaries.keys():
        return []
    shared = len(base.summaries.keys() & other.summaries.keys())
    if not shared:
        return [f"A and {letter} share no seed, so the difference of their means is taken"]
    return [f"A and {letter} share {shared} seeds; their differences are over these alone"]


def scenario_differences(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """What the scenarios say differently: each key with its value on every side, None where it has none."""
    keys = dict.fromkeys(key for side in sides for key in side.keys)
    values = {key: [side.keys.get(key) for side in sides] for key in keys}
    return {
        key: found
        for key, found in values.items()
        if any(value != found[0] for value in found) and key != "question"
    }


def _said(letter: str, side: Side, base: Side) -> Table:
    words = [verdict["verdict"] for verdict in side.verdicts.values()]
    differs = scenario_differences([base, side])
    return {
        "side": letter,
        "scenario": side.name,
        "engine": side.engine,
        "seeds": list(side.summaries) if side.is_simulated else None,
        "runs": len(side.summaries),
        "verdicts": {word: words.count(word) for word in dict.fromkeys(words)},
        "passed": asdict(share(words.count("pass"), len(words))),
        "settings": {
            key: found[1] for key, found in differs.items() if key != "name" and not key.startswith("expect")
        },
        "folders": [str(folder) for folder in side.folders],
    }


def _known(side: Side) -> str:
    return "a probe, which knows what clients saw" if side.engine == PROBE else f"a {side.engine} run"


# -- measures ------------------------------------------------------------------------------------------


def _names(measured: Sequence[Mapping[int, Mapping[str, Value]]]) -> list[str]:
    found = dict.fromkeys(name for side in measured for values in side.values() for name in values)
    ranks = {name: rank for rank, name in enumerate(MEASURES)}
    return sorted(found, key=lambda name: ranks[name.partition("{")[0]])


def _has(name: str, side: Mapping[int, Mapping[str, Value]]) -> bool:
    return any(name in values for values in side.values())


def _measure(
    name: str, sides: Sequence[Side], measured: Sequence[Mapping[int, Mapping[str, Value]]]
) -> Table:
    values = [{seed: found[name] for seed, found in of_side.items() if name in found} for of_side in measured]
    measure = measure_of(name)
    return {
        "unit": measure.unit,
        "less_is_better": measure.less_is_better,
        "means": [
            {
                "mean": round(sum(value.value for value in side.values()) / len(side), 9),
                "censored": any(value.censored for value in side.values()),
            }
            for side in values
        ],
        "differences": [
            _difference(sides[0].is_simulated and side.is_simulated, values[0], found)
            for side, found in zip(sides[1:], values[1:], strict=True)
        ],
    }


def _difference(may_pair: bool, base: Mapping[int, Value], other: Mapping[int, Value]) -> Table:
    if may_pair and base.keys() & other.keys():
        found = paired(base, other)
    else:
        found = unpaired(list(base.values()), list(other.values()))
    return asdict(found) | {"is_clear": found.is_clear}


def _claims(sides: Sequence[Side]) -> dict[str, list[str]]:
    """In how many runs of each side each claim held, such as `3/4`; empty where nobody made it."""
    found: dict[str, list[str]] = {}
    for at, side in enumerate(sides):
        counts: dict[str, list[int]] = {}
        for verdict in side.verdicts.values():
            for claim in verdict["results"]:
                text = claim["text"] if claim["when"] == "run" else f"{claim['text']} ({claim['when']})"
                held = counts.setdefault(text, [0, 0])
                held[0] += claim["held"] is True
                held[1] += 1
        for text, (held_in, of) in counts.items():
            found.setdefault(text, [""] * len(sides))[at] = f"{held_in}/{of}"
    return found


# -- distributions -------------------------------------------------------------------------------------


def _lags(base: Side, other: Side, letter: str) -> Iterator[tuple[str, Table]]:
    for consumer in base.runs[0].consumers:
        if not all(consumer in run.consumers for run in (*base.runs, *other.runs)):
            continue
        found = apart(base.runs, other.runs, consumer)
        if found is not None:
            yield (
                consumer,
                {
                    "distance": found.distance._asdict(),
                    "percentiles": [_part(part) for part in found.percentiles],
                    "parts": [_part(part) for part in found.parts],
                    "words": in_words(consumer, found, ("A", letter)),
                },
            )


def _part(part: Part) -> Table:
    return part._asdict() | {"ratio": part.ratio, "parts": part.parts}


def in_words(consumer: str, found: Apart, letters: Sequence[str] = ("A", "B")) -> str:
    """Where two distributions of lag agree, and where they part.

    >>> from reports.comparing.compare_lags import Distance
    >>> body, tail = Part("the body", 0.004, 0.005), Part("the tail", 0.02, 0.08)
    >>> in_words("summary", Apart(Distance(0.1, 0.1), (), (body, tail)))
    'summary: alike in the body; they part in the tail (A 20 ms, B 80 ms: 4 times as long).'
    """
    alike = [part.name for part in found.parts if not part.parts]
    parting = [f"{part.name} ({_values(part, letters)})" for part in found.parts if part.parts]
    said = [f"alike in {_listed(alike)}"] if alike else []
    said += [f"they part in {_listed(parting)}"] if parting else []
    return f"{called(consumer)}: {'; '.join(said) or 'too little to tell'}."


def _values(part: Part, letters: Sequence[str]) -> str:
    base, other = (
        f"{letter} {'≥ ' if is_bound else ''}{duration(value)}"
        for letter, value, is_bound in zip(
            letters, (part.base_s, part.other_s), (part.base_is_bound, part.other_is_bound), strict=True
        )
    )
    if not part.ratio:
        return f"{base}, {other}"
    longer = part.ratio if part.ratio >= 1.0 else 1.0 / part.ratio
    said = (
        f"{quantity(longer, 'count')} times as long"
        if part.ratio >= 1.0
        else f"1/{quantity(longer, 'count')} of it"
    )
    return f"{base}, {other}: {said}"


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _text(value: Any) -> str:
    return "nothing" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
