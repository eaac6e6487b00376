"""What a checker is asked and what it answers: yes or no, with counter-examples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reports.evidence.frames import Run
from reports.evidence.window import Window
from scenarios.scenario import Scenario

MOST_EXAMPLES = 8

NOTHING_TO_JUDGE = "there was nothing to judge"

CounterExample = dict[str, Any]
"""What was expected and what was found: ids, positions and instants, `expected`, `found`."""


@dataclass(frozen=True)
class Checked:
    """The answer: `held` is None, with a `reason`, if the run cannot tell.

    `count` is the number of counter-examples, of which the first few are listed; `sample_size` how many
    things were looked at.
    """

    held: bool | None
    sample_size: int
    count: int = 0
    counter_examples: tuple[CounterExample, ...] = ()
    reason: str = ""


class Question(NamedTuple):
    """What is asked of which run: `within_s` is a checker's own time, `empty` the claims without a sample."""

    run: Run
    scenario: Scenario
    window: Window
    within_s: float | None = None
    empty: Sequence[str] = ()


def answer(count: int, sample_size: int, examples: Sequence[CounterExample]) -> Checked:
    """No counter-example means yes; nothing looked at means that it cannot be said."""
    if sample_size == 0 and count == 0:
        return Checked(None, 0, reason=NOTHING_TO_JUDGE)
    return Checked(count == 0, sample_size, count, tuple(examples[:MOST_EXAMPLES]))


def second(instant_s: float) -> float | None:
    """An instant as JSON has it: None if it is not known."""
    return float(instant_s) if math.isfinite(instant_s) else None
