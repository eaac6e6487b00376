"""The two clocks run one system: the same commands leave the same rows, and nothing else."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from shop import ANN, BOB, CHAIR, LAMP, TABLE, Shop, order, policy, running, what_is_left

from actors.messages import (
    AddProduct,
    AddToCart,
    AdjustStock,
    CheckOut,
    Command,
    PlaceOrder,
    RemoveFromCart,
    RenameProduct,
    RepriceProduct,
)
from actors.policy import Policy
from actors.runtime.live import LiveRuntime
from simulation.runtime import VirtualRuntime

COMMANDS: tuple[tuple[str, Command], ...] = (
    ("orders", order(ANN, {LAMP: 3, TABLE: 1})),
    ("catalog", RenameProduct(LAMP, "Reading lamp")),
    ("orders", order(BOB, {LAMP: 1})),
    ("catalog", AddProduct("Sofa", 99900)),
    ("inventory", AdjustStock(4, 10)),
    ("orders", order(BOB, {4: 11})),
    ("orders", order(BOB, {4: 9, CHAIR: 2})),
    ("carts", AddToCart(ANN, CHAIR, 2)),
    ("carts", AddToCart(ANN, LAMP, 1)),
    ("carts", RemoveFromCart(ANN, LAMP)),
    ("catalog", RepriceProduct(CHAIR, 1)),
    ("carts", CheckOut(ANN, "12 Elm Street")),
    ("inventory", AdjustStock(LAMP, -1000)),
    ("orders", PlaceOrder(ANN, ())),
    ("catalog", RepriceProduct(99, 1)),
    ("orders", order(ANN, {TABLE: 99})),
)


FAILING: tuple[tuple[tuple[str, str], ...], ...] = (
    (("crash", "summary"), ("cut", "orders->inventory")),
    (("crash", "relay"),),
    (("crash", "inventory"), ("pause", "summary")),
    (("crash", "products"), ("crash", "orders")),
    (("cut", "inventory->orders"), ("cut", "inventory->products")),
    (("unavailable", "store:products"),),
    (("unavailable", "store:summary"), ("crash", "relay")),
    (("crash", "summary"), ("crash", "inventory"), ("crash", "products"), ("crash", "orders")),
)
"""What fails while each of the first commands is given; none of it keeps its service from answering."""


Outcome = tuple[list[Any], dict[str, list[Any]]]


def outcome(shop: Shop, failing: Sequence[Sequence[tuple[str, str]]] = ()) -> Outcome:
    """The answers to the commands, and all that stands in the stores once everybody has followed."""
    answers = []
    for number, (name, command) in enumerate(COMMANDS):
        with contextlib.ExitStack() as failed:
            for kind, target in failing[number] if number < len(failing) else ():
                failed.enter_context(shop.failing(kind, target))
            answers.append(shop.ask(name, command))
        shop.until_followed()
    return answers, shop.rows()


@pytest.mark.parametrize(
    "rules",
    [
        policy(),
        policy(stock="none", join="carried"),
        policy(poll=0.02),
        policy(publish="direct"),
        policy(checkpoint="after", checkpoint_every=1),
        policy(checkpoint="before"),
    ],
    ids=["default", "carried", "polled", "direct", "after", "before"],
)
def test_the_same_commands_leave_the_same_rows_on_both_clocks(rules: Policy, tmp_path: Path) -> None:
    with running(VirtualRuntime(), rules) as shop:
        expected = outcome(shop)
    with running(LiveRuntime(), rules) as shop:
        assert outcome(shop) == expected
    with running(LiveRuntime(), rules, url=f"sqlite:///{tmp_path}/stores") as shop:
        assert outcome(shop) == expected


def test_crashes_and_cuts_in_between_leave_the_same_rows_too(tmp_path: Path) -> None:
    with running(VirtualRuntime(), policy()) as shop:
        expected = outcome(shop)
    with running(VirtualRuntime(), policy()) as shop:
        assert outcome(shop, FAILING) == expected
    with running(LiveRuntime(), policy()) as shop:
        assert outcome(shop, FAILING) == expected
    with running(LiveRuntime(), policy(), url=f"sqlite:///{tmp_path}/stores") as shop:
        assert outcome(shop, FAILING) == expected


def test_a_shop_on_disk_opens_again_with_what_it_had_and_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stores"
    with running(LiveRuntime(), policy(), url=url) as shop:
        rows = outcome(shop)[1]
    for runtime in (LiveRuntime(), VirtualRuntime()):
        with running(runtime, policy(), url=url, catalogue=None) as shop:
            assert shop.rows() == rows
            order_id = shop.placed(ANN, {CHAIR: 1})
            shop.until_followed()
            assert shop.summarised() == shop.ordered()
            assert shop.ordered()[-1] == order_id
            rows = shop.rows()


def test_a_closed_shop_leaves_no_actor_and_no_thread_whatever_it_was_doing(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop(policy(poll=0.05))
    shop.begin("unavailable", "store:products")
    for _ in range(5):
        shop.placed(ANN, {LAMP: 1})
    shop.begin("pause", "inventory")
    shop.begin("crash", "products")
    shop.runtime.close()
    assert what_is_left() == []
