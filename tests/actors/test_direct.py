"""What publishing to the consumers directly does not promise: nobody repeats what is lost."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, assert_consistent, order, policy, virtual_shop

from scenarios.distributions import Constant, Exponential

OpenShop = Callable[..., Shop]


def shown_and_counted(shop: Shop) -> tuple[list[int], int]:
    """The orders in the summary, and how many orders the inventory has counted."""
    stock = shop.inventory(LAMP)
    return shop.summarised(), stock.version if stock is not None else 0


@EVERYWHERE
def test_when_nothing_fails_every_event_arrives_once_and_in_order(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    for _ in range(10):
        shop.placed(ANN, {LAMP: 1, TABLE: 1})
    shop.until_followed()
    assert_consistent(shop)


def test_there_is_no_relay(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert not shop.runtime.is_alive("relay/orders")


@EVERYWHERE
def test_what_is_told_to_a_dead_consumer_is_lost_for_good_and_the_rest_arrives(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"):
        shop.placed(BOB, {LAMP: 1})
        shop.placed(BOB, {LAMP: 1})
        shop.until_followed("inventory")
    shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shown_and_counted(shop) == ([1, 4], 4))
    assert shop.ordered() == [1, 2, 3, 4]


def test_what_waits_in_the_inbox_of_a_consumer_that_dies_is_lost_for_good(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.paused("summary"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        with shop.down("summary"):
            pass
    shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shown_and_counted(shop) == ([1, 5], 5))


def test_what_a_cut_link_refuses_is_lost_for_good(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    with shop.cut("orders->summary"):
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
    shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shown_and_counted(shop) == ([2], 2))


def test_what_is_on_its_way_when_its_link_is_cut_is_lost_for_good() -> None:
    delays = {"orders->summary": Constant(0.5)}
    with virtual_shop(policy(publish="direct"), delays=delays) as shop:
        shop.schedule("cut", "orders->summary", at=0.45, length=0.1)
        for _ in range(2):
            shop.placed(ANN, {LAMP: 1})
            shop.runtime.sleep(0.7)
        shop.runtime.sleep(1.0)
        assert shown_and_counted(shop) == ([2], 2)


@EVERYWHERE
def test_a_consumer_that_cannot_apply_an_event_keeps_it_and_those_behind(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    with shop.unavailable("products"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: shown_and_counted(shop) == ([], 3))
    shop.until(lambda: shown_and_counted(shop) == ([1, 2, 3], 3))


def test_after_a_loss_a_crash_loses_and_repeats_nothing_more(open_shop: OpenShop) -> None:
    shop = open_shop(policy(publish="direct"))
    with shop.cut("orders->summary"):
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory")
    shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shown_and_counted(shop) == ([2], 2))
    with shop.down("summary"), shop.down("inventory"):
        pass
    shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shown_and_counted(shop) == ([2, 3], 3))


@settings(max_examples=40, deadline=None)
@given(
    crashes=st.lists(st.floats(0.0, 1.0), max_size=4),
    checkpoint=st.sampled_from(["with", "after", "before"]),
    idempotent=st.booleans(),
    draw=st.integers(0, 100),
)
def test_whatever_crashes_nothing_is_applied_twice_and_everybody_alive_hears_everything(
    crashes: list[float], checkpoint: str, idempotent: bool, draw: int
) -> None:
    times = {"summary": Exponential(0.02), "inventory": Exponential(0.01)}
    rules = policy(publish="direct", checkpoint=checkpoint, idempotent=idempotent)
    with virtual_shop(rules, times=times, draw=draw) as shop:
        for at in crashes:
            shop.schedule("crash", "summary", at, 0.1)
        for _ in range(30):
            shop.runtime.request("orders", order(ANN, {LAMP: 1}))
            shop.runtime.sleep(0.03)
        shop.runtime.sleep(10.0)
        shown, counted = shown_and_counted(shop)
        assert counted == 30
        assert len(shown) == len(set(shown))
        if not crashes:
            assert shown == shop.ordered()


@pytest.mark.parametrize("checkpoint", ["with", "after", "before"])
def test_every_order_of_arrival_is_taken_once(checkpoint: str) -> None:
    rules = policy(publish="direct", checkpoint=checkpoint)
    with virtual_shop(rules, delays={"*": Exponential(0.3)}, fifo=False) as shop:
        for _ in range(40):
            shop.placed(ANN, {LAMP: 1})
            shop.runtime.sleep(0.02)
        shop.runtime.sleep(30.0)
        assert shop.summarised() == shop.ordered()
        assert shown_and_counted(shop)[1] == 40
