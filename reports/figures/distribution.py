"""The instants at which a figure of a distribution looks at it: few, and none that matters is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.evidence.arrays import Seconds

POINTS = 240
LOWEST_S, HIGHEST_S = 1e-3, 1.0
"""An axis of lag begins at the first and reaches the second at least, whatever the run."""


def logarithmic_s(samples: Iterable[Seconds], lowest_s: float = LOWEST_S) -> Seconds:
    """Durations evenly on a logarithmic axis up to the largest finite value of the ascending samples."""
    finite = [values[np.isfinite(values)] for values in samples]
    largest_s = max((float(values[-1]) for values in finite if len(values)), default=HIGHEST_S)
    points: Seconds = np.geomspace(lowest_s, max(largest_s * 1.25, HIGHEST_S), POINTS)
    return points
