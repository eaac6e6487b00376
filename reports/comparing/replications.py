"""Replications: what the same experiment comes to over several seeds, as spreads, shares and intervals.

The intervals cover the true mean, or the true share, in 95 % of all such sets of seeds.

>>> spread({1: Value(10.0), 2: Value(12.0), 3: Value(14.0)}, MEASURES["lag.max"]).mean
12.0
>>> share(47, 50)
Share(count=47, of=50, share=0.94, low=0.837829083, high=0.97938503)
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

CONFIDENCE = 0.95

Unit = Literal["s", "share", "count", "ratio"]


class Measure(NamedTuple):
    """A main measure: its unit, and whether less of it is better."""

    unit: Unit
    less_is_better: bool = True


MEASURES: Mapping[str, Measure] = {
    "lag.p50": Measure("s"),
    "lag.p99": Measure("s"),
    "lag.max": Measure("s"),
    "backlog.max": Measure("count"),
    "time_behind.max": Measure("s"),
    "recovery": Measure("s"),
    "stale_reads": Measure("share"),
    "read_your_writes": Measure("share"),
    "monotonic_reads": Measure("share"),
    "accepted": Measure("share", less_is_better=False),
    "latency.p50": Measure("s"),
    "latency.p99": Measure("s"),
    "gaps.missing": Measure("count"),
    "gaps.extra": Measure("count"),
    "gaps.doubled": Measure("count"),
    "gaps.wrong": Measure("count"),
    "gaps.pending": Measure("count"),
    "gaps.parked": Measure("count"),
    "oversold": Measure("count"),
    "dead_letters": Measure("count"),
    "amplification": Measure("ratio"),
    "client.lag.p50": Measure("s"),
    "client.lag.p99": Measure("s"),
    "client.lag.max": Measure("s"),
    "client.latency.p50": Measure("s"),
    "client.latency.p99": Measure("s"),
}
"""The measures of a run that are set side by side, named as in an expectation, without their braces.

Some are in no expectation: `accepted` is the share of all orders, check-outs among them, that were accepted,
`amplification` how often an event was handled; what begins with `client` is what clients of a real server
have measured themselves, the latency from the instant at which a request was to be sent.
"""


def measure_of(name: str) -> Measure:
    """What is known of a measure whose name may have braces.

    >>> measure_of("lag.p99{summary}").unit
    's'
    """
    return MEASURES[name.partition("{")[0]]


class Value(NamedTuple):
    """A measured value; a censored one is a lower bound."""

    value: float
    censored: bool = False


def main_measures(summary: Mapping[str, Any]) -> dict[str, Value]:
    """The main measures of a run, by their names in expectations, from its summary.json.

    What could not be measured, for want of a sample, is left out.

    >>> main_measures({"session": {"read_your_writes": {"opportunities": 8, "violations": 2}}})
    {'read_your_writes': Value(value=0.25, censored=False)}
    """
    found = dict(_all_measures(summary))
    ranks = {name: rank for rank, name in enumerate(MEASURES)}
    by_rank = sorted(found.items(), key=lambda item: ranks[item[0].partition("{")[0]])
    return {name: value for name, value in by_rank if not math.isnan(value.value)}


def _all_measures(summary: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for consumer, lag in summary.get("lag_s", {}).items():
        if lag["count"]:
            censored = lag["censored"] > 0
            for statistic in ("p50", "p99", "max"):
                yield f"lag.{statistic}{{{consumer}}}", Value(lag[statistic], censored)
            yield f"backlog.max{{{consumer}}}", Value(summary["backlog_events"][consumer]["max"])
            yield f"time_behind.max{{{consumer}}}", Value(summary["time_behind_s"][consumer]["max"])
            amplification = summary["applied"][consumer]["amplification"]
            if amplification is not None:
                yield f"amplification{{{consumer}}}", Value(amplification)
            yield from _recovery(summary["faults"], consumer)
    for kind, reads in summary.get("reads", {}).items():
        if reads["stale_ratio"] is not None:
            yield f"stale_reads{{{kind}}}", Value(reads["stale_ratio"])
    for name, promise in summary.get("session", {}).items():
        if promise["opportunities"]:
            yield name, Value(promise["violations"] / promise["opportunities"])
    orders = summary.get("orders", {})
    if any(orders.values()):
        yield "accepted", Value(orders["acknowledged"] / sum(orders.values()))
    for kind, latency in summary.get("latency_s", {}).items():
        if latency["count"]:
            for statistic in ("p50", "p99"):
                value = Value(latency[statistic], latency.get("censored", 0) > 0)
                yield f"latency.{statistic}{{{kind}}}", value
    for view, gaps in summary.get("gaps", {}).items():
        for kind in ("missing", "extra", "doubled", "wrong", "pending", "parked"):
            yield f"gaps.{kind}{{{view}}}", Value(gaps[kind])
    if "stock" in summary:
        yield "oversold", Value(summary["stock"]["oversold_units"])
    if "applied" in summary:
        letters = sum(done["dead_letters"] for done in summary["applied"].values())
        yield "dead_letters", Value(letters)
    yield from _of_clients(summary.get("client", {}))


def _of_clients(client: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for view, lag in client.get("lag_s", {}).items():
        if lag["count"]:
            for statistic in ("p50", "p99", "max"):
                yield f"client.lag.{statistic}{{{view}}}", Value(lag[statistic], lag["censored"] > 0)
    for request, latency in client.get("latency_s", {}).items():
        if latency["from_intended"]["count"]:
            for statistic in ("p50", "p99"):
                name = f"client.latency.{statistic}{{{request}}}"
                yield name, Value(latency["from_intended"][statistic])


def _recovery(faults: list[Mapping[str, Any]], consumer: str) -> Iterator[tuple[str, Value]]:
    """The longest recovery; if one was not reached, what is known of the longest."""
    at_least_s = [fault["recovery_at_least_s"].get(consumer) for fault in faults]
    known_s = [value for value in at_least_s if value is not None]
    if known_s:
        censored = any(fault["recovery_s"].get(consumer) is None for fault in faults)
        yield f"recovery{{{consumer}}}", Value(max(known_s), censored)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure spreads over the seeds that have it: its mean with a confidence interval, its range.

    `low` and `high` are None for a single seed. With `censored` values every number is a lower bound, and
    the interval does not bound the mean from above. `worst_seed` is the first one with the worst value.
    """

    count: int
    censored: int
    mean: float
    low: float | None
    high: float | None
    least: float
    most: float
    worst_seed: int


def spread(values: Mapping[int, Value], measure: Measure) -> Spread:
    """The spread of a measure's values by seed, of which there must be one at least.

    The interval is Student's, cut to what the measure can be: nothing is below 0, and no share above 1.
    Every number is rounded to nine decimals.

    >>> spread({7: Value(1.0), 8: Value(2.0), 9: Value(6.0)}, MEASURES["lag.max"])
    Spread(count=3, censored=0, mean=3.0, low=0.0, high=9.572410608, least=1.0, most=6.0, worst_seed=9)
    """
    numbers = [value.value for value in values.values()]
    count, mean = len(numbers), math.fsum(numbers) / len(numbers)
    low = high = None
    if count > 1:
        deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / (count - 1))
        half = student_t(count - 1) * deviation / math.sqrt(count)
        low = round(max(mean - half, 0.0), 9)
        high = round(min(mean + half, 1.0) if measure.unit == "share" else mean + half, 9)
    worst = max if measure.less_is_better else min
    return Spread(
        count=count,
        censored=sum(value.censored for value in values.values()),
        mean=round(mean, 9),
        low=low,
        high=high,
        least=min(numbers),
        most=max(numbers),
        worst_seed=worst(values, key=lambda seed: values[seed].value),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with a confidence interval of the true share; rounded to nine decimals."""

    count: int
    of: int
    share: float
    low: float
    high: float


def share(count: int, of: int) -> Share:
    """Wilson's interval (1927), which stays in [0, 1] and is right for few seeds and for none or all."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2.0)
    p = count / of
    centre = (p + z * z / (2.0 * of)) / (1.0 + z * z / of)
    half = z / (1.0 + z * z / of) * math.sqrt(p * (1.0 - p) / of + z * z / (4.0 * of * of))
    low = 0.0 if count == 0 else round(centre - half, 9)
    high = 1.0 if count == of else round(centre + half, 9)
    return Share(count, of, round(p, 9), low, high)


@cache
def student_t(freedom: int) -> float:
    """The t that a variable of Student's distribution exceeds in size with probability 5 %.

    The probability that |T| ≤ t is a finite sum for whole degrees of freedom (Abramowitz and Stegun, 26.7.3
    and 26.7.4); it is inverted by bisection over θ = arctan(t / √ν).

    >>> [round(student_t(freedom), 4) for freedom in (1, 2, 9, 49)]
    [12.7062, 4.3027, 2.2622, 2.0096]
    """
    low, high = 0.0, math.pi / 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if _within(middle, freedom) < CONFIDENCE:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _within(theta: float, freedom: int) -> float:
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * cosine * cosine
        total += term
    return 2.0 / math.pi * (theta + sine * total) if odd else sine * total
