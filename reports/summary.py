"""The summary of a run: the numbers of summary.json, over the `run` phase.

Durations are in seconds, to the nanosecond; what has no value, for want of a sample, is None.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reports.evidence.following import of_consumer
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW, PLACES_ORDERS
from reports.measures import age, backlog, gaps, latency, stock
from reports.measures.client_side import client_summary
from reports.measures.handling import handling
from reports.measures.lag import Lags, lags
from reports.measures.occurrences import occurrences, recovered
from reports.measures.percentile import spread
from reports.measures.reads import VERSIONS, staleness
from reports.measures.sessions import Guarantee, monotonic_reads_in, read_your_writes_in
from reports.measures.time_behind import time_behind
from reports.measures.transience import largest_transient, late
from reports.measures.vantage import vantage
from reports.measures.visibility import shares_visible

Numbers = dict[str, Any]


def summarise(run: Run) -> Numbers:
    """The content of summary.json but for the verdict, which `reports.judging.verdict.judge` gives."""
    consumers = list(run.consumers)
    result: Numbers = {
        "scenario": run.info.get("scenario"),
        "seed": run.info.get("seed"),
        "engine": run.info.get("engine"),
        "verdict": None,
        "trace_sha256": run.info.get("trace_sha256"),
        "orders": latency.outcomes(run, PLACES_ORDERS, run.phases.window("run")),
        "lag_s": {consumer: _lag(run, consumer) for consumer in consumers},
        "backlog_events": {consumer: _backlog(run, consumer) for consumer in consumers},
        "time_behind_s": {consumer: _time_behind(run, consumer) for consumer in consumers},
        "age_of_information_s": {consumer: _age(run, consumer) for consumer in consumers},
        "reads": {kind: _reads(run, kind) for kind in VERSIONS},
        "latency_s": {kind: _latency(run, kind) for kind in PLACES_ORDERS}
        | {kind: _read_latency(run, kind) for kind in VERSIONS},
        "session": {
            "read_your_writes": _guarantee(read_your_writes_in(run, run.phases.window("run"))),
            "monotonic_reads": _guarantee(monotonic_reads_in(run, run.phases.window("run"))),
        },
        "gaps": {CUSTOMERS_VIEW: _gaps(run)},
        "applied": {consumer: _applied(run, consumer) for consumer in consumers},
        "stock": _stock(run),
        "faults": _faults(run),
        "visible_within": {consumer: _visible_within(run, consumer) for consumer in consumers},
    }
    if "requests" in run.tables:  # a live run has clients of its own
        result["client"] = client_summary(run) | {"vantage": vantage(run)}
        result["generator"] = run.info.get("generator")
    whole: Numbers = rounded(result)
    return whole


def _lag(run: Run, consumer: str) -> Numbers:
    return _delays(lags(of_consumer(run, consumer), run.phases.window("run")))


def _delays(measured: Lags) -> Numbers:
    return {
        "count": measured.count,
        "censored": measured.censored,
        **spread(measured.at_least_s),
    }


def _visible_within(run: Run, consumer: str) -> Numbers:
    return shares_visible(lags(of_consumer(run, consumer), run.phases.window("run")))


def _backlog(run: Run, consumer: str) -> Numbers:
    events, window = of_consumer(run, consumer), run.phases.window("run")
    return {"mean": backlog.mean(events, window), "max": backlog.maximum(events, window)}


def _time_behind(run: Run, consumer: str) -> Numbers:
    behind = time_behind(of_consumer(run, consumer), run.phases.window("run"))
    return {"mean": behind.mean, "max": behind.maximum, "share_behind": behind.share_behind}


def _age(run: Run, consumer: str) -> Numbers:
    events, window = of_consumer(run, consumer), run.phases.window("run")
    return {
        "mean": age.mean(events, window),
        "max": age.maximum(events, window),
        "mean_peak": age.mean_peak(events, window),
    }


def _reads(run: Run, kind: str) -> Numbers:
    measured = staleness(run, kind, run.phases.window("run"))
    return {
        "count": measured.count,
        "failed": measured.failed,
        "marked_stale": measured.marked,
        "judged": measured.judged,
        "stale": measured.stale,
        "stale_ratio": measured.stale_ratio,
        "mean_versions_behind": measured.mean_versions_behind,
    }


def _latency(run: Run, kind: str) -> Numbers:
    return _delays(latency.latencies(run, kind, run.phases.window("run")))


def _read_latency(run: Run, kind: str) -> Numbers:
    measured_s = latency.read_latencies_s(run, kind, run.phases.window("run"))
    return {"count": len(measured_s), "censored": 0, **spread(measured_s)}


def _guarantee(found: Guarantee) -> Numbers:
    return {"opportunities": found.opportunities, "violations": found.violations}


def _gaps(run: Run) -> Numbers:
    """As they stood at the end of settle, for good; under `transient` the most at a time that closed."""
    largest = largest_transient(run)
    return {
        **gaps.counts(run),
        "late": late(run),
        "transient": {kind: largest[kind] for kind in gaps.KINDS},
    }


def _applied(run: Run, consumer: str) -> Numbers:
    done = handling(run, consumer, run.phases.window("run"))
    return {
        "attempts": done.attempts,
        "applied": done.applied,
        "duplicates": done.duplicates,
        "repeats": done.repeats,
        "failed_attempts": done.failed_attempts,
        "dead_letters": done.dead_letters,
        "oldest_dead_letter_s": done.oldest_dead_letter_s,
        "amplification": done.amplification,
    }


def _stock(run: Run) -> Numbers:
    units = stock.oversold(run)
    return {
        "oversold_units": sum(units.values()),
        "oversold_products": len(units),
        "transient_oversold_units": largest_transient(run)["oversold"],
    }


def _faults(run: Run) -> list[Numbers]:
    found = {consumer: recovered(run, consumer) for consumer in run.consumers}
    result = []
    for at, occurrence in enumerate(occurrences(run)):
        each = {consumer: recoveries[at] for consumer, recoveries in found.items()}
        result.append(
            {
                **asdict(occurrence),
                "recovery_s": {consumer: one.recovery_s for consumer, one in each.items()},
                "recovery_at_least_s": {consumer: one.at_least_s for consumer, one in each.items()},
                "recovery_censored": {
                    consumer: one.censored for consumer, one in each.items() if one.censored
                },
            }
        )
    return result


def rounded(value: Any) -> Any:
    """The same structure with every float to nine decimals."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return value
