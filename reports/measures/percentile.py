"""Percentiles as exact order statistics: the nearest rank on the whole sample, never a sketch.

The q-th percentile of n values is the ⌈q·n⌉-th smallest; the rank is computed in whole numbers, so that
p7 of 100 values is the 7th and not, by a rounding error, the 8th.

>>> share("p50"), share("p999")
(Fraction(1, 2), Fraction(999, 1000))
>>> nearest_rank(np.array([1.0, 2.0, 3.0, 4.0]), share("p50"))
2.0
"""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from reports.evidence.arrays import Seconds

PERCENTILES = ("p50", "p95", "p99", "p999")
"""Those of a summary."""


def share(name: str) -> Fraction:
    """The share that a percentile's name means: two digits are hundredths (`p5`, `p95`), more go on (`p999`).

    Raises:
        ValueError: the name is not `p` and digits.

    """
    digits = name[1:]
    if name[:1] != "p" or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{name!r} is no percentile; write p and digits, such as p50, p95, p99 or p999")
    return Fraction(int(digits), 10 ** max(2, len(digits)))


def nearest_rank(ascending: Seconds, q: Fraction) -> float | None:
    """The ⌈q·n⌉-th smallest of n sorted values (the smallest for q = 0); None if there are none."""
    n = len(ascending)
    if n == 0:
        return None
    rank = max(1, -(-q.numerator * n // q.denominator))
    return float(ascending[rank - 1])


def mean(values: Seconds) -> float | None:
    """The arithmetic mean; None if there are no values."""
    return float(np.mean(values)) if len(values) else None


def statistic(ascending: Seconds, name: str) -> float | None:
    """The `mean`, the `max` or a percentile (`p50`, `p99`, …) of sorted values; None if there are none."""
    if name == "mean":
        return mean(ascending)
    if name == "max":
        return float(ascending[-1]) if len(ascending) else None
    return nearest_rank(ascending, share(name))


def spread(ascending: Seconds) -> Mapping[str, float | None]:
    """How sorted values are spread, as a summary tells it.

    >>> spread(np.array([1.0, 2.0]))
    {'mean': 1.5, 'p50': 1.0, 'p95': 2.0, 'p99': 2.0, 'p999': 2.0, 'max': 2.0}
    """
    return {name: statistic(ascending, name) for name in ("mean", *PERCENTILES, "max")}
