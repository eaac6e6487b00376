"""Backlog over time: how many events were committed and not yet applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.axes import count_axis, time_axis
from reports.figures.faultbands import fault_bands
from reports.figures.objectives import limit_lines, objectives
from reports.figures.style import described, legend, line_of, panels
from reports.measures.timeline import backlog_over_time
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run


def backlog(run: Run) -> Figure:
    """The largest backlog of each read model in each window."""
    figure, (axes,) = panels(["Backlog (events)"])
    said = []
    highest = 1
    for consumer in shown_consumers(run):
        over_time = backlog_over_time(run, consumer)
        events = over_time["max_events"].to_numpy()
        axes.plot(over_time["t_s"].to_numpy(), events, label=called(consumer), **line_of(consumer))
        largest = int(events.max(initial=0))
        highest = max(highest, largest)
        said.append(f"{called(consumer)} {largest:,}")
    axes.set_ylim(0.0, highest * 1.12)
    count_axis(axes)
    limits = limit_lines(axes, objectives(run, "backlog", "max"))
    bands = fault_bands(run, axes)
    time_axis(run, axes)
    legend(axes)
    return described(figure, f"Largest backlog in events: {', '.join(said)}.", limits, bands)
