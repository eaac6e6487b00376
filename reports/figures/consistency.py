"""The figure: how far each read model was behind over time, and how late the events of each moment came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.axes import time_axis
from reports.figures.lag_over_time import draw_lag, widths
from reports.figures.style import described, legend, panels
from reports.figures.time_behind import draw_time_behind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run


def consistency(run: Run) -> Figure:
    """Time behind above; below it lag, p50 and p99, by the moment of the commit."""
    figure, (upper, lower) = panels(["Time behind", "Lag, by the moment of the commit"])
    words = draw_time_behind(run, upper)
    more = draw_lag(run, lower)
    legend(lower, widths())
    time_axis(run, upper)
    time_axis(run, lower)
    return described(figure, words, more)
