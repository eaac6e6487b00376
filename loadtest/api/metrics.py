"""Metrics in the text format of Prometheus.

Lag is what stands in the log and is not applied: it is computed from the log's head, never from what a
consumer says of itself.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from actors.tables import DEAD_LETTERS
from loadtest.api.call import Answer
from loadtest.api.health import followers, heads
from loadtest.system.observer import BUCKETS_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actors.stores.port import Store
    from loadtest.api.call import Call
    from loadtest.api.service import Service
    from loadtest.system.livesystem import LiveSystem
    from loadtest.system.observer import Following

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

STATES: Final = ("following", "behind", "down")

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


async def metrics(service: Service, _call: Call) -> Answer:
    """Numbers for Prometheus."""
    system = service.system
    named = list(dict.fromkeys(name for name, _ in system.observer.following))
    logs, letters = await asyncio.gather(
        heads(service),
        service.views.look(partial(_letters, system.bare[name], name) for name in named),
    )
    text = written(service, logs, dict(zip(named, letters, strict=True)))
    return Answer(200, text.encode(), media_type=MEDIA_TYPE)


def _letters(store: Store, consumer: str) -> int:
    return sum(row.consumer == consumer for row in store.scan(DEAD_LETTERS))


def written(service: Service, logs: Mapping[str, int | None], letters: Mapping[str, int | None]) -> str:
    """All metrics as text; what is not known of `logs`, their heads, and of dead `letters` is left out."""
    page = _Page()
    _of_consumers(page, service.system, logs, letters)
    _of_logs(page, service.system)
    _of_commands(page, service)
    return page.text()


def _of_consumers(
    page: _Page, system: LiveSystem, logs: Mapping[str, int | None], letters: Mapping[str, int | None]
) -> None:
    states = followers(system, logs)
    names = [{"consumer": one.consumer, "source": one.source} for one in states]
    page.gauge(
        "consumer_lag_events",
        "Events in the log that the consumer has not applied.",
        [(labels, one.lag_events) for labels, one in zip(names, states, strict=True)],
    )
    page.gauge(
        "consumer_lag_seconds",
        "Age of the oldest event in the log that the consumer has not applied; 0: there is none.",
        [(labels, one.lag_seconds) for labels, one in zip(names, states, strict=True)],
    )
    page.gauge(
        "consumer_position",
        "Position up to which the consumer has done with every event.",
        [({"consumer": name, "source": source}, one.position) for (name, source), one in _following(system)],
    )
    page.gauge(
        "consumer_state",
        "1 for the state that the consumer is in.",
        [
            ({**labels, "state": state}, int(one.state == state))
            for labels, one in zip(names, states, strict=True)
            for state in STATES
        ],
    )
    page.gauge(
        "consumer_last_applied_timestamp_seconds",
        "Unix time at which the consumer has applied an event the last time since the server's start.",
        [
            ({"consumer": name, "source": source}, one.applied_s + system.runtime.started_unix_s)
            for (name, source), one in _following(system)
            if one.applied_s is not None
        ],
    )
    page.counter(
        "consumer_events_total",
        "Handlings of events that have ended, by outcome.",
        [
            ({"consumer": name, "source": source, "outcome": outcome}, number)
            for (name, source), one in _following(system)
            for outcome, number in sorted(dict(one.outcomes).items())
        ],
    )
    page.head("consumer_visibility_seconds", "histogram", "Time from an event's commit until it is visible.")
    for (name, source), one in _following(system):
        counts, total = list(one.histogram.counts), 0
        for bound, number in zip((*BUCKETS_S, math.inf), counts, strict=True):
            total += number
            labels = {"consumer": name, "source": source, "le": _number(bound)}
            page.sample("consumer_visibility_seconds_bucket", labels, total)
        labels = {"consumer": name, "source": source}
        page.sample("consumer_visibility_seconds_sum", labels, one.histogram.sum_s)
        page.sample("consumer_visibility_seconds_count", labels, total)
    page.gauge(
        "dead_letters",
        "Events that the consumer has put aside.",
        [({"consumer": name}, number) for name, number in letters.items() if number is not None],
    )
    page.gauge(
        "store_up",
        "Whether the store answers.",
        [({"store": name}, int(head is not None)) for name, head in logs.items()],
    )


def _of_logs(page: _Page, system: LiveSystem) -> None:
    observer, now_s = system.observer, system.runtime.now()
    page.gauge(
        "log_head_position",
        "Position of the newest event of the log.",
        [({"source": source}, head) for source, head in observer.heads.items()],
    )
    page.gauge(
        "outbox_age_seconds",
        "Age of the oldest event in the log that no consumer has applied; 0: there is none.",
        [
            (
                {"source": source},
                min(
                    observer.behind_s(consumer, source, now_s)
                    for consumer, whose in observer.following
                    if whose == source
                ),
            )
            for source in observer.heads
        ],
    )
    page.gauge(
        "inbox_depth",
        "Messages that wait in the inboxes of the node's actors.",
        [({"node": node}, system.runtime.depth(node)) for node in system.runtime.nodes()],
    )
    page.counter(
        "inbox_overflows_total",
        "Messages that have met a full inbox.",
        [({"node": node}, number) for node, number in sorted(dict(system.runtime.overflows).items())],
    )


def _of_commands(page: _Page, service: Service) -> None:
    commands = sorted(dict(service.commands).items())
    orders: Counter[tuple[str, str]] = Counter()
    for (kind, outcome, reason), number in commands:
        if kind in ("orders", "checkouts"):
            orders[outcome, reason] += number
    page.counter(
        "orders_total",
        "Orders that were asked for, also by check-out, by what they were answered.",
        [
            ({"outcome": outcome, "reason": reason}, number)
            for (outcome, reason), number in sorted(orders.items())
        ],
    )
    page.counter(
        "commands_total",
        "Commands by kind and by what they were answered.",
        [
            ({"kind": kind, "outcome": outcome, "reason": reason}, number)
            for (kind, outcome, reason), number in commands
        ],
    )
    page.gauge(
        "oversold_units",
        "Units by which there are fewer than none in stock.",
        [({}, sum(dict(service.system.observer.oversold).values()))],
    )
    page.counter(
        "http_requests_total",
        "Requests by route, method and status.",
        [
            ({"route": route, "method": method, "status": str(status)}, number)
            for (route, method, status), number in sorted(dict(service.requests).items())
        ],
    )


class _Page:
    """The text being written."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def head(self, name: str, kind: str, about: str) -> None:
        self._lines += [f"# HELP cqrs_lab_{name} {about}", f"# TYPE cqrs_lab_{name} {kind}"]

    def sample(self, name: str, labels: Mapping[str, str], value: float) -> None:
        inside = ",".join(f'{label}="{text.translate(_ESCAPED)}"' for label, text in labels.items())
        self._lines.append(f"cqrs_lab_{name}{{{inside}}} {_number(value)}")

    def gauge(self, name: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> None:
        self._family(name, "gauge", about, samples)

    def counter(self, name: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> None:
        self._family(name, "counter", about, samples)

    def _family(
        self, name: str, kind: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]
    ) -> None:
        self.head(name, kind, about)
        for labels, value in samples:
            self.sample(name, labels, value)

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _following(system: LiveSystem) -> list[tuple[tuple[str, str], Following]]:
    return list(system.observer.following.items())


def _number(value: float) -> str:
    return "+Inf" if math.isinf(value) else repr(value)
