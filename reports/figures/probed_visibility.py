"""How long after the acknowledgement clients saw their writes, as they themselves found out by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.axes import duration_axis, share_axis
from reports.figures.distribution import logarithmic_s
from reports.figures.style import described, legend, line_of, panels
from reports.measures.client_side import client_lags, views
from reports.measures.visibility import visible_within
from reports.quantities import duration, quantity
from reports.read_models import called

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run

SAID_S = 1.0
"""What the words say: the share seen within this."""


def probed_visibility(run: Run) -> Figure | None:
    """The share of the run phase's writes that clients saw within x; None if they looked for none."""
    if "probes" not in run.tables:
        return None
    window = run.phases.window("run")
    of_all = {view: client_lags(run, view, window) for view in views(run)}
    of_all = {view: measured for view, measured in of_all.items() if measured.count}
    if not of_all:
        return None
    figure, (axes,) = panels(["Seen by clients within x"])
    after_s = logarithmic_s(measured.at_most_s for measured in of_all.values())
    said = []
    for view, measured in of_all.items():
        axes.plot(after_s, visible_within(measured, after_s), label=called(view), **line_of(view))
        within = quantity(float(visible_within(measured, [SAID_S])[0]), "share")
        never = f", {measured.censored:,} never" if measured.censored else ""
        said.append(f"{called(view)} {within} of {measured.count:,}{never}")
    duration_axis(axes, "x", log=True)
    axes.grid(visible=True, axis="x")
    axes.set_xlim(after_s[0], after_s[-1])
    share_axis(axes)
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("x: time after the acknowledgement")
    legend(axes)
    return described(figure, f"Seen by clients within {duration(SAID_S)}: {'; '.join(said)}.")
