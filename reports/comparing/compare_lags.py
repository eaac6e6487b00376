"""Two distributions of lag: how far apart they are, and where.

The distance is Kolmogorov's and Smirnov's: the largest difference between the shares of events that are
visible within some time. An event that was never applied is known to have had a lag of at least the time
until its run ended, so the distance is known to lie between two bounds, which are one without such events.

Where two distributions part is looked at in the body and the tail of calm times, during faults, and in how
long the recovery took: a model may be right about one of them and wrong about the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reports.evidence.arrays import Flags, Seconds
from reports.evidence.following import Following, of_consumer
from reports.evidence.frames import Run
from reports.measures.lag import Lags, lags
from reports.measures.occurrences import occurrences, recovered, untouched
from reports.measures.timeline import calm
from reports.measures.visibility import RESOLUTION_S

FACTOR = 1.5
"""Two values part if the larger is so many times the smaller …"""

NOTICED_S = 0.001
"""… and so much longer (s): what is less nobody waits for."""

PERCENTILES = ("p50", "p95", "p99")


class Distance(NamedTuple):
    """The least and the most that the distance can be, from 0 (equal) to 1 (they do not overlap)."""

    at_least: float
    at_most: float


def distance(one: Lags, other: Lags) -> Distance:
    """The distance of two samples, neither of them empty."""
    points = np.unique(np.concatenate([one.at_least_s, other.at_least_s]))
    low_1, high_1 = _shares(one, points)
    low_2, high_2 = _shares(other, points)
    at_least = float(np.maximum(low_1 - high_2, low_2 - high_1).max(initial=0.0))
    at_most = float(np.maximum(high_1 - low_2, high_2 - low_1).max(initial=0.0))
    return Distance(at_least, at_most)


def _shares(sample: Lags, points: Seconds) -> tuple[Seconds, Seconds]:
    """The least and the most share of events that are visible within each time."""
    low, high = (
        np.searchsorted(known_s, points + RESOLUTION_S, side="right") / sample.count
        for known_s in (sample.at_most_s, sample.at_least_s)
    )
    return low, high


class Part(NamedTuple):
    """A value on both sides (s), `name` saying of what; it is a lower bound if its flag says so."""

    name: str
    base_s: float
    other_s: float
    base_is_bound: bool = False
    other_is_bound: bool = False

    @property
    def ratio(self) -> float | None:
        """The other over the base; None if that is 0."""
        return self.other_s / self.base_s if self.base_s else None

    @property
    def parts(self) -> bool:
        """Whether the two differ by a factor, and by a time, that matters."""
        low, high = sorted((self.base_s, self.other_s))
        return high - low >= NOTICED_S and high >= FACTOR * low


@dataclass(frozen=True)
class Apart:
    """How the lags of one consumer differ between two sides: over all of `run`, and part by part."""

    distance: Distance
    percentiles: tuple[Part, ...]
    parts: tuple[Part, ...]


def apart(base: Sequence[Run], other: Sequence[Run], consumer: str) -> Apart | None:
    """The comparison for one consumer, the runs of a side taken together; None if a side has no events."""
    one, two = (pooled([of_run(run, consumer) for run in side]) for side in (base, other))
    if not one.count or not two.count:
        return None
    return Apart(
        distance(one, two),
        tuple(_percentile(name, name, one, two) for name in PERCENTILES),
        tuple(_parts(base, other, consumer)),
    )


def of_run(run: Run, consumer: str) -> Lags:
    """The lags of the events committed in `run`."""
    return lags(of_consumer(run, consumer), run.phases.window("run"))


def pooled(samples: Sequence[Lags]) -> Lags:
    """Several samples as one."""
    return Lags(
        np.sort(np.concatenate([sample.at_least_s for sample in samples])),
        np.sort(np.concatenate([sample.at_most_s for sample in samples])),
        sum(sample.censored for sample in samples),
    )


def _percentile(name: str, statistic: str, one: Lags, two: Lags) -> Part:
    values = [sample.percentile(statistic) for sample in (one, two)]
    bounds = [sample.upper(statistic) != value for sample, value in zip((one, two), values, strict=True)]
    return Part(name, values[0] or 0.0, values[1] or 0.0, *bounds)


def _parts(base: Sequence[Run], other: Sequence[Run], consumer: str) -> list[Part]:
    found = []
    calm = [pooled([_split(run, consumer)[0] for run in side]) for side in (base, other)]
    if all(sample.count for sample in calm):
        found += [_percentile("the body", "p50", *calm), _percentile("the tail", "p99", *calm)]
    faulty = [pooled([_split(run, consumer)[1] for run in side]) for side in (base, other)]
    if all(sample.count for sample in faulty):
        found.append(_percentile("the midst of faults", "p50", *faulty))
    recovery = [[one for run in side for one in recovered(run, consumer)] for side in (base, other)]
    if all(recovery):
        longest = [max(one.at_least_s for one in side) for side in recovery]
        open_ended = [any(one.recovery_s is None for one in side) for side in recovery]
        found.append(Part("the recovery", longest[0], longest[1], *open_ended))
    return found


def _split(run: Run, consumer: str) -> tuple[Lags, Lags]:
    """The lags of the events under way in calm times of `run`, and of those committed during faults."""
    events = of_consumer(run, consumer)
    times = [(one.start_s, one.end_s) for one in occurrences(run)]
    during = ~untouched(events.committed_s, events.committed_s, times)
    return _some(run, events, calm(run, consumer, events)), _some(run, events, during)


def _some(run: Run, events: Following, chosen: Flags) -> Lags:
    some = Following(events.committed_s[chosen], events.applied_s[chosen], events.end_s, events.event[chosen])
    return lags(some, run.phases.window("run"))
