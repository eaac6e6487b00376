"""Stretches of a run's time: the phases, and the window that a measure looks at.

>>> phases = Phases(warm_s=30.0, run_s=300.0, settle_s=60.0)
>>> phases.window("settle")
Window(start_s=300.0, end_s=360.0)
>>> phases.window("always").length_s
390.0
"""

from typing import NamedTuple

from reports.evidence.arrays import Flags, Seconds


class Window(NamedTuple):
    """The instants from `start_s` up to, and without, `end_s`."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is; 0 if it is empty."""
        return max(0.0, self.end_s - self.start_s)

    def holds(self, at_s: Seconds) -> Flags:
        """Which of the instants lie in it; NaN does not."""
        return (at_s >= self.start_s) & (at_s < self.end_s)


class Phases(NamedTuple):
    """How long each phase lasts; time 0 is the start of `run`."""

    warm_s: float
    run_s: float
    settle_s: float

    @property
    def end_s(self) -> float:
        """The horizon: what has not happened by then is censored."""
        return self.run_s + self.settle_s

    def window(self, name: str) -> Window:
        """The window of a phase (`warm`, `run`, `settle`), or of all three (`always`)."""
        return {
            "warm": Window(-self.warm_s, 0.0),
            "run": Window(0.0, self.run_s),
            "settle": Window(self.run_s, self.end_s),
            "always": Window(-self.warm_s, self.end_s),
        }[name]
