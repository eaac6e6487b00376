from pathlib import Path

import pytest

from scenarios.errors import ScenarioError
from scenarios.file import loads
from scenarios.scenario import Scenario
from scenarios.supported import refuse_unsupported

SUPPORTED = """
name = "x"
[load]
orders = "closed(10, exp(1s))"
history = "poisson(40/s)"
own_read = "exp(500ms)"
[policy]
publish = "direct"
stock = "none"
join = "carried"
checkpoint = "after"
checkpoint_every = 5
idempotent = false
retry = { first = "10ms", factor = 3.0, cap = "1s", jitter = 0.5 }
restart = "never"
[[fault]]
kind = "crash"
on = "summary"
every = "exp(10s)"
for = "exp(1s)"
[[fault]]
kind = "cut"
on = "orders--inventory"
[[fault]]
kind = "delay"
on = "orders->*"
by = "exp(10ms)"
[[expect]]
that = [
    "lag.p99{summary} < 2s", "latency.p99{POST /orders} < 1s", "latency.max{orders} < 1s",
    "converged within 5s"
]
[[expect]]
when = "always"
that = ["no lost", "no phantom", "faults fired", "converged", "recovery{summary} < 5s"]
"""


def scenario(*settings: str) -> Scenario:
    return loads(SUPPORTED, source="x.toml", folder=Path(), settings=settings)


def test_the_defaults_and_everything_that_takes_effect_pass() -> None:
    refuse_unsupported(Scenario(name="x"), "x.toml")
    refuse_unsupported(scenario(), "x.toml")


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("policy.preset=textbook-outbox", ["policy.preset", '"textbook-outbox"', "leave it out"]),
        ("policy.stock=saga", ["policy.stock", '"saga"', 'stock = "none" or "view"']),
        ("policy.read=wait", ["policy.read", '"wait"', '"eventual"']),
        ("policy.join=placeholder", ["policy.join", '"placeholder"', '"carried"']),
        ("policy.summary.join=placeholder", ["policy.summary.join", '"placeholder"', '"wait"']),
        ("policy.on_error=park-key", ["policy.on_error", '"park-key"', '"retry"']),
        ("policy.retry.attempts=3", ["policy.retry.attempts = 3", "attempts = 0"]),
        ("policy.retry.in_line=false", ["policy.retry.in_line = false", "in_line = true"]),
        ("policy.partitions=4", ["policy.partitions = 4", "partitions = 1"]),
        ("policy.products.replicas=2", ["policy.products.replicas = 2", "replicas = 1"]),
        ("policy.inbox=10", ["policy.inbox = 10", "inbox = 0"]),
        ("load.history=closed(5, 1s)", ["load.history", '"closed(5, 1s)"', "poisson(20/s)"]),
        (
            'fault=[{ kind = "skew", on = "summary", by = "1s" }]',
            ["fault.0.kind", '"skew"', '"pause" or "crash"'],
        ),
        ('fault=[{ kind = "rolling", on = "*", for = "1s" }]', ["fault.0.kind", '"rolling"', "row"]),
        ('expect.0.that=["oversold <= 0"]', ["expect.0.that", "oversold <= 0", '"lag"']),
        ('expect.0.that=["dead_letters <= 0"]', ["expect.0.that", "dead_letters <= 0"]),
        (
            'expect.0.that=["latency.p99{history} < 1s"]',
            ["expect.0.that", "latency.p99{history}", '"orders"'],
        ),
        ('expect.1.that=["no lost", "no doubled"]', ["expect.1.that", '"no doubled"', '"no lost"']),
    ],
)
def test_what_does_not_take_effect_yet_is_refused_with_what_works(setting: str, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        refuse_unsupported(scenario(setting), "x.toml")
    assert all(part in str(caught.value) for part in ["x.toml: ", "is not supported yet", *parts])
