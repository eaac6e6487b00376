"""Time behind over time: how old the oldest change is that a read model does not show yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.axes import duration_axis, time_axis
from reports.figures.faultbands import fault_bands, recovery_marks
from reports.figures.objectives import limit_lines, objectives
from reports.figures.style import described, legend, line_of, panels
from reports.measures.timeline import time_behind_over_time
from reports.quantities import duration
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run


def time_behind(run: Run) -> Figure:
    """The largest time behind of each read model in each window."""
    figure, (axes,) = panels(["Time behind"])
    words = draw_time_behind(run, axes)
    time_axis(run, axes)
    return described(figure, words)


def draw_time_behind(run: Run, axes: Axes) -> str:
    """Draw it into a panel and give it in words."""
    said = []
    highest_s = 0.0
    for consumer in shown_consumers(run):
        over_time = time_behind_over_time(run, consumer)
        at_s, behind_s = over_time["t_s"].to_numpy(), over_time["max_s"].to_numpy()
        axes.plot(at_s, behind_s, label=called(consumer), **line_of(consumer))
        largest_s = float(behind_s.max(initial=0.0))
        highest_s = max(highest_s, largest_s)
        when = f" near {duration(float(at_s[behind_s.argmax()]))}" if largest_s else ""
        said.append(f"{called(consumer)} {duration(largest_s)}{when}")
    axes.set_ylim(0.0, highest_s * 1.12 or 1.0)
    duration_axis(axes)
    limits = limit_lines(axes, objectives(run, "time_behind", "max"))
    bands = fault_bands(run, axes)
    recovery = recovery_marks(run, axes)
    legend(axes)
    return f"Largest time behind: {', '.join(said)}. {limits} {bands} {recovery}"
