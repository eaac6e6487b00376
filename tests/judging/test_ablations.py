"""Each checker fails when what it watches over is broken, and no other: protections switched off one by one.

In every pair the first run has the protection, and every claim holds; the second is the same run without it,
or with a bug, and exactly the claims named fail. docs/ablations.md lists the pairs.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from cqrs_lab.experiment import judge_simulated
from scenarios.file import loads

BASE = """
name = "ablation"
seed = 3

[phases]
warm = "10s"
run = "30s"
settle = "30s"

[population]
customers = 40
products = 10

[load]
orders = "poisson(10/s)"
history = "poisson(20/s)"
own_read = "exp(100ms)"
restock = "poisson(1/s)"
catalogue = "poisson(1/s)"

[policy]
retry = { first = "20ms", cap = "200ms" }

[time]
orders = "1ms"
inventory = "1ms"
products = "1ms"
summary = "exp(5ms)"

[link]
"*" = "exp(1ms)"

[[expect]]
when = "always"
that = [
    "no lost", "no phantom", "no doubled", "no reordered", "join right", "stock conserved",
    "converged", "in bounds", "faults fired",
]
"""

NEVER_APPLIED = {"no lost", "converged"}
"""What is lost for good is never applied either, so the backlog does not come down to nothing."""


@dataclass(frozen=True)
class Ablation:
    """The settings with the protection and without it, the faults of both, and the claims that then fail."""

    fails: set[str]
    without: tuple[str, ...]
    protected: tuple[str, ...] = ()
    faults: str = ""
    bugs: str = ""  # in the second run only
    claims: str = ""


def fault(**fields: object) -> str:
    lines = [
        f"{key} = {value if isinstance(value, (int, float)) else _toml(value)}"
        for key, value in fields.items()
    ]
    return "\n".join(["[[fault]]", *lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


CRASHES = fault(kind="crash", on="summary", at="5s", every="5s", **{"for": "1s"})

ONE_ORDER = {"source": "orders", "position": 200}
"""What a fault on the relay, which carries the events of all logs, is about."""

SLOW_NEWS = "link.inventory->orders=2s"
"""The order service hears of the stock two seconds late."""

ABLATIONS = {
    # -- publishing ------------------------------------------------------------------------------------
    "outbox": Ablation(NEVER_APPLIED, ("policy.publish=direct",), faults=CRASHES),
    "relay that delivers everything": Ablation(
        NEVER_APPLIED, (), bugs=fault(kind="bug", on="relay", form="skip", where=ONE_ORDER)
    ),
    "restart of a failed relay": Ablation(
        NEVER_APPLIED,
        ("policy.restart=never",),
        faults=fault(kind="bug", on="relay", form="raise", first=1, where=ONE_ORDER),
    ),
    # -- progress --------------------------------------------------------------------------------------
    "checkpoint with the view, not before": Ablation(
        NEVER_APPLIED,
        ("policy.summary.checkpoint=before", "policy.summary.checkpoint_every=10"),
        faults=CRASHES,
    ),
    "checkpoint with the view, not after": Ablation(
        {"no doubled"},
        (
            "policy.summary.checkpoint=after",
            "policy.summary.checkpoint_every=10",
            "policy.summary.idempotent=false",
        ),
        ("policy.summary.idempotent=false",),
        faults=CRASHES,
    ),
    "idempotence after repeats": Ablation(
        {"no doubled"},
        (
            "policy.summary.checkpoint=after",
            "policy.summary.checkpoint_every=10",
            "policy.summary.idempotent=false",
        ),
        ("policy.summary.checkpoint=after", "policy.summary.checkpoint_every=10"),
        faults=CRASHES,
    ),
    "idempotence of the summary": Ablation(
        {"no doubled"},
        ("policy.summary.idempotent=false",),
        faults=fault(kind="duplicate", on="orders->summary", p=0.1, by="exp(500ms)"),
    ),
    "idempotence of the inventory": Ablation(
        {"stock conserved"},
        ("policy.inventory.idempotent=false",),
        faults=fault(kind="duplicate", on="orders->inventory", p=0.1, by="exp(500ms)"),
    ),
    # -- failures --------------------------------------------------------------------------------------
    "retry, not skip": Ablation(
        NEVER_APPLIED,
        ("policy.on_error=skip",),
        faults=fault(kind="bug", on="summary", form="raise", p=0.05),
    ),
    "retry in line": Ablation(
        {"no reordered"},
        ('policy.retry={ first = "500ms", in_line = false }',),
        faults=fault(kind="bug", on="summary", form="raise", p=0.2),
    ),
    "parking by key": Ablation(
        {"no reordered"},
        ("policy.on_error=park", "policy.replay=10s"),
        ("policy.on_error=park-key", "policy.replay=10s"),
        faults=fault(kind="bug", on="summary", form="raise", p=0.05, **{"for": "20s"}),
    ),
    "dead letters that are replayed": Ablation(
        {"converged"},
        ("policy.on_error=park",),
        ("policy.on_error=park-key", "policy.replay=10s"),
        faults=fault(kind="poison", on="message:OrderPlaced", nth=20, **{"for": "20s"}),
    ),
    "inboxes that refuse, not drop": Ablation(
        NEVER_APPLIED,
        ("policy.overflow=drop",),
        ("policy.overflow=reject",),
        faults=fault(kind="exhaust", on="*", to=2, at="5s", **{"for": "10s"})
        + fault(kind="pause", on="summary", at="6s", **{"for": "3s"})
        + fault(kind="pause", on="inventory", at="6s", **{"for": "3s"}),
    ),
    # -- order -----------------------------------------------------------------------------------------
    "lanes by customer": Ablation(
        {"no reordered"},
        ("policy.summary.partitions=4", "policy.summary.partition_by=none", "time.summary=exp(150ms)"),
        ("policy.summary.partitions=4", "policy.summary.partition_by=customer", "time.summary=exp(150ms)"),
    ),
    "links that keep order": Ablation(
        {"no reordered"},
        (),
        bugs=fault(kind="reorder", on="orders->summary", p=0.1, by="2s"),
    ),
    # -- stock -----------------------------------------------------------------------------------------
    "reservation": Ablation(
        {"stock conserved", "oversold <= 0"},
        ("policy.stock=view", SLOW_NEWS),
        ("policy.stock=reserve", SLOW_NEWS),
        claims="oversold <= 0",
    ),
    "saga": Ablation(
        {"stock conserved", "oversold <= 0"},
        ("policy.stock=view", SLOW_NEWS),
        ("policy.stock=saga", SLOW_NEWS),
        claims="oversold <= 0",
    ),
    # -- reading ---------------------------------------------------------------------------------------
    "reads that wait for the reader's own writes": Ablation(
        {"read_your_writes <= 0"},
        ("policy.read=eventual", "time.summary=exp(50ms)"),
        ("policy.read=wait", "policy.read_timeout=20s", "time.summary=exp(50ms)"),
        claims="read_your_writes <= 0",
    ),
    "reads from the write side": Ablation(
        {"read_your_writes <= 0"},
        ("policy.read=eventual", "time.summary=exp(50ms)"),
        ("policy.read=write-side", "time.summary=exp(50ms)"),
        claims="read_your_writes <= 0",
    ),
    "one copy of the view": Ablation(
        {"monotonic_reads <= 0"},
        ("policy.summary.replicas=3", "time.summary=exp(50ms)"),
        ("time.summary=exp(50ms)",),
        claims="monotonic_reads <= 0",
    ),
    # -- bugs ------------------------------------------------------------------------------------------
    "a summary that shows every order": Ablation(
        NEVER_APPLIED, (), bugs=fault(kind="bug", on="summary", form="skip", p=0.02)
    ),
    "a summary that shows orders once": Ablation(
        {"no doubled"}, (), bugs=fault(kind="bug", on="summary", form="twice", p=0.02)
    ),
    "a summary that shows only real orders": Ablation(
        {"no phantom", "no lost"},
        (),
        bugs=fault(kind="bug", on="summary", form="wrong", set={"order_id": 999_999}, nth=50),
    ),
    "an inventory that takes units once": Ablation(
        {"stock conserved"}, (), bugs=fault(kind="bug", on="inventory", form="twice", nth=50)
    ),
    "an inventory that takes what was ordered": Ablation(
        {"stock conserved"},
        (),
        bugs=fault(kind="bug", on="inventory", form="wrong", set={"quantity": 7}, nth=50),
    ),
    "an order service that stores what it acknowledges": Ablation(
        {"no lost"}, (), bugs=fault(kind="bug", on="orders", form="skip", where={"customer_id": 7})
    ),
    "names as Products has them": Ablation(
        {"join right"},
        (),
        bugs=fault(kind="stale", on="store:products", by="15s", at="10s", **{"for": "15s"}),
    ),
    "time enough to settle": Ablation(
        {"converged within 5s"},
        ("time.summary=exp(60ms)",),
        ("time.summary=exp(10ms)",),
        faults=fault(kind="pause", on="summary", at="15s"),
        claims="converged within 5s",
    ),
}


def failing(ablation: Ablation, settings: tuple[str, ...], faults: str) -> set[str]:
    """The claims that do not hold; nothing else may keep the run from being judged."""
    text = BASE.replace(
        '"faults fired",', f'"faults fired", "{ablation.claims}",' if ablation.claims else '"faults fired",'
    )
    scarce = "oversold" in ablation.claims
    if scarce:
        settings = ("population.stock=60", "load.restock=none", *settings)
    scenario = loads(text + faults, source="ablation", folder=Path(), settings=settings)
    verdict = judge_simulated(scenario)
    assert not verdict.unknown_because, verdict.unknown_because
    return {result.text for result in verdict.results if result.held is not True}


@pytest.mark.parametrize("name", ABLATIONS)
def test_with_its_protection_every_claim_holds(name: str) -> None:
    ablation = ABLATIONS[name]
    assert failing(ablation, ablation.protected, ablation.faults) == set()


@pytest.mark.parametrize("name", ABLATIONS)
def test_without_it_exactly_the_claims_that_watch_over_it_fail(name: str) -> None:
    ablation = ABLATIONS[name]
    assert failing(ablation, ablation.without, ablation.faults + ablation.bugs) == ablation.fails


def test_the_page_lists_every_pair_with_the_claims_that_fail() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "ablations.md").read_text(encoding="utf-8")
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    listed = {row[0]: set(re.findall(r"`([^`]+)`", row[2])) for row in cells if row[0] in ABLATIONS}
    assert listed == {name: ablation.fails for name, ablation in ABLATIONS.items()}
