"""A healthy design under random benign faults passes every checker, whatever the seed.

Benign is what the design is made for: crashes, pauses, slow parts, cut, slow and duplicating links, failing
stores. The short version runs always; `make soak` runs a thousand seeds.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from cqrs_lab.experiment import judge_simulated
from scenarios.file import loads
from scenarios.randomness import Streams

TEXT = """
name = "soak"

[phases]
warm = "5s"
run = "30s"
settle = "30s"

[population]
customers = 40
products = 10
stock = 500

[load]
orders = "poisson(6/s)"
checkouts = "poisson(1/s)"
history = "poisson(10/s)"
stock = "poisson(2/s)"
browse = "poisson(2/s)"
own_read = "exp(100ms)"
restock = "poisson(1/s)"
catalogue = "poisson(1/s)"

[time]
"*" = "exp(1ms)"
summary = "exp(5ms)"

[link]
"*" = "exp(2ms)"

[[expect]]
when = "always"
that = [
    "no lost", "no phantom", "no doubled", "no reordered", "join right", "in bounds", "converged",
]
"""

ANYWAY = '"no lost", "no phantom", "no doubled", "no reordered", "in bounds", "converged"'
NEVER_OVERSOLD = f'expect.0.that=[{ANYWAY}, "join right", "stock conserved", "oversold <= 0"]'

POLICIES = (
    (),
    ("policy.stock=reserve", NEVER_OVERSOLD),
    ("policy.stock=saga", NEVER_OVERSOLD),
    ("policy.join=placeholder",),
    ("policy.join=carried", f"expect.0.that=[{ANYWAY}]"),  # names as the order service knew them
    ("policy.summary.partitions=2", "policy.inbox=5", "policy.overflow=block", "policy.retry.jitter=0.5"),
    ("policy.summary.partitions=3", "policy.inventory.partitions=2"),
    ("policy.replicas=2", "policy.checkpoint=after", "policy.checkpoint_every=5"),
    ("policy.poll=50ms", "policy.inbox=20", "policy.overflow=reject"),
    ("policy.read=wait", "policy.on_error=park-key", "policy.replay=2s"),
)
"""Designs that promise to lose, double and reorder nothing."""

NODES = ("orders", "carts", "catalog", "inventory", "products", "summary", "relay", "*")
STORES = ("store:orders", "store:inventory", "store:products", "store:summary", "store:*")
LINKS = ("orders->inventory", "orders->summary", "inventory->products", "catalog->*", "*")

FAULTS = (
    ('kind = "crash"', NODES),
    ('kind = "pause"', NODES),
    ('kind = "slow"\nby = 3.0', NODES),
    ('kind = "skew"\nby = "-5s"', NODES),
    ('kind = "bug"\nform = "raise"\np = 0.2', ("inventory", "products", "summary", "relay")),
    ('kind = "exhaust"\nto = 3', ("summary", "products")),
    ('kind = "cut"', LINKS),
    ('kind = "drop"\np = 0.2', LINKS),
    ('kind = "duplicate"\np = 0.2\nby = "exp(300ms)"', LINKS),
    ('kind = "delay"\nby = "exp(100ms)"', LINKS),
    ('kind = "hold"', LINKS),
    ('kind = "throttle"\nto = "5/s"', LINKS),
    ('kind = "unavailable"', STORES),
    ('kind = "timeout"\nby = "500ms"', STORES),
    ('kind = "error"\np = 0.2', STORES),
    ('kind = "full"', STORES),
    ('kind = "surge"\nby = 3.0', ("load:orders", "load:history")),
    ('kind = "hot"\np = 0.5', ("load:orders",)),
)

FAULTS_A_RUN = 3
SHORT, LONG = range(1, 21), range(1, 1001)


def scenario_text(seed: int) -> tuple[str, tuple[str, ...]]:
    """A healthy scenario with a few faults at random, and the design that it is to survive."""
    stream = Streams(seed).stream("soak")
    rows = []
    for _ in range(FAULTS_A_RUN):
        kind, targets = FAULTS[stream.below(len(FAULTS))]
        on = targets[stream.below(len(targets))]
        at, length = stream.below(250) / 10, 1 + stream.below(40) / 10
        rows.append(f'[[fault]]\n{kind}\non = "{on}"\nat = "{at:g}s"\nfor = "{length:g}s"\n')
    return TEXT + "\n".join(rows), POLICIES[seed % len(POLICIES)]


def broken(seed: int) -> str:
    """What does not hold; empty if everything does."""
    text, settings = scenario_text(seed)
    scenario = loads(text, source=f"soak {seed}", folder=Path(), settings=settings, seed=seed)
    verdict = judge_simulated(scenario)
    failed = [
        f"{result.text}: {result.count} {result.counter_examples[:1]}"
        for result in verdict.results
        if result.held is False
    ]
    return f"seed {seed}, {settings}: {failed}\n{text[text.index('[[fault]]') :]}" if failed else ""


def all_broken(seeds: Iterable[int]) -> list[str]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as executor:
        return [found for found in executor.map(broken, seeds, chunksize=4) if found]


def test_a_few_seeds_with_random_benign_faults_break_nothing() -> None:
    assert [found for found in map(broken, SHORT) if found] == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_seeds_with_random_benign_faults_break_nothing() -> None:
    assert all_broken(LONG) == []
