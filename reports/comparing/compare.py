"""The difference of a measure between two sides of a comparison, each a set of runs.

Where both sides have run the same seeds in virtual time, the seeds are paired: both had the same arrivals,
so that the difference is that of the designs. The interval is Student's over the differences. Otherwise the
means are compared, with Welch's interval ("The generalization of Student's problem when several different
population variances are involved", 1947), its degrees of freedom rounded down. Both cover the true difference
in 95 % of all such sets of runs. A single pair, or a single run on a side, has no interval.

>>> one, two = {1: Value(5.0), 2: Value(7.0), 3: Value(6.0)}, {1: Value(1.0), 2: Value(2.0), 3: Value(2.5)}
>>> found = paired(one, two)
>>> found.difference, found.low, found.high, found.pairs
(-4.166666667, -6.063958183, -2.26937515, 3)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.comparing.replications import Value, student_t


@dataclass(frozen=True, slots=True)
class Difference:
    """The other side's mean minus the base's, rounded to nine decimals, and its confidence interval.

    `pairs` is the number of seeds that were paired, None without pairing. `bound` says that the difference is
    at least (≥) or at most (≤) so much, or that it cannot be said (?), because some events had not come to an
    end with their run; then the interval has that end alone, or none.
    """

    difference: float
    low: float | None
    high: float | None
    pairs: int | None
    bound: str = ""

    @property
    def is_clear(self) -> bool | None:
        """Whether the interval leaves out 0; None without an interval."""
        if self.low is None and self.high is None:
            return None
        return (self.low is not None and self.low > 0.0) or (self.high is not None and self.high < 0.0)


def bound(censored: bool, minus_censored: bool) -> str:
    """What is known of a difference of values that may be lower bounds."""
    return {(False, False): "", (True, False): "≥", (False, True): "≤", (True, True): "?"}[
        censored, minus_censored
    ]


def paired(base: Mapping[int, Value], other: Mapping[int, Value]) -> Difference:
    """The mean difference over the seeds that both sides have, of which there must be one at least."""
    seeds = [seed for seed in base if seed in other]
    differences = [other[seed].value - base[seed].value for seed in seeds]
    found = bound(any(other[seed].censored for seed in seeds), any(base[seed].censored for seed in seeds))
    mean = _mean(differences)
    half = None
    if len(seeds) > 1:
        half = student_t(len(seeds) - 1) * math.sqrt(_variance(differences) / len(seeds))
    return _difference(mean, half, len(seeds), found)


def unpaired(base: Sequence[Value], other: Sequence[Value]) -> Difference:
    """The difference of the means of two sets of runs that have nothing to do with each other."""
    one, two = ([value.value for value in side] for side in (base, other))
    found = bound(any(value.censored for value in other), any(value.censored for value in base))
    half = None
    if min(len(one), len(two)) > 1:
        parts = [_variance(side) / len(side) for side in (one, two)]
        total = math.fsum(parts)
        half = 0.0
        if total:
            below = math.fsum(
                part * part / (len(side) - 1) for part, side in zip(parts, (one, two), strict=True)
            )
            half = student_t(max(1, math.floor(total * total / below))) * math.sqrt(total)
    return _difference(_mean(two) - _mean(one), half, None, found)


def _difference(mean: float, half: float | None, pairs: int | None, found: str) -> Difference:
    low = None if half is None or found in ("≤", "?") else round(mean - half, 9)
    high = None if half is None or found in ("≥", "?") else round(mean + half, 9)
    return Difference(round(mean, 9), low, high, pairs, found)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
