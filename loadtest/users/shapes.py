"""The shapes of a load by users: how many there are at each instant; every shape comes to an end.

>>> [users_at("ramp", at_s, 100, 60.0) for at_s in (0.0, 30.0, 59.9, 60.0)]
[1, 50, 100, None]
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS: Final = 5
SPIKE_BASE: Final = 0.1
SPIKE_FROM, SPIKE_TO = 0.4, 0.6
SINE_WAVES: Final = 4
SINE_LOW: Final = 0.1

SHAPES: Final[dict[str, Callable[[float], float]]] = {
    # from few users to all of them, evenly
    "ramp": lambda done: done,
    # a fifth of the users more with each fifth of the time
    "step": lambda done: (math.floor(done * STEPS) + 1) / STEPS,
    # a tenth of the users, and all of them in the middle fifth of the time
    "spike": lambda done: 1.0 if SPIKE_FROM <= done < SPIKE_TO else SPIKE_BASE,
    # up and down four times, between a tenth and all of the users
    "sine": lambda done: SINE_LOW + (1 - SINE_LOW) * (1 - math.cos(2 * math.pi * SINE_WAVES * done)) / 2,
    # all users, all the time
    "soak": lambda done: 1.0,  # noqa: ARG005
}
"""The share of the users that is there once a share of the time, in [0, 1), is over."""

SCENARIO: Final = "scenario"
"""The shape that is none: the load of a scenario file."""

LENGTH_S: Final = {"soak": 3600.0}
LENGTH_DEFAULT_S: Final = 120.0
"""How long a shape lasts unless it is said."""


def users_at(shape: str, at_s: float, users: int, length_s: float | None = None) -> int | None:
    """How many of the users there are `at_s` after the start, at least one; None: the load is over."""
    length_s = length_s or LENGTH_S.get(shape, LENGTH_DEFAULT_S)
    if at_s >= length_s:
        return None
    return max(1, round(users * SHAPES[shape](at_s / length_s)))
