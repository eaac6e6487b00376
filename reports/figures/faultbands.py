"""Faults in a figure over time: a light band while one lasts, its name above, marks where views recovered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from reports.evidence.frames import RunError
from reports.figures.style import GREY, VIEWS, WASH, above
from reports.measures.occurrences import Occurrence, occurrences, recovered
from reports.quantities import duration
from reports.read_models import called, shown_consumers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.evidence.frames import Run

LABELLED = 4
"""So many occurrences at most have their names above them; of more, the numbers of their faults."""

MARKED = 12
"""So many occurrences at most have marks where the read models had recovered."""


def faults_of(run: Run) -> list[Occurrence]:
    """The occurrences of faults; none if the run does not tell."""
    try:
        return occurrences(run)
    except RunError:
        return []


def fault_bands(run: Run, axes: Axes, *, names: bool = True) -> str:
    """Draw the bands of all faults and give them in words."""
    found = faults_of(run)
    if not found:
        return ""
    whole = run.phases.window("always")
    least_s = whole.length_s / 500
    spans = [(one.start_s, max(one.end_s - one.start_s, least_s)) for one in found]
    place = axes.get_xaxis_transform()
    tall = [Rectangle((start_s, 0.0), length_s, 1.0) for start_s, length_s in _merged(spans)]
    axes.add_collection(
        PatchCollection(tall, transform=place, facecolor=WASH, alpha=0.14, linewidth=0, zorder=0),
        autolim=False,
    )
    bottom, top = above(axes, 0.02), above(axes, 0.10)
    strip = [Rectangle((start_s, bottom), length_s, top - bottom) for start_s, length_s in _merged(spans)]
    axes.add_collection(
        PatchCollection(strip, transform=place, facecolor=GREY, linewidth=0, clip_on=False), autolim=False
    )
    if names:
        _name(run, axes, found)
    return _in_words(found)


def recovery_marks(run: Run, axes: Axes) -> str:
    """Mark at the foot of the panel when each read model had recovered, and give the longest in words."""
    found = faults_of(run)
    if not found or len(found) > MARKED:
        return ""
    whole = run.phases.window("always")
    longest: tuple[float, float, str] | None = None
    for consumer in reversed(shown_consumers(run)):  # the first in the legend on top
        colour, _, marker = VIEWS.get(consumer.partition("/")[0], (GREY, "-", "o"))
        pairs = zip(found, recovered(run, consumer), strict=True)
        took = [(one.end_s + each.recovery_s, each.recovery_s) for one, each in pairs if each.recovery_s]
        visible = [(at_s, length_s) for at_s, length_s in took if length_s > whole.length_s / 400]
        if visible:
            axes.plot(
                [at_s for at_s, _ in visible],
                [0.0] * len(visible),
                linestyle="none",
                marker=marker,
                color=colour,
                markeredgecolor="white",
                markeredgewidth=0.6,
                markersize=7.0,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                zorder=5,
            )
            at_s, length_s = max(visible, key=lambda one: one[1])
            if longest is None or length_s > longest[1]:
                longest = (at_s, length_s, consumer)
    if longest is None:
        return ""
    at_s, length_s, consumer = longest
    ended = [one for one in found if one.end_s + length_s == at_s]
    the = "the fault" if len(found) == 1 or not ended else f"the end of fault {ended[0].index}"
    words = f"{called(consumer)} recovered {duration(length_s)} after {the}"
    right = (at_s - whole.start_s) < 0.62 * whole.length_s
    axes.annotate(
        words,
        (at_s, 0.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(9 if right else -9, 7),
        textcoords="offset points",
        ha="left" if right else "right",
        fontsize=8,
    )
    return f"Of the recoveries the longest was this: {words}."


def _name(run: Run, axes: Axes, found: list[Occurrence]) -> None:
    """The names of the occurrences above their bands, or the numbers of their faults if they do not fit."""
    whole = run.phases.window("always")
    height = above(axes, 0.14)
    if len(found) <= LABELLED and _apart(found, whole.length_s):
        for one in found:
            at = (one.start_s - whole.start_s) / whole.length_s
            axes.text(
                at if at < 0.7 else (min(one.end_s, whole.end_s) - whole.start_s) / whole.length_s,
                height,
                f"{one.kind} {one.on}, {duration(one.end_s - one.start_s)}",
                transform=axes.transAxes,
                ha="left" if at < 0.7 else "right",
                va="bottom",
                fontsize=8,
            )
        return
    kinds = {f"{one.kind} {one.on}" for one in found}
    if len(kinds) == 1:
        words = f"{len(found)} × {kinds.pop()}"
        axes.text(0.0, height, words, transform=axes.transAxes, fontsize=8, va="bottom")
        return
    room_from = 0.0
    for one in found:
        middle_s = (one.start_s + min(one.end_s, whole.end_s)) / 2.0
        at = (middle_s - whole.start_s) / whole.length_s
        label = str(one.index)
        half = 0.006 * len(label)
        if at - half < room_from:
            continue
        room_from = at + half + 0.004
        axes.text(
            at, height, label, transform=axes.transAxes, ha="center", va="bottom", fontsize=8, color=GREY
        )


def _apart(found: list[Occurrence], length_s: float) -> bool:
    """Whether the names of the occurrences do not run into each other."""
    starts = [one.start_s for one in found]
    return all(later - earlier > 0.3 * length_s for earlier, later in pairwise(starts))


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The stretches that the spans (start, length) cover together, by start; apart from each other."""
    merged: list[tuple[float, float]] = []
    for start_s, length_s in sorted(spans):
        if merged and start_s <= sum(merged[-1]):
            first_s, before_s = merged[-1]
            merged[-1] = (first_s, max(before_s, start_s + length_s - first_s))
        else:
            merged.append((start_s, length_s))
    return merged


def _in_words(found: list[Occurrence]) -> str:
    if len(found) > LABELLED:
        return f"{len(found)} occurrences of faults, the first at {duration(found[0].start_s)}."
    each = [f"{one.kind} {one.on} from {duration(one.start_s)} to {duration(one.end_s)}" for one in found]
    return f"Faults: {'; '.join(each)}."
