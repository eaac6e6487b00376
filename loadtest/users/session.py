"""A session of the load in this process: its clock, what it has measured, what its customers know.

It begins when a test starts and ends when it stops; the process's users find it by their environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
from gevent.lock import RLock

from loadtest.users.consistency import Consistency
from loadtest.users.recording import Recording
from loadtest.users.tables import Tables
from loadtest.users.watching import Watching
from scenarios.arrivals import Nothing
from scenarios.loads import LoadRules
from scenarios.randomness import Streams
from scenarios.requests import Requests

if TYPE_CHECKING:
    from pathlib import Path

    from locust.env import Environment

    from loadtest.users.clock import Clock, Share
    from loadtest.users.shop import Placed
    from scenarios.requests import Draw
    from scenarios.scenario import Scenario

WRITE_EVERY_S = 10.0
"""So often what was measured is written down, so that a load that is cut short leaves it."""


class Known:
    """The newest order that each customer knows of, and its position."""

    def __init__(self) -> None:
        self._orders: dict[int, int] = {}
        self._positions: dict[int, int] = {}

    def note(self, placed: Placed) -> None:
        """Keep what is newer than what is known."""
        who = placed.customer_id
        self._orders[who] = max(placed.order_id, self.order(who))
        self._positions[who] = max(placed.position, self.position(who))

    def order(self, customer_id: int) -> int:
        """The number of the newest order; 0: none."""
        return self._orders.get(customer_id, 0)

    def position(self, customer_id: int) -> int:
        """The position of the newest order; 0: none."""
        return self._positions.get(customer_id, 0)


class Session:
    """`scenario` says who the customers are and, if it `is_load`, what they do; `share` is this process's.

    `deadline_s` is how long at most a watched order is looked for.
    """

    def __init__(
        self,
        environment: Environment,
        scenario: Scenario,
        clock: Clock,
        share: Share,
        *,
        is_load: bool,
        folder: Path | None,
        deadline_s: float,
    ) -> None:
        self.scenario = scenario
        self.is_load = is_load
        self.clock = clock
        self.share = share
        self.recording = Recording(folder)
        self.consistency = Consistency()
        self.tables = Tables(environment)
        self.known = Known()
        self.deadline_s = deadline_s
        self.watching = Watching(self, environment, deadline_s)
        self.readers_wait = scenario.policy.read == "wait"
        self.has_generator = False
        self._draws: dict[str, Draw] = {}
        self._writing = RLock()
        self.is_over = False
        self._flushing = gevent.spawn(self._flush)
        self._accounting = gevent.spawn(self._account)

    def draw(self, kind: str) -> Any:
        """A request of this kind for a user of its own: the scenario's customers, products and quantities."""
        if kind not in self._draws:
            rules = {kind: LoadRules(Nothing())}
            streams = Streams(self.scenario.seed).stream(f"part/{self.share.number}")
            requests = Requests(self.scenario.population, rules, Nothing())
            self._draws[kind] = requests.draws(kind, Streams(streams.below(2**53)))
        return self._draws[kind]()

    def _flush(self) -> None:
        while True:
            gevent.sleep(WRITE_EVERY_S)
            with self._writing:
                self.recording.write(gevent.get_hub().threadpool.apply)

    def _account(self) -> None:
        """Let the process account for what it uses while the load is measured: in a scenario's run phase."""
        if self.is_load:
            for at_s, note in (
                (0.0, self.recording.begin_account),
                (self.scenario.phases.run, self.recording.end_account),
            ):
                gevent.sleep(max(at_s - self.clock.now_s(), 0.0))
                note()

    def end(self) -> None:
        """Look for nothing any more; what has not been seen is censored."""
        if not self.is_over:
            self.is_over = True
            self._accounting.kill()
            self.recording.end_account()
            with self._writing:  # not in the middle of it
                self._flushing.kill()
            self.watching.end()
            self.recording.is_over = True

    def write(self) -> None:
        """Write down what was measured."""
        with self._writing:
            self.recording.write()


SESSIONS: dict[Environment, Session] = {}
"""The session of each environment; a process has one."""
