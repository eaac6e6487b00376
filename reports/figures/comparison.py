"""Several runs laid over each other: how late their changes came, as a distribution and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.evidence.following import of_consumer
from reports.figures.axes import duration_axis, share_axis, time_axis
from reports.figures.distribution import logarithmic_s
from reports.figures.faultbands import fault_bands
from reports.figures.lag_over_time import LOWEST_S
from reports.figures.style import GREY, SERIES, TOP_IN, described, legend, panels, sample
from reports.measures.lag import lags
from reports.measures.timeline import lag_over_time as measured_over_time
from reports.measures.visibility import visible_within
from reports.quantities import duration
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run

MOST = len(SERIES)
"""So many runs can be told apart in one figure."""


def ecdf_compare(runs: Sequence[Run], names: Sequence[str] | None = None) -> Figure | None:
    """The share of changes visible within x, one panel a read model that all runs have, one line a run.

    `names` stand for the runs in the legend. None if the runs have no read model in common.
    """
    consumers = _common(runs)
    if not consumers:
        return None
    figure, all_axes = _panels(runs, [f"{called(name)}: visible within x" for name in consumers])
    said = []
    for consumer, axes in zip(consumers, all_axes, strict=True):
        measured = [lags(of_consumer(run, consumer), run.phases.window("run")) for run in runs]
        after_s = logarithmic_s(one.at_most_s for one in measured)
        for name, style, one in zip(_named(runs, names), _styles(len(runs)), measured, strict=True):
            axes.plot(after_s, visible_within(one, after_s), **style)
            if one.count:
                said.append(f"{called(consumer)} in {name}: p99 {duration(one.percentile('p99'))}")
        duration_axis(axes, "x", log=True)
        axes.grid(visible=True, axis="x")
        axes.set_xlim(after_s[0], after_s[-1])
        share_axis(axes)
        axes.set_ylim(0.0, 1.02)
        axes.set_xlabel("x: time after the commit")
        _legend(runs, names, axes)
    return described(figure, f"{'; '.join(said)}.")


def lag_compare(runs: Sequence[Run], names: Sequence[str] | None = None) -> Figure | None:
    """The p99 of the lag over time, one panel a read model that all runs have, one line a run.

    The fault bands are those of the first run. None if the runs have no read model in common.
    """
    consumers = _common(runs)
    if not consumers:
        return None
    figure, all_axes = _panels(runs, [f"{called(name)}: lag p99" for name in consumers])
    said = []
    for consumer, axes in zip(consumers, all_axes, strict=True):
        seen_s = [LOWEST_S * 10.0]
        for name, style, run in zip(_named(runs, names), _styles(len(runs)), runs, strict=True):
            over_time = measured_over_time(run, consumer)
            if over_time.empty:
                continue
            p99_s = np.maximum(over_time["p99_s"].to_numpy(), LOWEST_S)
            axes.plot(over_time["t_s"].to_numpy(), p99_s, **style)
            seen_s.append(float(p99_s.max()))
            said.append(f"{called(consumer)} in {name}: at most {duration(seen_s[-1])}")
        duration_axis(axes, log=True)
        axes.set_ylim(LOWEST_S, max(seen_s) * 2.0)
        fault_bands(runs[0], axes)
        time_axis(max(runs, key=lambda run: run.phases.end_s), axes)
        _legend(runs, names, axes)
    return described(figure, f"Largest p99 of a window: {'; '.join(said)}.")


def _common(runs: Sequence[Run]) -> list[str]:
    """The read models that all runs have."""
    if not all(run.consumers for run in runs) or not runs:
        return []
    return [name for name in shown_consumers(runs[0]) if all(name in run.consumers for run in runs)]


def _styles(count: int) -> list[dict[str, Any]]:
    """The line of each run; those beyond what can be told apart are grey."""
    rest: list[dict[str, Any]] = [{"color": GREY, "linewidth": 0.7}] * max(0, count - MOST)
    return [*SERIES[:count], *rest]


def _named(runs: Sequence[Run], names: Sequence[str] | None) -> list[str]:
    if names is not None:
        return list(names)
    return [f"{run.info.get('scenario', 'run')}, seed {run.info.get('seed', '?')}" for run in runs]


def _panels(runs: Sequence[Run], titles: list[str]) -> tuple[Figure, list[Axes]]:
    """Panels with room above each for a legend of as many rows as there are runs, if they have long names."""
    more_in = 0.16 * (min(len(runs), MOST) - 1)
    return panels(titles, 2.6 + more_in, top_in=TOP_IN + more_in)


def _legend(runs: Sequence[Run], names: Sequence[str] | None, axes: Axes) -> None:
    labelled = list(zip(_named(runs, names), _styles(len(runs)), strict=True))[:MOST]
    legend(axes, [sample(name, **style) for name, style in labelled], room_in=5.0)
