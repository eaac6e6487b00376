"""A comparison as one self-contained page, with the curves of the sides laid over each other.

compare.html                      the page; needs no network and no JavaScript
compare.svg, compare.png          the share of changes visible within x
compare-over-time.svg, .png       the lag over time
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cqrs_lab.comparing.grids import Grid, grids, remarks, side_names
from reports.page.markup import Markup, box, figure, joined, paragraph, section, tag
from reports.page.page import whole
from reports.page.told import Drawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from cqrs_lab.comparing.sides import Side

PAGE = "compare.html"

STYLES = {"good": "held", "bad": "broken"}


def write_comparison(table: Mapping[str, Any], sides: Sequence[Side], out: Path) -> Path:
    """Write the page and the figures into `out`, which is made if need be; return the page.

    Sides without run folders, such as sweeps, have no curves. Of a side with several runs the first is drawn.
    """
    out.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, curves in _figures(table, sides).items():
        from reports import figures

        text = figures.svg(curves)
        (out / f"{name}.svg").write_text(text, encoding="utf-8")
        (out / f"{name}.png").write_bytes(figures.png(curves))
        drawn[name] = Drawn(text, figures.words_of(curves))
    page = out / PAGE
    page.write_text(_page(table, drawn), encoding="utf-8")
    return page


def _figures(table: Mapping[str, Any], sides: Sequence[Side]) -> dict[str, Figure]:
    with_runs = [
        (side.runs[0], f"{said['side']}  {name}" if len(sides) < 4 else said["side"])
        for side, said, name in zip(sides, table["sides"], side_names(table), strict=True)
        if side.runs
    ]
    if len(with_runs) < 2:
        return {}
    from reports.figures import ecdf_compare, lag_compare

    runs, names = [run for run, _ in with_runs], [name for _, name in with_runs]
    found = {"compare": ecdf_compare(runs, names), "compare-over-time": lag_compare(runs, names)}
    return {name: figure for name, figure in found.items() if figure is not None}


CAPTIONS = {
    "compare": "The share of the changes in the run phase that could be seen within x of their commit.",
    "compare-over-time": "How long 99 % of the changes of each moment took to become visible, at most. The "
    "grey bands are the faults of A.",
}


def _page(table: Mapping[str, Any], drawn: Mapping[str, Drawn]) -> str:
    title = f"{table['sides'][0]['scenario']}: {len(table['sides'])} sides compared"
    shown = [_grid(grid, number) for number, grid in enumerate(grids(table))]
    words = section("words", "In words", *(paragraph(line) for line in remarks(table)))
    figures = [figure(name, one, CAPTIONS[name]) for name, one in drawn.items()]
    curves = [section("curves", "The curves, laid over each other", *figures)] if figures else []
    return whole(title, joined([tag("h1", title)]), joined([*shown, words, *curves]))


def _grid(grid: Grid, number: int) -> Markup:
    rows = [
        [tag("span", cell.text, class_=STYLES[cell.style]) if cell.style else cell.text for cell in row]
        for row in grid.rows
    ]
    title = grid.title or "What is compared"
    return section(f"grid-{number}", title, box(grid.heads, rows, title, words=grid.left))
