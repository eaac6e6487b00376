"""The visibility curve: the share of changes that can be seen within x of their commit (t-visibility)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.evidence.following import of_consumer
from reports.figures.axes import duration_axis, share_axis
from reports.figures.distribution import logarithmic_s
from reports.figures.faultbands import faults_of
from reports.figures.objectives import objectives
from reports.figures.style import INK, VIEWS, described, legend, line_of, panels, sample
from reports.measures.lag import lags
from reports.measures.timeline import calm
from reports.measures.visibility import visible_within
from reports.quantities import duration, quantity
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.evidence.following import Following
    from reports.evidence.frames import Run

SAID_S = 1.0
"""What the words say: the share visible within this."""


def visibility(run: Run) -> Figure:
    """The share of the run phase's events visible within x, and thin of those untouched by any fault."""
    figure, (axes,) = panels(["Visible within x"])
    faults = bool(faults_of(run))
    window = run.phases.window("run")
    of_all = {name: lags(of_consumer(run, name), window) for name in shown_consumers(run)}
    of_all = {name: measured for name, measured in of_all.items() if measured.count}
    after_s = logarithmic_s(measured.at_most_s for measured in of_all.values())
    said = []
    for consumer, measured in of_all.items():
        line = line_of(consumer)
        axes.plot(after_s, visible_within(measured, after_s), label=called(consumer), **line)
        within = f"{quantity(float(visible_within(measured, [SAID_S])[0]), 'share')}"
        if faults:
            at_ease = lags(_calm(run, consumer), window)
            axes.plot(after_s, visible_within(at_ease, after_s), **(line | {"linewidth": 0.7}))
            if at_ease.count:
                share = float(visible_within(at_ease, [SAID_S])[0])
                within += f" ({quantity(share, 'share')} of those that no fault touched)"
        said.append(f"{called(consumer)} {within}")
    duration_axis(axes, "x", log=True)
    axes.grid(visible=True, axis="x")
    axes.set_xlim(after_s[0], after_s[-1])
    share_axis(axes)
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("x: time after the commit")
    words = _objectives(run, axes)
    lines = [sample(called(name), **line_of(name)) for name in of_all]
    thin = [sample("without faults", color=INK, linewidth=0.7)] if faults else []
    legend(axes, lines + thin)
    return described(figure, f"Visible within {duration(SAID_S)}: {', '.join(said)}.", words)


def _calm(run: Run, consumer: str) -> Following:
    """The consumer's events that no fault touched."""
    events = of_consumer(run, consumer)
    there = calm(run, consumer, events)
    return replace(
        events,
        committed_s=events.committed_s[there],
        applied_s=events.applied_s[there],
        event=events.event[there],
        memory={},
    )


def _objectives(run: Run, axes: Axes) -> str:
    """Each objective as a point that the curve must pass above; its words stand where no curve comes."""
    claims = objectives(run, "visible_within")
    for number, claim in enumerate(claims):
        colour, _, marker = VIEWS.get(claim.part or "", (INK, "-", "o"))
        within_s = claim.argument or 0.0
        foot = min(claim.value, 0.03 + 0.1 * len(claims))
        axes.plot([within_s] * 2, [foot, claim.value], color=colour, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.plot([within_s], [claim.value], color=colour, marker=marker, clip_on=False, zorder=5)
        axes.text(
            0.995,
            0.03 + 0.1 * number,
            f"objective: {claim.text}",
            transform=axes.transAxes,
            ha="right",
            fontsize=8,
        )
    return f"Objectives: {', '.join(claim.text for claim in claims)}." if claims else ""
