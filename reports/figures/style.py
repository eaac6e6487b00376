"""What all figures share: size, colours, panels, axes in durations, fault bands, legends.

Colours are those of Okabe and Ito ("Color Universal Design", 2008). Read models are told apart by line style
as well, so that a figure survives colour blindness and a black-and-white print.

A tick costs a millisecond and mathematics in its label a hundred, so axes have few ticks, no minor ones, and
labels in plain words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports.columns import replicas

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes

    from reports.frames import Run

WIDTH_IN: Final = 8.0
TOP_IN, BOTTOM_IN = 0.66, 0.50
"""The room above a panel, for its title, the legend and the fault bands, and below it, for its time axis."""

INK, GREY, RULE, WASH, PAPER = "#262626", "#595959", "#d9d9d9", "#808080", "#ffffff"
"""The neutral colours; a page may put its own in their places."""

ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"

VIEWS: Final = {
    "summary": (BLUE, "-", "o"),
    "products": (VERMILION, "--", "s"),
    "inventory": (GREEN, "-.", "^"),
    "orders": (PURPLE, ":", "D"),
}
"""Colour, line style and marker of each consumer, in the order of legends."""

SERIES: Final[tuple[dict[str, Any], ...]] = (
    {"color": BLUE, "linestyle": "-"},
    {"color": VERMILION, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": PURPLE, "linestyle": ":"},
    {"color": ORANGE, "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": INK, "linestyle": (0, (1, 1))},
)
"""Colour and line style of whatever else is compared, in its order."""

DASHES: Final = ("-", "--", "-.", ":")

NAMES: Final = {"orders": "stock view of orders"}
"""What a consumer is called where its name alone would mislead."""

STYLE: Final[Any] = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.xmargin": 0.0,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "figure.facecolor": PAPER,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.0,
    "lines.solid_capstyle": "butt",
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "legend.handletextpad": 0.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


def styled() -> AbstractContextManager[None]:
    """The style in which what is made within is drawn."""
    return rc_context(STYLE)


def panels(titles: Sequence[str], height_in: float = 2.9) -> tuple[Figure, list[Axes]]:
    """A figure of panels below each other, each of so many inches and with its title."""
    rows = len(titles)
    with styled():
        figure = Figure(figsize=(WIDTH_IN, height_in * rows))
        all_axes: list[Axes] = []
        for row, title in enumerate(titles):
            bottom_in = height_in * (rows - 1 - row) + BOTTOM_IN
            box = (0.085, bottom_in, 0.895, height_in - BOTTOM_IN - TOP_IN)
            axes = figure.add_axes((box[0], box[1] / height_in / rows, box[2], box[3] / height_in / rows))
            axes.text(
                -0.085 / box[2] + 0.006,
                above(axes, 0.42),
                title,
                transform=axes.transAxes,
                fontweight="bold",
                va="bottom",
            )
            all_axes.append(axes)
    return figure, all_axes


def above(axes: Axes, inches: float) -> float:
    """The height of a point so far above the panel, in its own coordinates."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "a panel is part of a figure"
    return 1.0 + inches / (axes.get_position().height * figure.get_figheight())


def shown_consumers(run: Run) -> list[str]:
    """The consumers of a run in the order of legends, each with its copies."""
    known = [copy for name in VIEWS for copy in replicas(run, name)]
    return known + [name for name in run.consumers if name not in known]


def line_of(consumer: str) -> dict[str, Any]:
    """Colour and style of a consumer's line; copies have their view's colour and dashes of their own."""
    view, _, copy = consumer.partition("/")
    colour, dashes, _ = VIEWS.get(view, (INK, "-", "o"))
    if copy:
        dashes = DASHES[(DASHES.index(dashes) + int(copy) - 1) % len(DASHES)]
    return {"color": colour, "linestyle": dashes}


def called(consumer: str) -> str:
    """What a legend calls the consumer."""
    return NAMES.get(consumer, consumer)


def legend(axes: Axes, lines: Sequence[Line2D] | None = None) -> None:
    """The legend in one row above the panel, to the right of its title."""
    handles = list(lines) if lines is not None else axes.get_legend_handles_labels()[0]
    if handles:
        with styled():
            axes.legend(
                handles=handles,
                loc="lower right",
                bbox_to_anchor=(1.0, above(axes, 0.355)),
                ncols=len(handles),
                borderaxespad=0.0,
            )


def sample(label: str, **style: Any) -> Line2D:
    """A line for a legend."""
    return Line2D([], [], label=label, **style)


def note(axes: Axes, text: str) -> None:
    """Words in the middle of a panel in which there is nothing to see."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


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


def described(figure: Figure, *words: str) -> Figure:
    """The figure with what it shows in words, for those who cannot see it; `words_of` gives them back."""
    figure.set_label(" ".join(word for word in words if word))
    return figure


def words_of(figure: Figure) -> str:
    """What the figure shows, in words."""
    return str(figure.get_label())
