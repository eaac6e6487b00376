"""What readers noticed over time: the share of reads that missed a change, or the reader's own write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.figures.axes import share_axis, time_axis
from reports.figures.faultbands import fault_bands
from reports.figures.style import INK, SERIES, described, legend, panels
from reports.measures.reads import VERSIONS
from reports.measures.timeline import read_your_writes_over_time, reads_over_time
from reports.quantities import quantity

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run

WINDOWS = 80
"""Fewer windows than elsewhere: a share of few reads is noise."""

OWN_WRITE = "read your writes broken"


def session_violations(run: Run) -> Figure | None:
    """The share of stale reads of each kind, and of reads that missed their session's own write.

    None if no read was judged.
    """
    shares: dict[str, tuple[pd.DataFrame, str, str, dict[str, Any]]] = {}
    for kind, style in zip(VERSIONS, SERIES, strict=False):
        shares[f"{kind}, stale"] = (reads_over_time(run, kind, WINDOWS), "reads", "stale", style)
    own = read_your_writes_over_time(run, WINDOWS)
    shares[OWN_WRITE] = (own, "opportunities", "violations", {"color": INK, "linewidth": 0.9})
    shares = {name: drawn for name, drawn in shares.items() if not drawn[0].empty}
    if not shares:
        return None
    figure, (axes,) = panels(["Share of reads"])
    highest, said = 0.0, []
    for name, (table, of, hits, style) in shares.items():
        share = table[hits].to_numpy() / table[of].to_numpy()
        axes.plot(table["t_s"].to_numpy(), share, label=name, **style)
        highest = max(highest, float(np.max(share)))
        said.append(f"{name} {quantity(int(table[hits].sum()) / int(table[of].sum()), 'share')}")
    share_axis(axes, highest)
    bands = fault_bands(run, axes)
    time_axis(run, axes)
    legend(axes)
    return described(figure, f"Over the whole run: {', '.join(said)}.", bands)
