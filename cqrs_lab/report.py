"""report.html and its figures: written into a run folder, from what the folder holds.

A folder that is incomplete, or that another engine or version has written, gets the page of what there is.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

from reports.evidence.frames import CONTRADICTIONS, RunError, load_run
from reports.summary import summarise
from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from reports.evidence.frames import Run
    from reports.page import Change
    from scenarios.scenario import Scenario

PAGE = "report.html"

FIGURES = (
    "consistency",
    "backlog",
    "visibility",
    "lag_ccdf",
    "session_violations",
    "gaps",
    "throughput_latency",
    "probed_visibility",
)
"""Functions in `reports.figures`; the page shows each in the part that speaks of it."""

OF_EVENTS = ("consistency", "backlog", "visibility", "lag_ccdf")
"""Those that would be empty without a single event."""


def write_report(folder: str | Path, *, png: bool = False) -> Path:
    """Write figures/ and report.html into the run folder, in place of what is there; gives the page's path.

    With `png` each figure also as a picture of pixels, for slides.

    Raises:
        RunError: it is no run folder.
        OSError: it cannot be written.

    """
    run = load_run(folder)
    assert run.folder is not None, "the run is from a folder"
    missing = list(run.missing)
    summary, verdict = (_read(run.folder / f"{name}.json", missing) for name in ("summary", "verdict"))
    if not summary and run.info.get("engine") != "probe":
        with _what_can_be("the numbers", missing):
            summary = summarise(run)
    return write_report_of(run, summary, verdict, missing=tuple(missing), png=png)


@contextlib.contextmanager
def _what_can_be(name: str, missing: list[str]) -> Iterator[None]:
    """What is made within may fail for want of a table, or since tables contradict each other."""
    try:
        yield
    except RunError:  # a table is missing; `run.missing` says so
        pass
    except CONTRADICTIONS as error:
        why = f"{type(error).__name__}: {error}"
        missing.append(f"{name} cannot be made, as the tables do not fit together ({why})")


def write_report_of(
    run: Run,
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any],
    *,
    missing: tuple[str, ...] = (),
    png: bool = False,
) -> Path:
    """The same for a run that is loaded, with the contents of summary.json and verdict.json.

    Raises:
        OSError: the folder cannot be written.

    """
    from reports import figures
    from reports.page import Told, page
    from reports.page.told import Drawn

    assert run.folder is not None, "a report is written into a folder"
    scenario = _scenario(run)
    place = run.folder / "figures"
    place.mkdir(exist_ok=True)
    drawn = {}
    lacking = list(missing)
    for name, figure in _figures(run, lacking):
        svg = figures.svg(figure)
        drawn[name] = Drawn(svg, figures.words_of(figure))
        (place / f"{name}.svg").write_text(svg, encoding="utf-8")
        if png:
            (place / f"{name}.png").write_bytes(figures.png(figure))
    told = Told(
        run=run,
        summary=summary,
        verdict=verdict,
        scenario=scenario,
        missing=tuple(lacking),
        drawn=drawn,
        varied=_varied(scenario),
        decisions=_decisions(scenario),
        faults=_faults(scenario),
        question=scenario.question if scenario is not None else _question_of_probe(run.folder),
    )
    path = run.folder / PAGE
    path.write_text(page(told), encoding="utf-8")
    return path


def _figures(run: Run, missing: list[str]) -> Iterator[tuple[str, Figure]]:
    """The figures that the run has the tables for, by their names; why others cannot be made in `missing`."""
    from reports import figures
    from reports.evidence.following import of_consumer
    from reports.journey import worst_orders
    from reports.page.worst import sequence_name

    for name in FIGURES:
        figure = None
        with _what_can_be(f"the figure {name}", missing):
            if name not in OF_EVENTS or any(len(of_consumer(run, one).event) for one in run.consumers):
                figure = getattr(figures, name)(run)
        if figure is not None:
            yield name, figure
    worst = []
    with _what_can_be("the worst orders", missing):
        worst = [order.order_id for order in worst_orders(run)]
    for order_id in worst:
        figure = None
        with _what_can_be(f"the messages of order {order_id}", missing):
            figure = figures.message_sequence(run, order_id)
        if figure is not None:
            yield sequence_name(order_id), figure


def _read(path: Path, missing: list[str]) -> dict[str, Any]:
    """The content of a JSON file; if that is nothing, says so in `missing`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        missing.append(f"{path.name} is missing")
    except (OSError, ValueError) as error:
        missing.append(f"{path.name} cannot be read ({error})")
    else:
        if isinstance(content, dict):
            return content
        missing.append(f"{path.name} holds {type(content).__name__}, not an object with keys")
    return {}


def _scenario(run: Run) -> Scenario | None:
    try:
        return run.scenario()
    except (RunError, ScenarioError):  # `missing` says so, or it is a probe, which has none
        return None


def _varied(scenario: Scenario | None) -> tuple[Change, ...] | None:
    """What differs from the library's scenario of this name; None if there is none."""
    from cqrs_lab.comparing.sides import keys_of
    from reports.page import Change
    from scenarios import library
    from scenarios.file import read

    if scenario is None or scenario.name not in library.names():
        return None
    there = keys_of(read(library.find(scenario.name), seed=scenario.seed))
    here = keys_of(scenario)
    return tuple(
        Change(key, here.get(key), there.get(key))
        for key in dict.fromkeys([*there, *here])
        if here.get(key) != there.get(key)
    )


def _decisions(scenario: Scenario | None) -> tuple[Change, ...]:
    """The policy key by key, each beside its default."""
    from cqrs_lab.comparing.sides import keys_of
    from reports.page import Change
    from scenarios.scenario import Scenario as Described

    if scenario is None:
        return ()
    usual = keys_of(Described(name="default"))
    return tuple(
        Change(key, value, usual.get(key))
        for key, value in keys_of(scenario).items()
        if key.startswith("policy.")
    )


def _faults(scenario: Scenario | None) -> dict[int, dict[str, Any]]:
    """The faults by their numbers, each key by key as the file says it."""
    from cqrs_lab.comparing.sides import keys_of

    found: dict[int, dict[str, Any]] = {}
    for key, value in keys_of(scenario).items() if scenario is not None else ():
        if key.startswith("fault."):
            _, number, name = key.split(".", 2)
            found.setdefault(int(number), {})[name] = value
    return found


def _question_of_probe(folder: Path) -> str:
    """What a probe was to answer, from its file; empty if there is none."""
    try:
        described = tomllib.loads((folder / "probe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(described.get("question", ""))
