"""A read is stale if it misses something, however often the view shows or counts what it does not miss.

The same reads are made with and without repeats, which move no arrival: as many of them must be stale.
"""

from pathlib import Path

import pytest

from cqrs_lab.experiment import measure_simulated
from scenarios.file import loads

SCENARIO = """
name = "repeats"
[phases]
warm = "1s"
run = "12s"
settle = "3s"
[population]
customers = 20
products = 5
[load]
orders = "poisson(20/s)"
history = "poisson(30/s)"
stock = "poisson(30/s)"
browse = "poisson(60/s)"
catalogue = "poisson(4/s)"
own_read = "exp(100ms)"
[policy]
idempotent = false
[[fault]]
{repeats}
for = "4s"
[[fault]]
kind = "pause"
on = "{view}"
at = "6s"
for = "4s"
"""

DUPLICATES = 'kind = "duplicate"\non = "{link}"\np = 0.5\nby = "50ms"'
TWICE = 'kind = "bug"\non = "{view}"\nform = "twice"'


def stale(kind: str, view: str, repeats: str, *settings: str) -> tuple[object, ...]:
    """How many reads of the kind are judged, and how many are stale; and how many miss the reader's own."""
    text = SCENARIO.format(view=view, repeats=repeats)
    scenario = loads(text, source="repeats", folder=Path(), settings=settings)
    summary = measure_simulated(scenario).summary
    reads, own = summary["reads"][kind], summary["session"]["read_your_writes"]
    return reads["judged"], reads["stale"], own["violations"]


@pytest.mark.parametrize(
    ("kind", "view", "link"),
    [
        ("history", "summary", "orders->summary"),
        ("stock", "inventory", "orders->inventory"),
        ("browse", "products", "*->products"),
    ],
)
def test_repeats_hide_no_stale_read(kind: str, view: str, link: str) -> None:
    duplicates, twice = DUPLICATES.format(link=link), TWICE.format(view=view)
    without = stale(kind, view, duplicates, "fault.0.enabled=false")
    assert without[1] > 50
    assert stale(kind, view, duplicates) == without
    assert stale(kind, view, twice) == without


def test_what_one_of_several_copies_has_counted_too_often_is_not_judged() -> None:
    judged, of_one = (
        stale("browse", "products", DUPLICATES.format(link="*->products"), f"policy.replicas={copies}")[0]
        for copies in (2, 1)
    )
    assert 0 < judged < of_one
