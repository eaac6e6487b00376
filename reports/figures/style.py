"""What all figures share: size, colours, panels, legends, and what they show in words.

Colours are those of Okabe and Ito ("Color Universal Design", 2008). Read models are told apart by line style
as well, so that a figure survives colour blindness and a black-and-white print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes


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
"""Colour, line style and marker of each consumer."""

SERIES: Final[tuple[dict[str, Any], ...]] = (
    {"color": BLUE, "linestyle": "-"},
    {"color": VERMILION, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": PURPLE, "linestyle": ":"},
    {"color": ORANGE, "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": INK, "linestyle": (0, (1, 1))},
    {"color": GREY, "linestyle": (0, (8, 2))},
)
"""Colour and line style of whatever else is compared, in its order."""

DASHES: Final = ("-", "--", "-.", ":")

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


def panels(
    titles: Sequence[str], height_in: float = 2.9, *, top_in: float = TOP_IN
) -> tuple[Figure, list[Axes]]:
    """A figure of panels below each other, each of so many inches and with its title.

    `top_in` is the room above each panel, for its title, the legend and the fault bands.
    """
    rows = len(titles)
    with styled():
        figure = Figure(figsize=(WIDTH_IN, height_in * rows))
        all_axes: list[Axes] = []
        for row, title in enumerate(titles):
            bottom_in = height_in * (rows - 1 - row) + BOTTOM_IN
            box = (0.085, bottom_in, 0.895, height_in - BOTTOM_IN - top_in)
            axes = figure.add_axes((box[0], box[1] / height_in / rows, box[2], box[3] / height_in / rows))
            axes.text(
                -0.085 / box[2] + 0.006,
                above(axes, top_in - 0.24),
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


def line_of(consumer: str) -> dict[str, Any]:
    """Colour and style of a consumer's line; copies have their view's colour and dashes of their own."""
    view, _, copy = consumer.partition("/")
    colour, dashes, _ = VIEWS.get(view, (INK, "-", "o"))
    if copy:
        dashes = DASHES[(DASHES.index(dashes) + int(copy) - 1) % len(DASHES)]
    return {"color": colour, "linestyle": dashes}


def legend(axes: Axes, lines: Sequence[Line2D] | None = None, *, room_in: float = 6.2) -> None:
    """The legend above the panel, to the right of its title; in several rows if one has not the room."""
    handles = list(lines) if lines is not None else axes.get_legend_handles_labels()[0]
    if handles:
        rows = _legend_rows([str(line.get_label()) for line in handles], room_in)
        with styled():
            axes.legend(
                handles=handles,
                loc="lower right",
                bbox_to_anchor=(1.0, above(axes, 0.355 if rows == 1 else 0.30)),
                ncols=-(-len(handles) // rows),
                borderaxespad=0.0,
                borderpad=0.2,
                labelspacing=0.25,
                fontsize=9.0 if rows == 1 else 8.0,
            )


def _legend_rows(labels: Sequence[str], room_in: float) -> int:
    """In how many rows the entries of a legend fit into the room; they fill one column after the other."""
    for rows in range(1, len(labels)):
        columns = np.array_split([len(label) for label in labels], -(-len(labels) // rows))
        if sum(0.078 * column.max() + 0.5 for column in columns) <= room_in:
            return rows
    return len(labels)


def sample(label: str, **style: Any) -> Line2D:
    """A line for a legend."""
    return Line2D([], [], label=label, **style)


def note(axes: Axes, text: str) -> None:
    """Words in the middle of a panel in which there is nothing to see."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def described(figure: Figure, *words: str) -> Figure:
    """The figure with what it shows in words, for those who cannot see it; `words_of` gives them back."""
    figure.set_label(" ".join(word for word in words if word))
    return figure


def words_of(figure: Figure) -> str:
    """What the figure shows, in words."""
    return str(figure.get_label())
