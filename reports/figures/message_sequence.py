"""One order's messages as a sequence diagram: who told whom what; rows are evenly apart, their times not.

It is drawn in inches on the bare figure: a panel with axes would cost more than all that is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from reports.figures.style import BLUE, GREY, RULE, VERMILION, VIEWS, WIDTH_IN, described, styled
from reports.journey import LOG, SERVICE, journey, places
from reports.quantities import duration

if TYPE_CHECKING:
    from reports.evidence.frames import Run
    from reports.journey import Step

ROW_IN: Final = 0.235
TOP_IN: Final = 0.4
LEFT_IN: Final = 1.55
"""Where the first row and the first lifeline are."""

HEADS: Final = {SERVICE: "order service", LOG: "event log"}
"""What a place is called above its line, where that is not its name."""

MOST_HEADS: Final = 6
"""Of more places than so many only the short names have room."""

BAD: Final = ("misses", "not ", "parked", "stopped", "skipped", "failed", "rejected")
"""Words that make a step stand out."""


class Arrow(NamedTuple):
    """A message as it is drawn, in inches from the left and from the bottom."""

    start: float
    end: float
    height: float
    is_bad: bool


def message_sequence(run: Run, order_id: int) -> Figure | None:
    """The order's way through the system; None if the run knows no such order."""
    steps = journey(run, order_id)
    if not steps:
        return None
    with styled():
        height_in = TOP_IN + ROW_IN * (len(steps) - 1) + 0.2
        figure = Figure(figsize=(WIDTH_IN, height_in))
        _draw(figure, steps, _columns(places(run, steps)), height_in)
    return described(figure, _in_words(order_id, steps))


def _columns(names: list[str]) -> dict[str, float]:
    """Where the lifeline of each place is, in inches from the left."""
    apart_in = (WIDTH_IN - LEFT_IN - 0.55) / max(len(names) - 1, 1)
    return {name: LEFT_IN + apart_in * number for number, name in enumerate(names)}


def _draw(figure: Figure, steps: list[Step], columns: dict[str, float], height_in: float) -> None:
    for place, x in columns.items():
        head = HEADS.get(place, place) if len(columns) <= MOST_HEADS else place
        _text(figure, x, height_in - 0.15, head, ha="center", fontweight="bold")
    ends = (height_in - 0.27, 0.06)
    lines = [[(x, ends[0]), (x, ends[1])] for x in columns.values()]
    _add(figure, LineCollection(lines, colors=RULE, linewidths=1.0))
    first_s = steps[0].at_s
    arrows = []
    for number, step in enumerate(steps):
        y = height_in - TOP_IN - ROW_IN * number
        when = f"at {step.at_s:,.3f} s" if number == 0 else f"+{duration(step.at_s - first_s)}"
        _text(figure, 0.06, y, when, fontsize=8)
        is_bad = any(word in step.text for word in BAD)
        if not step.source:
            box = Rectangle((LEFT_IN - 0.15, y - 0.1), WIDTH_IN - LEFT_IN, 0.2, color=RULE, alpha=0.5)
            _add(figure, box)
            _text(figure, LEFT_IN - 0.1, y, step.text, fontsize=8, fontstyle="italic")
        elif step.source == step.target:
            _happening(figure, step, columns[step.source], y, is_bad=is_bad)
        else:
            arrow = Arrow(columns[step.source], columns[step.target], y - 0.05, is_bad)
            arrows.append(arrow)
            _written(figure, arrow, step.text)
    _arrows(figure, arrows)


def _arrows(figure: Figure, arrows: list[Arrow]) -> None:
    """All arrows at once, by their looks."""
    for is_bad, colour, dashes in ((False, BLUE, "-"), (True, VERMILION, "--")):
        mine = [arrow for arrow in arrows if arrow.is_bad == is_bad]
        if not mine:
            continue
        lines = [[(one.start, one.height), (one.end, one.height)] for one in mine]
        _add(figure, LineCollection(lines, colors=colour, linewidths=1.0, linestyles=dashes))
        for marker, side in ((">", 1), ("<", -1)):
            heads = [one for one in mine if (one.end - one.start) * side > 0]
            ends, heights = [one.end - 0.03 * side for one in heads], [one.height for one in heads]
            _add(figure, Line2D(ends, heights, linestyle="none", marker=marker, color=colour, markersize=4.5))


def _written(figure: Figure, arrow: Arrow, text: str) -> None:
    """The words of a message, beside the start of its arrow, where no other lifeline crosses them."""
    side = 1 if arrow.end > arrow.start else -1
    x, place = arrow.start + 0.07 * side, "left" if side > 0 else "right"
    _text(figure, x, arrow.height + 0.08, text, ha=place, fontsize=8)


def _happening(figure: Figure, step: Step, x: float, y: float, *, is_bad: bool) -> None:
    colour, _, marker = VIEWS.get(step.source.partition("/")[0], (GREY, "-", "o"))
    if is_bad:
        colour, marker = VERMILION, "X"
    _add(figure, Line2D([x], [y], linestyle="none", markersize=6.0, marker=marker, color=colour))
    right = x < 0.6 * WIDTH_IN
    weight = "bold" if is_bad else "normal"
    place = "left" if right else "right"
    _text(figure, x + (0.1 if right else -0.1), y, step.text, ha=place, fontsize=8, fontweight=weight)


def _text(figure: Figure, x: float, y: float, text: str, **style: Any) -> None:
    figure.text(x, y, text, transform=figure.dpi_scale_trans, va="center", **style)


def _add(figure: Figure, artist: LineCollection | Line2D | Rectangle) -> None:
    artist.set_transform(figure.dpi_scale_trans)
    figure.add_artist(artist)
    if isinstance(artist, Line2D):  # a notebook takes a figure without axes and without lines for empty
        figure.artists.remove(artist)
        figure.lines.append(artist)


def _in_words(order_id: int, steps: list[Step]) -> str:
    first_s = steps[0].at_s
    each = [f"+{duration(step.at_s - first_s)} {_who(step)}{step.text}" for step in steps]
    return f"Order {order_id} from {steps[0].at_s:.3f} s on: {'; '.join(each)}."


def _who(step: Step) -> str:
    if not step.source:
        return ""
    return f"{step.source}: " if step.source == step.target else f"{step.source} to {step.target}: "
