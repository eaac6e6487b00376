"""The measures that an expectation may name, in one table.

To add a measure, write a function here that gives its value over a window, add its line to `MEASURES`, and
tell `scenarios.expectations` how it is written.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from reports.evidence.arrays import Seconds
from reports.evidence.columns import integers, replicas
from reports.evidence.following import of_consumer
from reports.evidence.frames import Run
from reports.evidence.window import Window
from reports.measures import age, backlog, client_side, gaps, latency, stock
from reports.measures.handling import handling
from reports.measures.lag import Lags, lags
from reports.measures.occurrences import recovered
from reports.measures.percentile import statistic
from reports.measures.reads import VERSIONS, staleness
from reports.measures.sessions import Guarantee, monotonic_reads_in, read_your_writes_in
from reports.measures.time_behind import time_behind
from reports.measures.visibility import visible_within, visible_within_at_most
from scenarios.expectations import ENDPOINTS, Expectation
from scenarios.scenario import Scenario


class Measured(NamedTuple):
    """A measure's value and the sample that it rests on.

    `value` is None if there was nothing to measure. With censored samples the value is a lower bound, and
    `at_most` the upper one, infinite if none is known; otherwise `at_most` is None.
    """

    value: float | None
    sample_size: int
    censored: int = 0
    at_most: float | None = None


class Asked(NamedTuple):
    """What an expectation asks of a run: the measure, with its part and statistic, over a window."""

    run: Run
    scenario: Scenario
    window: Window
    expectation: Expectation

    @property
    def part(self) -> str:
        """What the braces name."""
        assert self.expectation.part is not None, f"{self.expectation.measure} is written with a part"
        return self.expectation.part

    @property
    def statistic(self) -> str:
        """What stands after the dot."""
        assert self.expectation.statistic is not None, (
            f"{self.expectation.measure} is written with a statistic"
        )
        return self.expectation.statistic


def _lag(asked: Asked, replica: str) -> Measured:
    return _delay(asked, lags(of_consumer(asked.run, replica), asked.window))


def _delay(asked: Asked, measured: Lags) -> Measured:
    value = statistic(measured.at_least_s, asked.statistic)
    at_most = measured.upper(asked.statistic) if measured.censored else None
    return Measured(value, measured.count, measured.censored, at_most)


def _visible_within(asked: Asked, replica: str) -> Measured:
    measured = lags(of_consumer(asked.run, replica), asked.window)
    if not measured.count:
        return Measured(None, 0)
    after_s = asked.expectation.argument
    assert after_s is not None, "visible_within is written with an argument"
    at_most = float(visible_within_at_most(measured, after_s)) if measured.censored else None
    return Measured(float(visible_within(measured, after_s)), measured.count, measured.censored, at_most)


def _backlog(asked: Asked, replica: str) -> Measured:
    events = of_consumer(asked.run, replica)
    measure = {"mean": backlog.mean, "max": backlog.maximum}[asked.statistic]
    return _over_time(asked, events.committed_s, measure(events, asked.window))


def _time_behind(asked: Asked, replica: str) -> Measured:
    events = of_consumer(asked.run, replica)
    behind = time_behind(events, asked.window)
    return _over_time(
        asked, events.committed_s, {"mean": behind.mean, "max": behind.maximum}[asked.statistic]
    )


def _age_of_information(asked: Asked, replica: str) -> Measured:
    events = of_consumer(asked.run, replica)
    measure = {"mean": age.mean, "max": age.maximum}[asked.statistic]
    return _over_time(asked, events.applied_s, measure(events, asked.window))


def _over_time(asked: Asked, instants_s: Seconds, value: float | None) -> Measured:
    """A value that rests on every event up to the end of the window; on none at all it is no value."""
    sample_size = int((instants_s < asked.window.end_s).sum())
    return Measured(value if sample_size else None, sample_size)


def _recovery(asked: Asked, replica: str) -> Measured:
    """The longest recovery from a fault; those that were not reached count as at least what was seen."""
    found = recovered(asked.run, replica)
    censored = sum(one.recovery_s is None for one in found)
    value = max((one.at_least_s for one in found), default=None)
    return Measured(value, len(found), censored, math.inf if censored else None)


def _of_worst(
    worst: Callable[[list[float]], float], measure: Callable[[Asked, str], Measured]
) -> Callable[[Asked], Measured]:
    """The measure of a consumer as that of its worst replica, so that a limit holds for each of them."""

    def measured(asked: Asked) -> Measured:
        each = [measure(asked, replica) for replica in replicas(asked.run, asked.part)]
        values = [one.value for one in each if one.value is not None]
        if len(each) == 1 or not values:
            return each[0] if each else Measured(None, 0)
        upper = [one.value if one.at_most is None else one.at_most for one in each]
        censored = sum(one.censored for one in each)
        at_most = worst([bound for bound in upper if bound is not None]) if censored else None
        return Measured(worst(values), sum(one.sample_size for one in each), censored, at_most)

    return measured


def _stale_reads(asked: Asked) -> Measured:
    measured = staleness(asked.run, asked.part, asked.window)
    return Measured(measured.stale_ratio, measured.judged)


def _read_your_writes(asked: Asked) -> Measured:
    return _violations(read_your_writes_in(asked.run, asked.window))


def _monotonic_reads(asked: Asked) -> Measured:
    return _violations(monotonic_reads_in(asked.run, asked.window))


def _violations(found: Guarantee) -> Measured:
    return Measured(found.ratio, found.opportunities)


def _success(asked: Asked) -> Measured:
    """Acknowledged commands, or answered reads, over all of them; a rejection is no success.

    In a live run: of the requests that clients have sent, those that ended well.
    """
    if "requests" in asked.run.tables:
        found = client_side.outcomes(asked.run, asked.part, asked.window)
        sent = sum(found.values()) - found["dropped"]
        return Measured(found["ok"] / sent if sent else None, sent)
    if asked.part in VERSIONS:
        reads = staleness(asked.run, asked.part, asked.window)
        return Measured(1.0 - reads.failed / reads.count if reads.count else None, reads.count)
    ended = latency.outcomes(asked.run, [asked.part], asked.window)
    total = sum(ended.values())
    return Measured(ended["acknowledged"] / total if total else None, total)


def _latency(asked: Asked) -> Measured:
    """From the arrival, of an unanswered command until the horizon at least.

    In a live run as clients have it, from the instant at which they meant to send.
    """
    kind = ENDPOINTS.get(asked.part, asked.part)
    if "requests" in asked.run.tables:
        waited_s = client_side.latencies_s(asked.run, kind, asked.window)
        return Measured(statistic(waited_s, asked.statistic), len(waited_s))
    if kind in VERSIONS:
        measured_s = latency.read_latencies_s(asked.run, kind, asked.window)
        return Measured(statistic(measured_s, asked.statistic), len(measured_s))
    return _delay(asked, latency.latencies(asked.run, kind, asked.window))


def _oversold(asked: Asked) -> Measured:
    """Over the whole run, whatever the window: stock is used up from its start."""
    ordered, _ = stock.ordered(asked.run)
    lines = len(ordered.quantity)
    return Measured(float(sum(stock.oversold(asked.run).values())) if lines else None, lines)


def _dead_letters(asked: Asked) -> Measured:
    handled = [handling(asked.run, consumer, asked.window) for consumer in asked.run.consumers]
    messages = sum(one.messages for one in handled)
    return Measured(float(sum(one.dead_letters for one in handled)) if messages else None, messages)


def _gaps(asked: Asked) -> Measured:
    """Of the customers' view at the end of the run, whatever the window."""
    run = asked.run
    judged = max(len(integers(run, "orders", "order_id")), len(integers(run, "summaries", "order_id")))
    return Measured(float(gaps.counts(run)[asked.statistic]) if judged else None, judged)


MEASURES: Mapping[str, Callable[[Asked], Measured]] = {
    "lag": _of_worst(max, _lag),
    "backlog": _of_worst(max, _backlog),
    "time_behind": _of_worst(max, _time_behind),
    "age_of_information": _of_worst(max, _age_of_information),
    "visible_within": _of_worst(min, _visible_within),
    "recovery": _of_worst(max, _recovery),
    "stale_reads": _stale_reads,
    "read_your_writes": _read_your_writes,
    "monotonic_reads": _monotonic_reads,
    "success": _success,
    "latency": _latency,
    "oversold": _oversold,
    "dead_letters": _dead_letters,
    "gaps": _gaps,
}
