"""The operations of the admin surface, which only a server has that was asked for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from loadtest.admin import bodies, endpoints, guard
from loadtest.api.operations import ANSWERING, CURSOR, LIMIT, Answered, Operation, Parameter

FAULT = Parameter("fault", "path", bodies.FaultNumber)
PROJECTION = Parameter("projection", "path", bodies.ProjectionName)
CONSUMER = Parameter("consumer", "query", bodies.ConsumerName)
REQUESTED_BY = Parameter(
    guard.HEADER, "header", str, "Anything, such as cqrs-lab: no form of a web page can say it."
)

_OPERATIONS: Final = (
    Operation(
        "GET",
        "/admin/faults",
        endpoints.list_faults,
        (Answered(200, "The faults.", list[bodies.FaultState]),),
    ),
    Operation(
        "POST",
        "/admin/faults",
        endpoints.inject_fault,
        (Answered(201, "The fault has begun.", bodies.FaultState, ("Location",)),),
        body=bodies.NewFault,
    ),
    Operation(
        "DELETE",
        "/admin/faults",
        endpoints.heal_all_faults,
        (Answered(200, "Those that were not over.", list[bodies.FaultState]),),
        parameters=(REQUESTED_BY,),
    ),
    Operation(
        "GET",
        "/admin/faults/{fault}",
        endpoints.show_fault,
        (Answered(200, "The fault.", bodies.FaultState),),
        ("unknown-fault",),
        parameters=(FAULT,),
    ),
    Operation(
        "DELETE",
        "/admin/faults/{fault}",
        endpoints.heal_fault,
        (Answered(200, "The fault is over.", bodies.FaultState),),
        ("unknown-fault",),
        parameters=(FAULT, REQUESTED_BY),
    ),
    Operation(
        "GET",
        "/admin/projections",
        endpoints.list_projections,
        (Answered(200, "The projections.", list[bodies.Projection]),),
        ANSWERING,
    ),
    Operation(
        "POST",
        "/admin/projections/{projection}/pause",
        endpoints.pause_projection,
        (Answered(200, "It is paused.", bodies.Projection),),
        ("unknown-consumer", *ANSWERING),
        parameters=(PROJECTION, REQUESTED_BY),
    ),
    Operation(
        "POST",
        "/admin/projections/{projection}/resume",
        endpoints.resume_projection,
        (Answered(200, "It is not paused.", bodies.Projection),),
        ("unknown-consumer", *ANSWERING),
        parameters=(PROJECTION, REQUESTED_BY),
    ),
    Operation(
        "POST",
        "/admin/projections/{projection}/rebuild",
        endpoints.rebuild_projection,
        (Answered(202, "It is being made anew.", bodies.Projection, ("Location",)),),
        ("unknown-consumer", *ANSWERING),
        parameters=(PROJECTION, REQUESTED_BY),
    ),
    Operation(
        "GET",
        "/admin/dead-letters",
        endpoints.list_dead_letters,
        (Answered(200, "How many there are, and those of a page.", bodies.DeadLetters),),
        ("unknown-consumer", *ANSWERING),
        parameters=(CONSUMER, LIMIT, CURSOR),
    ),
    Operation(
        "POST",
        "/admin/dead-letters/replay",
        endpoints.replay_dead_letters,
        (Answered(200, "What has taken effect.", list[bodies.Replayed]),),
        ("unknown-consumer", *ANSWERING),
        parameters=(CONSUMER, REQUESTED_BY),
    ),
)

ADMIN: Final = tuple(
    replace(one, guard=guard.check, problems=("cross-origin", *one.problems)) for one in _OPERATIONS
)
"""Every operation, each behind the guard."""
