"""How the processes of a load begin and end together.

The master says when the load's clock is zero and which part each worker makes; a worker says what its
customers have seen. Every process has a session from the start of a test to its end.
"""

from __future__ import annotations

import os
import signal
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gevent
from locust import argument_parser
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner

from loadtest.users.asked import require_possible
from loadtest.users.clock import Clock, Share
from loadtest.users.session import SESSIONS, Session
from loadtest.users.shapes import SCENARIO
from scenarios.errors import ScenarioError
from scenarios.file import read
from scenarios.library import find
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from locust.env import Environment

ZERO_VARIABLE: Final = "CQRS_LAB_ZERO_UNIX_S"
RECORD_VARIABLE: Final = "CQRS_LAB_RECORD"

BEGIN: Final = "cqrs-lab-begin"
SEEN: Final = "cqrs_lab_seen"

LEAD_S: Final = 1.0
"""So long after the start of a test a scenario's load begins, if nobody has said when."""

DEADLINE_S: Final = 10.0
"""For so long a watched order is looked for, if neither the user nor a scenario's load says it."""


def scenario_of(environment: Environment) -> Scenario:
    """The scenario that the options name; without one, all defaults.

    Raises:
        ScenarioError: it is not there or not valid, or nobody can make the load that is asked for.

    """
    require_possible(environment)
    options: Any = environment.parsed_options
    if options.scenario:
        return read(find(options.scenario))
    if options.shape == SCENARIO:
        raise ScenarioError(
            "--shape scenario needs a scenario; name one with --scenario, such as --scenario healthy."
        )
    return Scenario(name="locust")


def attach(environment: Environment) -> None:
    """Let sessions begin and end with the tests of the environment, whose runner is there."""
    runner = environment.runner
    told: dict[str, Any] = {}

    def on_test_start(**_: object) -> None:
        try:
            scenario = scenario_of(environment)
        except ScenarioError as error:
            raise StopTest(str(error)) from None
        options: Any = environment.parsed_options
        is_load = options.shape == SCENARIO
        if not isinstance(runner, WorkerRunner):
            told.update(zero_unix_s=_zero_unix_s(scenario, is_load=is_load), number=0, of=1)
        if isinstance(runner, MasterRunner):
            _tell(runner, told["zero_unix_s"])
        record = os.environ.get(RECORD_VARIABLE)
        SESSIONS[environment] = Session(
            environment,
            scenario,
            Clock(told["zero_unix_s"]),
            Share(told["number"], told["of"]),
            is_load=is_load,
            folder=Path(record) if record and not isinstance(runner, MasterRunner) else None,
            deadline_s=options.deadline or (scenario.phases.settle if is_load else DEADLINE_S),
        )

    def on_test_stop(**_: object) -> None:
        session = SESSIONS.get(environment)
        if session is not None:
            session.end()
            if not isinstance(runner, WorkerRunner):  # whose last report comes first
                session.write()

    def on_quit(**_: object) -> None:
        session = SESSIONS.get(environment)
        if session is not None:
            session.end()
            session.write()

    if runner is not None:  # while Locust waits for a shape to end it does not see to SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: gevent.spawn(runner.quit))
    environment.events.test_start.add_listener(on_test_start)
    environment.events.test_stop.add_listener(on_test_stop)
    environment.events.quit.add_listener(on_quit)
    if isinstance(runner, WorkerRunner):
        # A worker that is told to spawn asks for Locust's defaults once for each option, and each time the
        # whole command line is made anew: for a second or more no request would be sent and none answered.
        argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
        runner.register_message(BEGIN, lambda msg, **_: told.update(msg.data))
        environment.events.report_to_master.add_listener(
            lambda data, **_: data.update({SEEN: _taken(environment)})
        )
    elif isinstance(runner, MasterRunner):
        environment.events.worker_connect.add_listener(
            lambda client_id, **_: _tell_late(environment, runner, client_id)
        )
        environment.events.worker_report.add_listener(lambda data, **_: _add(environment, data.get(SEEN, [])))


def _zero_unix_s(scenario: Scenario, *, is_load: bool) -> float:
    said = os.environ.get(ZERO_VARIABLE)
    if said and is_load:
        return float(said)
    return time.time() + (LEAD_S + scenario.phases.warm if is_load else 0.0)


def _tell(master: MasterRunner, zero_unix_s: float) -> None:
    """Tell each worker when zero is and which part is its; it hears that before it is told to begin."""
    workers = sorted(client.id for client in master.clients.ready)
    for number, worker in enumerate(workers):
        part = {"zero_unix_s": zero_unix_s, "number": number, "of": len(workers)}
        master.send_message(BEGIN, part, client_id=worker)


def _tell_late(environment: Environment, master: MasterRunner, worker: str) -> None:
    """Tell a worker that connects while a load is under way the time; the load is divided already."""
    session = SESSIONS.get(environment)
    if session is not None and not session.is_over:
        part = {"zero_unix_s": session.clock.zero_unix_s, "number": master.get_worker_index(worker), "of": 0}
        master.send_message(BEGIN, part, client_id=worker)


def _taken(environment: Environment) -> list[list[Any]]:
    session = SESSIONS.get(environment)
    return [] if session is None else session.consistency.take()


def _add(environment: Environment, taken: list[list[Any]]) -> None:
    session = SESSIONS.get(environment)
    if session is not None:
        session.consistency.add(taken)
