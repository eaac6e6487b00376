"""The whole shop while one of its stores fails in each way, and after."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pykka
import pytest
from shop import ANN, BOB, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, assert_consistent, order

from actors.messages import AddToCart, CheckOut, Command, RenameProduct, Resubscribe
from actors.topology import NODES, SERVICES, SOURCES
from scenarios.faults import PREPARE
from scenarios.scenario import Fault

FAULTS: dict[str, dict[str, Any]] = {
    "unavailable": {},
    "timeout": {"by": 0.05},
    "error": {"p": 0.5},
    "slow": {"by": 3.0},
    "stale": {"by": 0.1},
    "full": {},
}
"""Each kind of fault on a store, short enough for the wall clock."""

ROUNDS = 3
PAUSE_S = 0.02


def use(shop: Shop) -> None:
    """Let every service have something to do, whether it answers or not."""
    commands: list[tuple[str, Command]] = [
        ("orders", order(ANN, {LAMP: 1, TABLE: 1})),
        ("catalog", RenameProduct(LAMP, "Floor lamp")),
        ("carts", AddToCart(BOB, CHAIR, 1)),
        ("carts", CheckOut(BOB)),
    ]
    for _ in range(ROUNDS):
        for name, command in commands:
            shop.runtime.request(name, command)
        shop.runtime.sleep(PAUSE_S)


def finish(shop: Shop) -> None:
    """Let everything that `use` has asked for come to its end, also a check-out that had to be left."""
    for name in SERVICES:
        shop.until(lambda name=name: answers(shop, name))
    shop.ask("carts", CheckOut(BOB))
    shop.until_followed()


def answers(shop: Shop, name: str) -> bool:
    """Whether it does not only live: who starts on a failing store may yet die of it."""
    try:
        shop.ask(name, Resubscribe("", 0))
    except pykka.ActorDeadError:
        return False
    return True


@contextlib.contextmanager
def failing(shop: Shop, kind: str, store: str) -> Iterator[None]:
    """A fault that was known of before, as a scenario's are."""
    target, fields = f"store:{store}", FAULTS[kind]
    if kind in PREPARE:
        PREPARE[kind](Fault(kind=kind, on=target, at=0.0, **fields), target, shop.runtime)
        use(shop)
    with shop.failing(kind, target, **fields):
        yield


@EVERYWHERE
@pytest.mark.parametrize("store", SERVICES)
def test_the_shop_outlives_every_fault_of_a_store_and_keeps_its_promises(shop: Shop, store: str) -> None:
    use(shop)
    finish(shop)  # who is still starting may die of a fault, and so it should
    for kind in FAULTS:
        with failing(shop, kind, store):
            use(shop)
        finish(shop)
        assert shop.placed(ANN, {CHAIR: 1}) == max(shop.ordered())
        shop.until_followed()
        assert_consistent(shop)
    assert shop.runtime.failures == []
    assert all(shop.runtime.is_alive(name) for name in NODES if name != "relay")
    assert all(shop.runtime.is_alive(f"relay/{source}") for source in SOURCES)


@EVERYWHERE
@pytest.mark.parametrize("kind", ["unavailable", "timeout", "error", "full"])
@pytest.mark.parametrize("store", SERVICES)
def test_a_service_that_starts_again_on_a_failing_store_comes_up_when_the_store_does(
    shop: Shop, store: str, kind: str
) -> None:
    use(shop)
    with failing(shop, kind, store):
        with shop.down(store):
            use(shop)
        shop.runtime.sleep(PAUSE_S)
    finish(shop)
    assert shop.placed(ANN, {CHAIR: 1}) == max(shop.ordered())
    shop.until_followed()
    assert_consistent(shop)
