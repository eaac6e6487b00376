"""Health: whether the server is alive, whether it can be used, and how far every consumer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.api import bodies
from loadtest.api.bodies import FollowerState, Health
from loadtest.api.call import Answer
from loadtest.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.api.call import Call
    from loadtest.api.service import Service
    from loadtest.system.livesystem import LiveSystem


async def livez(_service: Service, _call: Call) -> Answer:
    """Whether the server is alive: it is if it answers."""
    return Answer(200, bodies.encode(Health("alive")))


async def readyz(service: Service, _call: Call) -> Answer:
    """Whether the system can be used: every store answers, and no consumer is down or too far behind."""
    ready_lag_s = service.ready_lag_s
    logs = await heads(service)
    consumers = followers(service.system, logs)
    why = [f"store {name} does not answer" for name, head in logs.items() if head is None]
    why += [f"{one.consumer} is down" for one in consumers if one.state == "down"]
    why += [
        f"{one.consumer} is {one.lag_seconds:.1f} s behind {one.source}"
        for one in consumers
        if one.lag_seconds > ready_lag_s
    ]
    if why:
        raise Problem(
            "not-ready",
            "; ".join(dict.fromkeys(why)),
            f"wait until every store answers and every consumer is up and at most {ready_lag_s:g} s behind",
        )
    return Answer(200, bodies.encode(Health("ready", consumers)))


async def heads(service: Service) -> dict[str, int | None]:
    """The head of each store's log; None of a store that does not answer."""
    stores = service.system.stores
    found = await service.views.look(store.head for store in stores.values())
    return dict(zip(stores, found, strict=True))


def followers(system: LiveSystem, logs: Mapping[str, int | None]) -> list[FollowerState]:
    """How far each consumer is with each of its logs, by what those hold; if that is not known, by what we
    have seen.
    """
    observer, runtime = system.observer, system.runtime
    heads = {source: max(logs[source] or 0, seen) for source, seen in observer.heads.items()}
    now_s = runtime.now()
    found = []
    for (consumer, source), one in observer.following.items():
        lag_events = one.missing(heads[source])
        is_down = not runtime.is_alive(consumer)
        found.append(
            FollowerState(
                consumer,
                source,
                lag_events,
                round(observer.behind_s(consumer, source, now_s), 6),
                "down" if is_down else "behind" if lag_events else "following",
            )
        )
    return found
