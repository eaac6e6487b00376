"""A comparison as headed grids of text, from which the terminal, Markdown and HTML make their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cqrs_lab.terminal.sweep import SHOWN
from reports.quantities import change, quantity
from reports.read_models import called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN_HERE = (*SHOWN, "lag.p50", "client.lag.p50", "client.lag.p99", "client.latency.p99")
"""The measures of the table; the JSON has the others too."""

MOST_SETTINGS = 3

Style = Literal["", "good", "bad"]


class Cell(NamedTuple):
    """A text, and whether it is good or bad news."""

    text: str
    style: Style = ""


class Grid(NamedTuple):
    """A table: its title, the heads of its columns, its rows; the first `left` cells of each are words."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    left: int = 1


def grids(table: Mapping[str, Any]) -> list[Grid]:
    """All grids of the comparison, in the order in which they are read; empty ones are left out."""
    found = [_sides(table), _scenario(table), _measures(table), _claims(table), *_lags(table)]
    return [grid for grid in found if grid.rows]


def remarks(table: Mapping[str, Any]) -> list[str]:
    """What is to be said in whole sentences: notes, and where the distributions part."""
    same = sum(not _differs(row) for name, row in table["measures"].items() if _is_shown(name))
    said = list(table["notes"])
    if same:
        said.append(f"{same} other measures are the same on all sides")
    if not _claims(table).rows:
        said.append("every expectation holds in every run" if table["claims"] else "nothing is expected")
    sentences = [f"{one[0].upper()}{one[1:]}." for one in said]
    several = len(table["lags"]) > 1
    for pair in table["lags"]:
        against = f"{pair['side']} against A, " if several else ""
        sentences += [f"{against}{lag['words']}" for lag in pair["consumers"].values()]
    if table["measures"] and not any(
        found["is_clear"] is not None for row in table["measures"].values() for found in row["differences"]
    ):
        sentences.append("One run on a side tells nothing of chance: name several runs, or sweeps.")
    return sentences


def _plain(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)


def _letters(table: Mapping[str, Any]) -> list[str]:
    return [side["side"] for side in table["sides"]]


def _sides(table: Mapping[str, Any]) -> Grid:
    rows = []
    for side, what in zip(table["sides"], side_names(table), strict=True):
        many = "1 run" if side["runs"] == 1 else f"{side['runs']:,} runs"
        seeds = f", seed{'s' if side['runs'] > 1 else ''} {ranges(side['seeds'])}" if side["seeds"] else ""
        passed = side["passed"]
        everything = passed["count"] == passed["of"]
        held = Cell(f"{passed['count']} of {passed['of']}", "good" if everything else "bad")
        rows.append((*_plain(side["side"], what, f"{side['engine']}, {many}{seeds}"), held))
    return Grid("", ("", "scenario", "what it is", "pass"), rows, left=3)


def side_names(table: Mapping[str, Any]) -> list[str]:
    """The scenario of each side, and up to three of the keys in which it differs from A.

    Where a simulated side is held against a live one, that is the difference, whatever the keys say.
    """
    if len({side["engine"] for side in table["sides"]}) > 1:
        return [f"{side['scenario']}, {side['engine']}" for side in table["sides"]]
    found = []
    for side in table["sides"]:
        settings = [f"{key}={_value(value)}" for key, value in side["settings"].items()]
        more = ["…"] if len(settings) > MOST_SETTINGS else []
        found.append(", ".join([side["scenario"], *settings[:MOST_SETTINGS], *more]))
    return found


def ranges(numbers: Sequence[int]) -> str:
    """Whole numbers, runs of them drawn together.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1..3, 7, 9, 10'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    said = [f"{part[0]}..{part[-1]}" if len(part) > 2 else ", ".join(map(str, part)) for part in parts]
    return ", ".join(said)


def _scenario(table: Mapping[str, Any]) -> Grid:
    rows = [
        _plain(key, *(_value(value) for value in values))
        for key, values in table["scenario_differences"].items()
    ]
    letters = _letters(table)
    return Grid("What the scenarios say differently", ("key", *letters), rows, left=1 + len(letters))


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return "yes" if value is True else str(value)


def _is_shown(name: str) -> bool:
    return name.partition("{")[0] in SHOWN_HERE


def _differs(row: Mapping[str, Any]) -> bool:
    return any(
        found["difference"] != 0.0 or found["bound"] or found["is_clear"] or found["low"] != found["high"]
        for found in row["differences"]
    )


def _measures(table: Mapping[str, Any]) -> Grid:
    letters = _letters(table)
    shown = {name: row for name, row in table["measures"].items() if _is_shown(name) and _differs(row)}
    certain = [
        any(row["differences"][at]["is_clear"] is not None for row in shown.values())
        for at in range(len(letters) - 1)
    ]
    heads = ["measure", *letters]
    for letter, has_intervals in zip(letters[1:], certain, strict=True):
        heads += [f"{letter} − A", "95 % interval", f"{letter} is"] if has_intervals else [f"{letter} − A"]
    rows = []
    for name, row in shown.items():
        cells = [Cell(name), *(_mean(mean, row["unit"]) for mean in row["means"])]
        for found, has_intervals in zip(row["differences"], certain, strict=True):
            said = _difference(found, row["unit"], row["less_is_better"])
            cells += said if has_intervals else said[:1]
        rows.append(tuple(cells))
    return Grid("What the measures come to (means over the runs)", tuple(heads), rows)


def _mean(mean: Mapping[str, Any], unit: str) -> Cell:
    return Cell(f"{'≥ ' if mean['censored'] else ''}{quantity(mean['mean'], unit)}")


def _difference(found: Mapping[str, Any], unit: str, less_is_better: bool) -> tuple[Cell, Cell, Cell]:
    bound = f"{found['bound']} " if found["bound"] else ""
    amount = Cell(f"{bound}{change(found['difference'], unit)}")
    low, high = found["low"], found["high"]
    if low is None and high is None:
        return amount, Cell("–"), Cell("")
    if low is None or high is None:
        interval = Cell(f"≤ {change(high, unit)}" if low is None else f"≥ {change(low, unit)}")
    else:
        interval = Cell(f"{change(low, unit)} … {change(high, unit)}")
    if not found["is_clear"]:
        return amount, interval, Cell("unclear" if found["difference"] else "equal")
    better = (found["difference"] < 0) == less_is_better
    return amount, interval, Cell("better", "good") if better else Cell("worse", "bad")


def _claims(table: Mapping[str, Any]) -> Grid:
    """The claims that do not hold in every run of every side that makes them."""
    rows = []
    for text, held in table["claims"].items():
        if all(one == "" or _all_held(one) for one in held):
            continue
        cells = [Cell(one or "–", "" if not one else "good" if _all_held(one) else "bad") for one in held]
        rows.append((Cell(text), *cells))
    return Grid("Expected, but not in every run", ("holds in", *_letters(table)), rows)


def _all_held(count: str) -> bool:
    held, _, of = count.partition("/")
    return held == of


def _lags(table: Mapping[str, Any]) -> list[Grid]:
    """Of each side but A: how far its lags are from those of A, and its percentiles over those of A."""
    found = []
    for pair in table["lags"]:
        rows = [
            _plain(called(name), _distance(lag["distance"]), *(_ratio(part) for part in lag["percentiles"]))
            for name, lag in pair["consumers"].items()
        ]
        ratio = f"{pair['side']}/A"
        heads = ("read model", "distance (KS)", f"p50 {ratio}", f"p95 {ratio}", f"p99 {ratio}")
        found.append(Grid(f"How far the lags of {pair['side']} are from those of A", heads, rows))
    return found


def _distance(distance: Mapping[str, float]) -> str:
    least, most = f"{distance['at_least']:.3f}", f"{distance['at_most']:.3f}"
    return least if least == most else f"{least}–{most}"


def _ratio(part: Mapping[str, Any]) -> str:
    if part["ratio"] is None:
        return "–"
    return f"{'≥ ' if part['other_is_bound'] else ''}{part['ratio']:.3g}"
