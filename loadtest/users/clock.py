"""The clock of a load: seconds since the `run` phase began, the same in each of its processes."""

import time
from typing import NamedTuple

from loadtest.system.walltime import monotonic_at


class Share(NamedTuple):
    """Which part of a load a process makes: every `of`-th request, from `number` (0, …, of − 1) on.

    None of it if `of` is 0.
    """

    number: int = 0
    of: int = 1


class Clock:
    """Seconds since an instant of Unix time; they go on evenly even if the machine's time is set anew."""

    __slots__ = ("_zero_s", "zero_unix_s")

    def __init__(self, zero_unix_s: float) -> None:
        self.zero_unix_s = zero_unix_s
        self._zero_s = monotonic_at(zero_unix_s)

    def now_s(self) -> float:
        """The present instant."""
        return time.monotonic() - self._zero_s
