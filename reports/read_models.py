"""The read models of a run as they are shown: in which order, and what each is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.evidence.columns import replicas
from reports.evidence.frames import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.evidence.frames import Run

ORDER: Final = ("summary", "products", "inventory", "orders")
"""The consumers as they come in legends and tables; others follow."""

NAMES: Final = {"orders": "order service"}
"""What a consumer is called where its name alone would mislead."""


def called(consumer: str) -> str:
    """What a legend or a table calls the consumer."""
    return NAMES.get(consumer, consumer)


def in_order(consumers: Iterable[str]) -> list[str]:
    """The consumers in their order, the copies of one after each other.

    >>> in_order(["audit", "orders", "summary", "summary/2"])
    ['summary', 'summary/2', 'orders', 'audit']
    """
    place = {name: number for number, name in enumerate(ORDER)}
    return sorted(consumers, key=lambda name: (place.get(name.partition("/")[0], len(ORDER)), name))


def shown_consumers(run: Run) -> list[str]:
    """The consumers of a run in their order, each with its copies.

    Raises:
        RunError: it has none, as a probe has.

    """
    if not run.consumers:
        raise RunError("the run knows of no read models, so there is nothing to draw; take a simulated run")
    known = [copy for name in ORDER for copy in replicas(run, name)]
    return known + [name for name in run.consumers if name not in known]
