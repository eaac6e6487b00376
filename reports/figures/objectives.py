"""The objective in a figure: the limits that the scenario's expectations set, as lines with their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actors.topology import node_of
from reports.evidence.frames import RunError
from reports.figures.style import INK, line_of
from scenarios.errors import ScenarioError
from scenarios.expectations import Expectation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.evidence.frames import Run


def objectives(run: Run, measure: str, *statistics: str) -> list[Expectation]:
    """What the scenario expects of this measure of the run's consumers: all statistics, or these."""
    try:
        scenario = run.scenario()
    except (RunError, ScenarioError):  # an incomplete folder: the page says so
        return []
    nodes = {node_of(consumer) for consumer in run.consumers}
    found = (
        claim
        for expect in scenario.expect
        for claim in expect.that
        if isinstance(claim, Expectation)
        and claim.measure == measure
        and (claim.part is None or claim.part in nodes)
        and (not statistics or claim.statistic in statistics)
    )
    return sorted(set(found), key=lambda claim: claim.value)


def limit_lines(axes: Axes, claims: list[Expectation]) -> str:
    """A line at each limit, its text at the right end; gives them in words.

    The axis is widened to hold a limit, but not so far that the curves would shrink to nothing.
    """
    shown = []
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    reach = high * (30.0 if log else 2.0)
    taken: list[float] = []
    for claim in claims:
        if not 0.0 < claim.value <= reach:
            continue
        high = max(high, claim.value * (2.5 if log else 1.12))
        shown.append(claim)
    axes.set_ylim(low, high)
    for value in dict.fromkeys(claim.value for claim in shown):
        mine = [claim for claim in shown if claim.value == value]
        place = _place(value, low, high, log=log)
        below = any(abs(place - other) < 0.1 for other in taken)
        taken.append(place)
        alone = len({claim.part for claim in mine}) == 1
        colour = line_of(mine[0].part)["color"] if alone and mine[0].part else INK
        axes.axhline(value, color=colour, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.annotate(
            f"objective: {', '.join(claim.text for claim in mine)}",
            (1.0, value),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-2, -3 if below else 2),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            fontsize=8,
        )
    return f"Objectives: {', '.join(claim.text for claim in shown)}." if shown else ""


def _place(value: float, low: float, high: float, *, log: bool) -> float:
    """How high a value stands in the panel, from 0 to 1."""
    if log:
        return float(np.log(value / low) / np.log(high / low))
    return (value - low) / (high - low)
