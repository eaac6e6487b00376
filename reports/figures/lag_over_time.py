"""Lag over time: how long the events of each moment took to become visible, as p50 and p99 of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.figures.axes import duration_axis, time_axis
from reports.figures.faultbands import fault_bands
from reports.figures.objectives import limit_lines, objectives
from reports.figures.style import INK, described, legend, line_of, panels, sample
from reports.measures.timeline import lag_over_time as measured_over_time
from reports.quantities import duration
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from reports.evidence.frames import Run

LOWEST_S = 1e-4
"""What is faster than this is drawn here: no read model of a real system is, and zero has no logarithm."""


def lag_over_time(run: Run) -> Figure:
    """The p50 (thin) and p99 (thick) of each read model's lag, by the moment of the commit."""
    figure, (axes,) = panels(["Lag, by the moment of the commit"])
    words = draw_lag(run, axes)
    legend(
        axes,
        [
            *(sample(called(consumer), **line_of(consumer)) for consumer in shown_consumers(run)),
            *widths(),
        ],
    )
    time_axis(run, axes)
    return described(figure, words)


def widths() -> list[Line2D]:
    """What thin and thick lines mean, for a legend."""
    return [sample("p99", color=INK, linewidth=1.7), sample("p50", color=INK, linewidth=0.7)]


def draw_lag(run: Run, axes: Axes) -> str:
    """Draw it into a panel and give it in words."""
    said = []
    seen_s = [LOWEST_S]
    for consumer in shown_consumers(run):
        over_time = measured_over_time(run, consumer)
        if over_time.empty:
            continue
        at_s = over_time["t_s"].to_numpy()
        for column, width in (("p50_s", 0.7), ("p99_s", 1.7)):
            lag_s = np.maximum(over_time[column].to_numpy(), LOWEST_S)
            axes.plot(at_s, lag_s, linewidth=width, **line_of(consumer))
            seen_s += [float(lag_s.max()), float(lag_s.min())]
        p99_s = over_time["p99_s"].to_numpy()
        when_s = float(at_s[p99_s.argmax()])
        said.append(f"{called(consumer)} p99 {duration(float(p99_s.max()))} near {duration(when_s)}")
    at_bottom = sorted(seen_s)[1] if len(seen_s) > 1 else LOWEST_S
    lowest_s = 10.0 ** np.floor(np.log10(at_bottom) + 1e-9)
    duration_axis(axes, log=True)
    axes.set_ylim(lowest_s, max(max(seen_s) * 2.0, lowest_s * 10.0))
    limits = limit_lines(axes, objectives(run, "lag"))
    bands = fault_bands(run, axes)
    return f"Worst windows by lag: {', '.join(said)}. {limits} {bands}"
