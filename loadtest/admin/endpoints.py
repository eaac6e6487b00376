"""The endpoints of the admin surface."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from actors.messages import Replay
from actors.topology import consumers
from loadtest.admin import letters
from loadtest.admin.bodies import FaultState, NewFault, Projection, RebuildState, Replayed
from loadtest.admin.faults import fault_of
from loadtest.api import bodies, health
from loadtest.api.call import Answer
from loadtest.api.problems import Problem, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from loadtest.admin.faults import Injected
    from loadtest.api.call import Call
    from loadtest.api.service import Service


# -- faults --------------------------------------------------------------------------------------------


async def list_faults(service: Service, _call: Call) -> Answer:
    """Every fault that was injected since the start, and what those that are over have touched."""
    return _faults(service, service.admin.faults.injected.values())


async def show_fault(service: Service, call: Call) -> Answer:
    """One fault."""
    return _shown(_fault_state(service, _injected(service, call)))


async def inject_fault(service: Service, call: Call) -> Answer:
    """Begin a fault now."""
    fault = fault_of(msgspec.to_builtins(call.body(NewFault)))
    one = await asyncio.to_thread(service.admin.faults.inject, fault)
    state = _fault_state(service, one)
    return Answer(201, bodies.encode(state), (("Location", f"/admin/faults/{one.number}"),))


async def heal_fault(service: Service, call: Call) -> Answer:
    """End a fault, if it is not over."""
    number = _injected(service, call).number
    return _shown(_fault_state(service, await asyncio.to_thread(service.admin.faults.heal, number)))


async def heal_all_faults(service: Service, _call: Call) -> Answer:
    """End every fault; the answer has those that were not over."""
    return _faults(service, await asyncio.to_thread(service.admin.faults.heal_all))


# -- projections ---------------------------------------------------------------------------------------


async def list_projections(service: Service, _call: Call) -> Answer:
    """Every projection: how far it is, whether it is paused, and its newest rebuild."""
    return _shown(await _projections(service))


async def pause_projection(service: Service, call: Call) -> Answer:
    """Let a projection and its copies get no events; it goes on serving what it has."""
    name = _consumer(call.word("projection"), service.admin.projections.follows)
    await asyncio.to_thread(service.admin.projections.pause, name)
    return await _projection(service, name)


async def resume_projection(service: Service, call: Call) -> Answer:
    """Let a projection have its events again."""
    name = _consumer(call.word("projection"), service.admin.projections.follows)
    await asyncio.to_thread(service.admin.projections.resume, name)
    return await _projection(service, name)


async def rebuild_projection(service: Service, call: Call) -> Answer:
    """Begin to make a projection anew from the logs; the old view serves until the new one is ready."""
    name = _consumer(call.word("projection"), service.admin.projections.follows)
    service.admin.projections.rebuild(name)
    answer = await _projection(service, name)
    return answer._replace(status=202, headers=(("Location", "/admin/projections"),))


# -- dead letters --------------------------------------------------------------------------------------


async def list_dead_letters(service: Service, call: Call) -> Answer:
    """What consumers have put aside, by consumer, log and position."""
    names, skip, limit = _asked_for(service, call), (call.cursor or 1) - 1, call.limit
    found = await service.views.in_thread(partial(letters.listed, service.system, names, skip, limit))
    return _shown(found)


async def replay_dead_letters(service: Service, call: Call) -> Answer:
    """Let consumers try their dead letters again, in the order of the logs; what fails again stays."""
    names = _asked_for(service, call)
    return _shown([Replayed(name, await service.ask(name, Replay())) for name in names])


# -- inside --------------------------------------------------------------------------------------------


def _injected(service: Service, call: Call) -> Injected:
    number = call.number("fault")
    one = service.admin.faults.injected.get(number)
    if one is None:
        raise Problem(
            "unknown-fault",
            f"no fault has the number {number}",
            "take a number from GET /admin/faults",
            number,
        )
    return one


def _faults(service: Service, injected: Iterable[Injected]) -> Answer:
    return _shown([_fault_state(service, one) for one in injected])


def _fault_state(service: Service, one: Injected) -> FaultState:
    fault = one.fault
    return FaultState(
        one.number,
        fault.kind,
        fault.on,
        list(fault.targets),
        "running" if one.ended_s is None else "over",
        _at(service, one.began_s),
        UNSET if one.ended_s is None else _at(service, one.ended_s),
        UNSET if one.hits is None else one.hits,
    )


async def _projection(service: Service, name: str) -> Answer:
    every = await _projections(service)
    return _shown(next(one for one in every if one.name == _spelled(name)))


async def _projections(service: Service) -> list[Projection]:
    projections = service.admin.projections
    states = health.followers(service.system, await health.heads(service))
    return [
        Projection(
            _spelled(name),
            projections.is_paused(name),
            [one for one in states if one.consumer == name],
            _rebuild_state(service, name),
        )
        for name in projections.follows
    ]


def _rebuild_state(service: Service, name: str) -> Any:
    newest = service.admin.projections.rebuilds.get(name)
    if newest is None:
        return UNSET
    ended_s, why, changed = newest.ended_s, newest.why, newest.changed
    return RebuildState(
        "running" if ended_s is None else "done" if why is None else "failed",
        _at(service, newest.began_s),
        newest.rebuild.events if newest.rebuild is not None else 0,
        UNSET if ended_s is None else _at(service, ended_s),
        UNSET if changed is None else changed,
        UNSET if why is None else why,
    )


def _asked_for(service: Service, call: Call) -> list[str]:
    """The consumer that the query names, or all."""
    every = list(consumers(service.system.policy))
    word = call.asked("consumer")
    return every if word is None else [_consumer(word, every)]


def _consumer(word: str, names: Iterable[str]) -> str:
    """The consumer that a path or a query means by this word."""
    by_word = {_spelled(name): name for name in names}
    if word not in by_word:
        raise Problem(
            "unknown-consumer",
            "nothing that follows events has this name",
            f"name one of {', '.join(by_word)}",
            shortened(word),
        )
    return by_word[word]


def _spelled(name: str) -> str:
    """A consumer as a path spells it: `summary-2` for the copy `summary/2`."""
    return name.replace("/", "-")


def _at(service: Service, instant_s: float) -> datetime:
    return bodies.instant(service.system.runtime.started_unix_s + instant_s)


def _shown(body: Any) -> Answer:
    return Answer(200, bodies.encode(body))
