"""The user who is a whole load: in each process, the part of a scenario's load that falls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopUser

from loadtest.users.generator import Generator
from loadtest.users.people import TIMEOUT_S
from loadtest.users.session import SESSIONS
from scenarios.arrivals import Closed
from scenarios.names import LOADS

if TYPE_CHECKING:
    from loadtest.users.session import Session


class ScenarioLoad(FastHttpUser):
    """Makes the load of the scenario, and is then gone; a second one in the same process does nothing."""

    wait_time = constant(0)

    @task
    def generate(self) -> None:
        """Make the load."""
        session = SESSIONS[self.environment]
        if session.share.of and not session.has_generator:
            session.has_generator = True
            options = self.environment.parsed_options
            assert options is not None, "Locust's own command line has been read"
            http = FastHttpSession(
                self.host,
                self.environment.events.request,
                self,
                concurrency=options.pool + _users(session, options.closed_users),
                network_timeout=TIMEOUT_S,
                connection_timeout=TIMEOUT_S,
            )
            Generator(
                session,
                http,
                pool=options.pool,
                watch_rate=options.watch_rate,
                users=options.closed_users or None,
            ).run()
        raise StopUser


def _users(session: Session, override: int) -> int:
    """How many users the closed loads have together."""
    loads = [getattr(session.scenario.load, kind) for kind in LOADS]
    return sum(override or load.users for load in loads if isinstance(load, Closed))
