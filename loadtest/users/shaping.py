"""The shape that the user has chosen, or a scenario's load, as Locust asks for it every second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust import LoadTestShape
from locust.runners import MasterRunner

from loadtest.users.asked import people
from loadtest.users.load import ScenarioLoad
from loadtest.users.people import TIMEOUT_S
from loadtest.users.session import SESSIONS
from loadtest.users.shapes import SCENARIO, users_at

if TYPE_CHECKING:
    from locust import User
    from locust.runners import Runner

QUIET_S = 2.0
"""So long a scenario's load has been over before the run ends, so that every report and file has it all."""


class Shape(LoadTestShape):
    """Every shape comes to an end: after --run-time, or sooner, when a scenario's load is over."""

    use_common_options = True

    def reset_time(self) -> None:
        """Begin anew."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self._processes = 0
        self._over_since_s: float | None = None

    def tick(self) -> tuple[int, float, list[type[User]] | None] | None:
        """How many users of which kinds there should be now; None: the load is over."""
        runner = self.runner
        assert runner is not None, "Locust asks only once there is a runner"
        options = runner.environment.parsed_options
        assert options is not None, "Locust's own command line has been read"
        at_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if options.shape == SCENARIO:
            is_enough = options.run_time and at_s >= options.run_time
            return None if is_enough or self._is_over(runner) else self._load(runner)
        users = users_at(options.shape, at_s, options.num_users, options.run_time)
        if users is None:
            return None
        return users, options.spawn_rate, people(runner.user_classes, options)

    def _load(self, runner: Runner) -> tuple[int, float, list[type[User]] | None]:
        """One user in each process that carries users; workers that come later make no part of it."""
        self._processes = self._processes or (runner.worker_count if isinstance(runner, MasterRunner) else 1)
        return self._processes, float(self._processes), [ScenarioLoad]

    def _is_over(self, runner: Runner) -> bool:
        session = SESSIONS.get(runner.environment)
        if session is None or not self._processes:
            return False
        now_s, end_s = session.clock.now_s(), session.scenario.phases.run
        if now_s > end_s + session.deadline_s + 2 * TIMEOUT_S:
            return True
        if now_s < end_s or runner.user_count > 0:
            self._over_since_s = None
            return False
        self._over_since_s = self._over_since_s or now_s
        return now_s - self._over_since_s >= QUIET_S
