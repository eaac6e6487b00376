"""Rows of Locust's tables that are no requests: lag, latency from the intended start, what was dropped.

They are entries of their own, so that the Aggregated row goes on counting requests alone; workers send them
to the master with all the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.stats import StatsEntry

LAG: Final = "LAG"
INTENDED: Final = "INTENDED"
DROPPED: Final = "DROPPED"


class Tables:
    """The tables of an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def _entry(self, name: str, kind: str) -> StatsEntry:
        return self._environment.stats.entries[(name, kind)]  # anew: a reset replaces them

    def lag(self, name: str, lag_s: float, *, is_censored: bool) -> None:
        """A write was seen after so long, or (a failure) had not been by then."""
        _log(self._entry(name, LAG), lag_s, is_failure=is_censored)

    def intended(self, name: str, latency_s: float, is_ok: bool) -> None:
        """A request of an open load has ended so long after the instant at which it was to be sent."""
        _log(self._entry(name, INTENDED), latency_s, is_failure=not is_ok)

    def dropped(self, name: str) -> None:
        """A request of an open load was not sent: too many were under way."""
        _log(self._entry(name, DROPPED), None, is_failure=True)


def _log(entry: StatsEntry, took_s: float | None, *, is_failure: bool) -> None:
    entry.log(None if took_s is None else took_s * 1000, 0)  # type: ignore[arg-type]  # as requests do
    if is_failure:
        entry.log_error(None)
