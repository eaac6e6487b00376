"""The tail of the lag: the share of changes that took longer than x, both axes logarithmic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.evidence.following import of_consumer
from reports.figures.axes import duration_axis
from reports.figures.distribution import logarithmic_s
from reports.figures.style import described, legend, line_of, panels
from reports.measures.lag import lags
from reports.measures.visibility import visible_within
from reports.quantities import duration
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run


def lag_ccdf(run: Run) -> Figure:
    """P(lag > x) over the events of the run phase; an event that was never applied is above every x."""
    figure, (axes,) = panels(["Lag longer than x"])
    window = run.phases.window("run")
    of_all = {name: lags(of_consumer(run, name), window) for name in shown_consumers(run)}
    of_all = {name: measured for name, measured in of_all.items() if measured.count}
    after_s = logarithmic_s(measured.at_most_s for measured in of_all.values())
    said, least = [], 0.1
    for consumer, measured in of_all.items():
        longer = 1.0 - visible_within(measured, after_s)
        steps_down = np.append(np.flatnonzero(longer * measured.count > 0.5), [])
        last = int(steps_down[-1]) + 2 if len(steps_down) else 1  # with the step down to none
        shown = np.maximum(longer[:last], 0.1 / measured.count)
        axes.plot(after_s[:last], shown, label=called(consumer), **line_of(consumer))
        least = min(least, 1.0 / measured.count)
        never = f", {measured.censored:,} never" if measured.censored else ""
        said.append(f"{called(consumer)} {duration(measured.percentile('p99'))}{never}")
    duration_axis(axes, "x", log=True)
    axes.grid(visible=True, axis="x")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 9):g} %"))
    axes.set_xlim(after_s[0], after_s[-1])
    axes.set_ylim(least * 0.8, 1.3)
    axes.set_xlabel("x")
    legend(axes)
    return described(figure, f"One change in a hundred took longer than: {', '.join(said)}.")
