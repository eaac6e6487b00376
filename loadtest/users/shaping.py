"""The shape that the user has chosen, or a scenario's load, as Locust asks for it every second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locust import LoadTestShape
from locust.runners import MasterRunner

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
    """Every shape comes to an end: after --run-time, or when the scenario's load is over."""

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
        if options.shape == SCENARIO:
            return None if self._is_over(runner) else self._load(runner)
        at_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        users = users_at(options.shape, at_s, options.num_users, options.run_time)
        if users is None:
            return None
        return users, options.spawn_rate, _runnable(runner, options)

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


def _runnable(runner: Runner, options: Any) -> list[type[User]]:
    """The people, but for those to whom the chosen tags leave nothing to do."""
    wanted, unwanted = set(options.tags or ()), set(options.exclude_tags or ())

    def is_left(task: Any) -> bool:
        tags: set[str] = getattr(task, "locust_tag_set", set())
        return (not wanted or bool(tags & wanted)) and not tags & unwanted

    return [
        kind
        for kind in runner.user_classes
        if kind is not ScenarioLoad and any(is_left(task) for task in kind.tasks)
    ]
