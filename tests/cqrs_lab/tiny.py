"""A scenario that takes a moment, and sources that misbehave; importable by the processes that run them."""

import os
import signal

from cqrs_lab.source import Source
from scenarios.scenario import Scenario

TINY = """
name = "tiny"
question = "Does a tiny shop keep up?"

[phases]
warm = "1s"
run = "4s"
settle = "2s"

[population]
customers = 5
products = 5

[load]
orders = "poisson(10/s)"
history = "poisson(10/s)"

[time]
summary = "exp(5ms)"

[[fault]]
kind = "delay"
on = "orders->summary"
by = "exp(200ms)"
at = "1s"
for = "1s"

[[fault]]
kind = "unavailable"
on = "store:products"
at = "2s"
for = "500ms"

[[expect]]
that = ["lag.max{summary} < 900ms", "lag.p50{summary} < 50ms"]

[[expect]]
when = "always"
that = ["no lost", "faults fired"]
"""
"""Some seeds pass and some fail, by the delay that the fault draws."""


class Deadly(Source):
    """Kills the process that reads it with the seed 3."""

    def read(self, seed: int | None = None) -> Scenario:
        if seed == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(seed)


class Faulty(Source):
    """Has a fault of the lab's own with the seed 3."""

    def read(self, seed: int | None = None) -> Scenario:
        if seed == 3:
            raise ZeroDivisionError("that was not foreseen")
        return super().read(seed)


def tiny(kind: type[Source] = Source, settings: tuple[str, ...] = ()) -> Source:
    return kind(name="tiny.toml", text=TINY, settings=settings)
