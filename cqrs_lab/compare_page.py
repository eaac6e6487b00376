"""A comparison as one self-contained page, with the curves of the sides laid over each other.

compare.html                      the page; needs no network and no JavaScript
compare.svg, compare.png          the share of changes visible within x
compare-over-time.svg, .png       the lag over time
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from cqrs_lab.compare_grids import Grid, grids, remarks, side_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from cqrs_lab.compare_sides import Side

PAGE = "compare.html"

_CSS = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --rule: #d0d0d0; --quiet: #595959;
  --good: #00614a; --bad: #a63d00; }
@media (prefers-color-scheme: dark) { :root { --ink: #ededed; --paper: #16181b; --rule: #45494f;
  --quiet: #b0b0b0; --good: #4fd0a8; --bad: #ff9b66; } }
body { color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 62rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.box { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--rule); padding: .25rem .75rem .25rem 0; text-align: right;
  white-space: nowrap; } th.w, td.w { text-align: left; }
th { color: var(--quiet); font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad);
  font-weight: 600; } figure { background: #ffffff; border-radius: 4px; margin: 0; padding: .5rem; }
figure svg { height: auto; max-width: 100%; width: 100%; }
"""


def write_comparison(table: Mapping[str, Any], sides: Sequence[Side], out: Path) -> Path:
    """Write the page and the figures into `out`, which is made if need be; return the page.

    Sides without run folders, such as sweeps, have no curves. Of a side with several runs the first is drawn.
    """
    out.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, figure in _figures(table, sides).items():
        from reports import figures

        text = figures.svg(figure)
        (out / f"{name}.svg").write_text(text, encoding="utf-8")
        (out / f"{name}.png").write_bytes(figures.png(figure))
        drawn.append((text, figures.words_of(figure)))
    page = out / PAGE
    page.write_text(_page(table, drawn), encoding="utf-8")
    return page


def _figures(table: Mapping[str, Any], sides: Sequence[Side]) -> dict[str, Figure]:
    with_runs = [
        (side.runs[0], f"{said['side']}  {side_name(said)}" if len(sides) < 4 else said["side"])
        for side, said in zip(sides, table["sides"], strict=True)
        if side.runs
    ]
    if len(with_runs) < 2:
        return {}
    from reports.figures import ecdf_compare, lag_compare

    runs, names = [run for run, _ in with_runs], [name for _, name in with_runs]
    found = {"compare": ecdf_compare(runs, names), "compare-over-time": lag_compare(runs, names)}
    return {name: figure for name, figure in found.items() if figure is not None}


def _page(table: Mapping[str, Any], drawn: Sequence[tuple[str, str]]) -> str:
    title = f"{table['sides'][0]['scenario']}: {len(table['sides'])} sides compared"
    blocks = [f"<h1>{html.escape(title)}</h1>"]
    blocks += [_table(grid) for grid in grids(table)]
    blocks += ["<h2>In words</h2>", *(f"<p>{html.escape(line)}</p>" for line in remarks(table))]
    blocks += [_figure(svg, words) for svg, words in drawn]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_CSS}</style></head>\n"
        f"<body>\n{chr(10).join(blocks)}\n</body></html>\n"
    )


def _figure(svg: str, words: str) -> str:
    """The drawing in line, with its words for who cannot see it."""
    opening = f'<svg role="img" aria-label="{html.escape(words, quote=True)}"'
    return f"<figure>{opening}{svg[svg.index('<svg') + len('<svg') :]}</figure>"


def _table(grid: Grid) -> str:
    def cell(at: int, text: str, style: str, tag: str) -> str:
        classes = " ".join(filter(None, ("w" if at < grid.left else "", style)))
        return f'<{tag} class="{classes}">{html.escape(text)}</{tag}>'

    head = "".join(cell(at, text, "", "th") for at, text in enumerate(grid.heads))
    rows = "\n".join(
        f"<tr>{''.join(cell(at, *one, 'td') for at, one in enumerate(row))}</tr>" for row in grid.rows
    )
    title = f"<h2>{html.escape(grid.title)}</h2>" if grid.title else ""
    return f'{title}<div class="box"><table><tr>{head}</tr>\n{rows}</table></div>'
