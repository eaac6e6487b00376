"""The axes of figures: time, durations, counts and shares.

A tick costs a millisecond and mathematics in its label a hundred, so axes have few ticks, no minor ones, and
labels in plain words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports.figures.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.evidence.frames import Run


def time_axis(run: Run, axes: Axes) -> None:
    """The whole run in seconds or minutes; dotted lines part `warm`, `run` and `settle`."""
    whole = run.phases.window("always")
    axes.set_xlim(whole.start_s, whole.end_s if whole.length_s else whole.start_s + 1.0)
    unit_s, unit = (60.0, "min") if whole.length_s > 1200.0 else (1.0, "s")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value / unit_s, 3):g}"))
    for at_s in (0.0, run.phases.run_s):
        axes.axvline(at_s, color=GREY, linewidth=0.7, linestyle=(0, (1, 3)), zorder=0.5)
    axes.set_xlabel(f"time since the start of the run phase ({unit})")


def duration_axis(axes: Axes, which: str = "y", *, log: bool = False) -> None:
    """An axis of durations: its ticks say 2 ms, 0.5 s, 3 min."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    if log:
        (axes.set_yscale if which == "y" else axes.set_xscale)("log")
        axis.set_major_locator(LogLocator(base=10, numticks=9))
    else:
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration_tick(value)))


def count_axis(axes: Axes) -> None:
    """A vertical axis of counts from 0."""
    axes.set_ylim(bottom=0.0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def share_axis(axes: Axes, highest: float = 1.0) -> None:
    """A vertical axis of shares from 0 to a bit above the highest, in per cent."""
    axes.set_ylim(0.0, 1.0 if highest > 0.6 else max(highest * 1.15, 0.01))
    if axes.get_ylim()[1] == 1.0:
        axes.yaxis.set_major_locator(FixedLocator([0.0, 0.25, 0.5, 0.75, 1.0]))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100.0 * value, 6):g} %"))


def duration_tick(seconds: float) -> str:
    """A duration for a tick.

    >>> [duration_tick(value) for value in (0.0, 0.00002, 0.002, 0.5, 30.0, 300.0, 1000.0)]
    ['0', '20 µs', '2 ms', '0.5 s', '30 s', '5 min', '1,000 s']
    >>> duration_tick(0.0001)
    '0.1 ms'
    """
    if seconds == 0.0:
        return "0"
    size = abs(seconds)
    if size < 0.0000999:
        return f"{seconds * 1e6:g} µs"
    if size < 0.09999:
        return f"{round(seconds * 1e3, 6):g} ms"
    if size >= 119.9 and abs(seconds % 60.0) < 1e-6:
        return f"{round(seconds / 60, 3):g} min"
    return f"{round(seconds, 6):,.10g} s"
