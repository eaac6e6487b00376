"""Unix time on a clock that goes on evenly, which a machine's processes read alike to some microseconds."""

import time
from typing import Final

READINGS: Final = 9


def monotonic_at(unix_s: float) -> float:
    """What `time.monotonic()` reads at this Unix time (s).

    A thread may be held up between reading the one clock and the other: of several readings the narrowest
    counts.
    """

    def reading() -> tuple[float, float]:
        before_s, unix_now_s, after_s = time.monotonic(), time.time(), time.monotonic()
        return after_s - before_s, (before_s + after_s) / 2 - unix_now_s

    _, offset_s = min(reading() for _ in range(READINGS))
    return unix_s + offset_s
