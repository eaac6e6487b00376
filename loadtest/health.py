"""Health: whether the server is alive, whether it can be used, and how far every consumer is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from actors.stores.port import StoreError
from loadtest import bodies
from loadtest.bodies import FollowerState, Health
from loadtest.call import Answer
from loadtest.problems import Problem

if TYPE_CHECKING:
    from loadtest.call import Call
    from loadtest.livesystem import LiveSystem
    from loadtest.service import Service


async def livez(_service: Service, _call: Call) -> Answer:
    """Whether the server is alive: it is if it answers."""
    return Answer(200, bodies.encode(Health("alive")))


async def readyz(service: Service, _call: Call) -> Answer:
    """Whether the system can be used: every store answers, and no consumer is down or too far behind."""
    ready_lag_s = service.ready_lag_s
    consumers, silent = await service.views.in_thread(partial(examined, service.system))
    why = [f"store {name} does not answer" for name in silent]
    why += [f"{one.consumer} is down" for one in consumers if one.state == "down"]
    why += [
        f"{one.consumer} is {one.lag_seconds:.1f} s behind {one.source}"
        for one in consumers
        if one.lag_seconds > ready_lag_s
    ]
    if why:
        raise Problem(
            "not-ready", "; ".join(why), f"wait until every consumer is at most {ready_lag_s:g} s behind"
        )
    return Answer(200, bodies.encode(Health("ready", consumers)))


def examined(system: LiveSystem) -> tuple[list[FollowerState], list[str]]:
    """How far the consumers are, and which stores do not answer."""
    silent = []
    for name, store in system.stores.items():
        try:
            store.head()
        except StoreError:
            silent.append(name)
    return followers(system), silent


def followers(system: LiveSystem) -> list[FollowerState]:
    """How far each consumer is with each of its logs, by what the logs hold."""
    observer, runtime = system.observer, system.runtime
    heads = {source: head_of(system, source) for source in observer.heads}
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


def head_of(system: LiveSystem, source: str) -> int:
    """The position of the newest event that the log holds; if it cannot be asked, that we know of."""
    try:
        return max(system.bare[source].head(), system.observer.heads[source])
    except StoreError:
        return system.observer.heads[source]
