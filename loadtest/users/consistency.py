"""What clients have seen of the read models' lag, second by second, from one process or from many.

An order is counted in the second in which it was acknowledged. A worker's `take` travels to the master, which
`add`s it.

>>> seen = Consistency()
>>> seen.saw(3.2, 0.5)
>>> seen.gave_up(3.9, 10.0)
>>> seen.read(4.1, is_stale=True)
>>> other = Consistency()
>>> other.add(seen.take())
>>> other.summary()["lag_s"]
{'count': 2, 'censored': 1, 'p50': 0.5, 'p95': 10.0, 'p99': 10.0, 'max': 10.0}
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

POINTS_MAX: Final = 300
"""So many points at most are shown of a curve."""


class Second:
    """What was seen of one second: lags (s), how many of them are lower bounds, reads, and how many stale."""

    __slots__ = ("censored", "lags_s", "reads", "stale")

    def __init__(self) -> None:
        self.lags_s = array("d")
        self.censored = self.reads = self.stale = 0


class Consistency:
    """Lags of orders until their customers see them, and stale reads."""

    def __init__(self) -> None:
        self._seconds: dict[int, Second] = {}

    def _second(self, at_s: float) -> Second:
        return self._seconds.setdefault(math.floor(at_s), Second())

    def saw(self, acknowledged_s: float, lag_s: float) -> None:
        """An order was seen."""
        self._second(acknowledged_s).lags_s.append(lag_s)

    def gave_up(self, acknowledged_s: float, lag_s: float) -> None:
        """An order had not been seen so long after it was acknowledged, when its customer ceased to look."""
        second = self._second(acknowledged_s)
        second.lags_s.append(lag_s)
        second.censored += 1

    def read(self, at_s: float, *, is_stale: bool) -> None:
        """A customer who knows of an order has looked at the orders; stale: it was not there."""
        second = self._second(at_s)
        second.reads += 1
        second.stale += is_stale

    # -- between processes -----------------------------------------------------------------------------

    def take(self) -> list[list[Any]]:
        """What has been seen since the last time, as plain lists; it is forgotten here."""
        taken, self._seconds = self._seconds, {}
        return [
            [at, second.lags_s.tolist(), second.censored, second.reads, second.stale]
            for at, second in taken.items()
        ]

    def add(self, taken: Sequence[Sequence[Any]]) -> None:
        """Add what another process has seen."""
        for at, lags_s, censored, reads, stale in taken:
            second = self._second(at)
            second.lags_s.extend(lags_s)
            second.censored += censored
            second.reads += reads
            second.stale += stale

    # -- to look at ------------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """The numbers of the whole load, and its curves in at most `POINTS_MAX` points of whole seconds."""
        seconds = sorted(self._seconds.items())
        step = 1
        if seconds:
            step = math.ceil((seconds[-1][0] - seconds[0][0] + 1) / POINTS_MAX)
        merged: dict[int, Second] = {}
        for at, second in seconds:
            point = merged.setdefault(at // step * step, Second())
            point.lags_s.extend(second.lags_s)
            point.censored += second.censored
            point.reads += second.reads
            point.stale += second.stale
        whole = Second()
        for point in merged.values():
            whole.lags_s.extend(point.lags_s)
            whole.censored += point.censored
            whole.reads += point.reads
            whole.stale += point.stale
        return {
            "lag_s": _lag(whole),
            "reads": {"count": whole.reads, "stale": whole.stale},
            "step_s": step,
            "points": [
                {"at_s": at, "lag_s": _lag(point), "reads": point.reads, "stale": point.stale}
                for at, point in merged.items()
            ],
        }


def _lag(second: Second) -> dict[str, float | None]:
    """Nearest ranks; a lag that is a lower bound counts as that."""
    ordered = sorted(second.lags_s)

    def rank(share: float) -> float | None:
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

    return {
        "count": len(ordered),
        "censored": second.censored,
        "p50": rank(0.5),
        "p95": rank(0.95),
        "p99": rank(0.99),
        "max": rank(1.0),
    }
