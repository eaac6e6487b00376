"""Gaps over time: orders that customers did not see, saw twice or saw wrongly, late ones and lost ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.axes import count_axis, time_axis
from reports.figures.faultbands import fault_bands
from reports.figures.style import SERIES, described, legend, panels
from reports.measures import gaps as permanent
from reports.measures import stock
from reports.measures.timeline import cut
from reports.measures.transience import highest_gaps, largest_transient

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run

KINDS = (*permanent.KINDS, "oversold")


def gaps(run: Run) -> Figure | None:
    """The most gaps of each kind open in each window; those at the right end stay. None if there was none."""
    left = permanent.counts(run) | {"oversold": sum(stock.oversold(run).values())}
    transient = largest_transient(run)
    windows = cut(run)
    over_time = highest_gaps(run, windows.bounds_s)
    ever = [kind for kind in KINDS if transient[kind] or left[kind]]
    if not ever:
        return None
    figure, (axes,) = panels(["Gaps open at a time"])
    highest, said = 1, []
    for kind in ever:
        style = SERIES[KINDS.index(kind)]
        counts = over_time[kind]
        axes.plot(windows.middles_s, counts, label=kind, **style)
        highest = max(highest, int(counts.max()))
        said.append(f"{kind}: at most {transient[kind]:,} that closed, {left[kind]:,} for good")
    axes.set_ylim(0.0, highest * 1.18)
    _name_for_good(axes, {kind: left[kind] for kind in ever if left[kind]}, highest)
    count_axis(axes)
    bands = fault_bands(run, axes)
    time_axis(run, axes)
    legend(axes)
    return described(figure, f"Gaps: {'; '.join(said)}.", bands)


def _name_for_good(axes: Axes, left: dict[str, int], highest: int) -> None:
    """What stays, beside the right ends of the lines; words of lines at one height stand above each other."""
    taken: list[float] = []
    for kind, count in left.items():
        height = count / highest
        lines_below = sum(abs(height - other) < 0.12 for other in taken)
        taken.append(height)
        axes.annotate(
            f"{count:,} {kind} for good",
            (1.0, count),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-4, 3 + 10 * lines_below),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
        )
