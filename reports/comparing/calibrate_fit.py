"""A distribution of the scenario format fitted to measured durations, and how well it fits.

Each family is fitted by maximum likelihood where that is a formula, otherwise by its moments; the distance of
Kolmogorov and Smirnov is that between the durations and `DRAWS` draws of the fitted distribution. Of the
families that are about as near as the nearest one, the simplest is taken. It must also have the tail right,
as the largest lags come from there. If none fits, the durations themselves are the distribution.

>>> from scenarios.distributions import Exponential
>>> sample = Exponential(0.01).draws(Streams(1).stream("example"), 2000)
>>> str(fitted(sample, "example.csv").distribution)
'exp(9.624ms)'
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reports.comparing.compare_lags import Distance, distance
from reports.evidence.arrays import Seconds
from reports.measures.lag import Lags
from reports.measures.percentile import nearest_rank, share
from scenarios.distributions import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Hyperexponential,
    Lognormal,
    Pareto,
    Uniform,
)
from scenarios.errors import ScenarioError
from scenarios.randomness import Streams

DRAWS = 50_000
DIGITS = 4

NEAR = 0.05
"""A family fits if its distance is at most this, or what chance alone makes of a small sample …"""

CHANCE = 1.63
"""… which exceeds this over the root of its size once in a hundred samples."""

TAIL = 1.25
"""… and if its 99th percentile is within this factor of the measured one."""

ABOUT_AS_NEAR = 0.01

VALUES_MAX = 1000
"""So many quantiles at most stand for the durations themselves."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A distribution, its distance from `sample_size` durations, and the p99 (s) of both."""

    distribution: Distribution
    distance: float
    sample_size: int
    sample_p99_s: float
    fitted_p99_s: float


def fitted(durations_s: Seconds, file: str, *, measured: bool = False) -> Fit:
    """The simplest distribution that fits the durations, of which there must be one at least.

    `file` names the data file of the durations themselves, which are taken if nothing fits, or if `measured`.
    """
    ascending = np.sort(np.maximum(durations_s, 0.0))
    if not measured:
        fits = [_fit(ascending, candidate) for candidate in _candidates(ascending)]
        fits = [fit for fit in fits if _is_good(fit)]
        nearest = min((fit.distance for fit in fits), default=0.0)
        for fit in fits:
            if fit.distance <= nearest + ABOUT_AS_NEAR:
                return fit
    return _fit(ascending, Empirical(file, _quantiles(ascending)))


def _is_good(fit: Fit) -> bool:
    low, high = sorted((fit.sample_p99_s, fit.fitted_p99_s))
    return fit.distance <= max(NEAR, CHANCE / math.sqrt(fit.sample_size)) and high <= TAIL * low


def _fit(ascending: Seconds, distribution: Distribution) -> Fit:
    draws = np.sort(distribution.draws(Streams(0).stream("fit"), DRAWS))
    apart: Distance = distance(Lags(ascending, ascending, 0), Lags(draws, draws, 0))
    p99_s, fitted_s = (nearest_rank(sample, share("p99")) or 0.0 for sample in (ascending, draws))
    return Fit(distribution, apart.at_least, len(ascending), p99_s, fitted_s)


def _quantiles(ascending: Seconds) -> tuple[float, ...]:
    """The durations, or so many of them, evenly by rank, the largest always among them."""
    count = min(len(ascending), VALUES_MAX)
    ranks = np.ceil(np.arange(1, count + 1) * len(ascending) / count).astype(np.int64) - 1
    return tuple(round(value, 9) for value in ascending[ranks].tolist())


# -- families, the simplest first ----------------------------------------------------------------------


def _candidates(ascending: Seconds) -> Iterator[Distribution]:
    for family in (_constant, _exponential, _uniform, _lognormal, _gamma, _hyperexponential, _pareto):
        try:
            candidate = family(ascending)
        except ScenarioError:  # no such distribution has these parameters
            continue
        if candidate is not None:
            yield candidate


def _constant(ascending: Seconds) -> Distribution:
    return Constant(_rounded(float(np.median(ascending))))


def _exponential(ascending: Seconds) -> Distribution:
    return Exponential(_rounded(float(ascending.mean())))


def _uniform(ascending: Seconds) -> Distribution:
    return Uniform(_rounded(float(ascending[0])), _rounded(float(ascending[-1])))


def _lognormal(ascending: Seconds) -> Distribution | None:
    if ascending[0] <= 0.0:
        return None
    logs = np.log(ascending)
    median, sigma = float(np.exp(logs.mean())), float(logs.std())
    return Lognormal(_rounded(median), _rounded(median * math.exp(2.3263478740408408 * sigma)))


def _gamma(ascending: Seconds) -> Distribution | None:
    """By T. P. Minka's approximation of the greatest likelihood ("Estimating a Gamma distribution", 2002)."""
    if ascending[0] <= 0.0 or ascending[0] == ascending[-1]:
        return None
    mean = float(ascending.mean())
    s = math.log(mean) - float(np.log(ascending).mean())
    if s <= 0.0:
        return None
    shape = (3.0 - s + math.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    return Gamma(_rounded(mean), _rounded(1.0 / shape))


def _hyperexponential(ascending: Seconds) -> Distribution | None:
    mean, variance = float(ascending.mean()), float(ascending.var())
    if mean == 0.0 or variance <= mean * mean:
        return None
    return Hyperexponential(_rounded(mean), _rounded(variance / (mean * mean)))


def _pareto(ascending: Seconds) -> Distribution | None:
    if ascending[0] <= 0.0 or ascending[0] == ascending[-1]:
        return None
    scale = float(ascending[0])
    return Pareto(_rounded(scale), _rounded(1.0 / float(np.log(ascending / scale).mean())))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
