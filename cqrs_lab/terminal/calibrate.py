"""What a calibration looks like in the terminal: each time with its distribution and how well it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reports.quantities import duration

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from cqrs_lab.calibrate import Calibrated

WIDE = 100

POOR = 0.1
"""A distance above this is pointed out."""


def show_calibrated(found: Calibrated, path: Path, width: int) -> RenderableType:
    """The fits, what is to be known of them, and how to go on; a narrow terminal gets fewer columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("key", no_wrap=True)
    table.add_column("distribution", overflow="fold")
    heads = ("count", "distance", "p99", "fitted") if width >= WIDE else ("count", "distance")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for key, fit in found.fits.items():
        cells = (
            f"{fit.sample_size:,}",
            Text(f"{fit.distance:.3f}", "yellow" if fit.distance > POOR else ""),
            duration(fit.sample_p99_s),
            duration(fit.fitted_p99_s),
        )
        table.add_row(key, str(fit.distribution), *cells[: len(heads)])
    lines = [Text(f"{remark[0].upper()}{remark[1:]}.") for remark in found.remarks]
    again = Text(f"  cqrs-lab run {path}", "cyan", no_wrap=True, overflow="ignore")
    return Group(table, Text(), *lines, Text("Simulate it, and hold that against the run, by"), again)
