"""The kinds of array that measures take and give; all are one-dimensional."""

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
"""Instants on the run's clock, or durations."""

Integers = npt.NDArray[np.int64]
"""Counts, versions, positions, ids."""

Flags = npt.NDArray[np.bool_]
"""One truth value a row."""
