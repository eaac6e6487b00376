"""With an outbox a full inbox makes an event late: it is neither lost nor overtaken."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, assert_consistent, order, policy, virtual_shop

from actors.policy import ConsumerPolicy, Overflow
from scenarios.distributions import Constant, Exponential

CONSUMERS = ("orders", "inventory", "products", "summary")


@EVERYWHERE
@pytest.mark.parametrize("overflow", ["reject", "block"])
def test_after_a_small_inbox_has_been_full_every_view_says_what_the_command_side_says(
    open_shop: Callable[..., Shop], overflow: Overflow
) -> None:
    small = ConsumerPolicy(inbox=1, overflow=overflow)
    shop = open_shop(policy(overrides=dict.fromkeys(("inventory", "products", "summary"), small)))
    shop.until_followed()
    with shop.paused("summary"), shop.paused("products"):
        for _ in range(4):
            shop.placed(ANN, {LAMP: 1, TABLE: 1})
        shop.until(lambda: shop.runtime.overflows.get("summary") and shop.runtime.overflows.get("products"))
        assert shop.runtime.depth("summary") <= 1
        assert shop.runtime.depth("products") <= 1
    shop.until_followed()
    assert_consistent(shop)


@EVERYWHERE
def test_after_an_exhausted_consumer_every_view_says_what_the_command_side_says(shop: Shop) -> None:
    shop.until_followed()
    end = shop.begin("exhaust", "summary", to=1)
    with shop.paused("summary"):
        for _ in range(4):
            shop.placed(BOB, {LAMP: 1})
        shop.until(lambda: shop.runtime.overflows.get("summary"))
        assert shop.runtime.depth("summary") == 1
    shop.until_followed()
    assert end() >= 1
    assert_consistent(shop)


def test_a_full_inbox_refuses_an_order(shop: Shop) -> None:
    end = shop.begin("exhaust", "orders", to=1)
    with shop.paused("orders"):
        first = shop.runtime.request("orders", order(ANN, {LAMP: 1}))
        with pytest.raises(Exception, match="inbox of orders is full"):
            shop.place(ANN, {LAMP: 1})
    assert end() == 1
    first.get(timeout=8.0)
    shop.until_followed()
    assert len(shop.ordered()) == 1
    assert_consistent(shop)


@given(
    bounds=st.fixed_dictionaries({name: st.integers(1, 3) for name in CONSUMERS}),
    overflow=st.sampled_from(["reject", "block"]),
    gaps=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    crashes=st.lists(st.tuples(st.sampled_from(CONSUMERS), st.integers(0, 30)), max_size=2),
    draw=st.integers(0, 1_000),
)
@settings(max_examples=60, deadline=None)
def test_however_small_the_inboxes_and_slow_the_links_nothing_is_lost_or_overtaken(
    bounds: dict[str, int],
    overflow: Overflow,
    gaps: list[int],
    crashes: list[tuple[str, int]],
    draw: int,
) -> None:
    times = {"summary": Exponential(0.01), "inventory": Constant(0.006), "products": Exponential(0.004)}
    delays = {"orders->summary": Exponential(0.005), "inventory->products": Constant(0.003)}
    with virtual_shop(policy(overflow=overflow), times=times, delays=delays, draw=draw) as shop:
        ends = [shop.begin("exhaust", name, to=to) for name, to in bounds.items() if name != "orders"]
        for node, at_ms in crashes:
            shop.schedule("crash", node, at_ms / 1000, 0.02)
        for gap_ms in gaps:
            shop.runtime.sleep(gap_ms / 1000)
            shop.runtime.request("orders", order(ANN, {LAMP: 1}))
        shop.runtime.sleep(0.1)
        shop.until_followed()
        for end in ends:
            end()
        assert_consistent(shop)
