"""Whatever happens on the links, an outbox brings every event to every view in the end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import (
    ANN,
    BOB,
    CHAIR,
    EVERYWHERE,
    LAMP,
    TABLE,
    Shop,
    assert_consistent,
    order,
    policy,
    virtual_shop,
)

from actors.topology import LINKS
from scenarios.distributions import Constant, Exponential

KINDS: dict[str, dict[str, Any]] = {
    "cut": {},
    "drop": {"p": 0.5},
    "duplicate": {"p": 0.5, "by": Constant(0.03)},
    "reorder": {"p": 0.5, "by": Constant(0.03)},
    "delay": {"by": Constant(0.03)},
    "hold": {},
    "throttle": {"to": 40.0},
}


@EVERYWHERE
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_fault_on_every_link_every_view_says_what_the_command_side_says(
    shop: Shop, kind: str
) -> None:
    ends = [shop.begin(kind, link, **KINDS[kind]) for link in LINKS]
    for number in range(10):
        shop.placed(ANN if number % 2 else BOB, {LAMP: 1, TABLE: 1, CHAIR: 1})
    shop.runtime.sleep(0.1)
    hits = [end() for end in ends]
    shop.until_followed()
    assert sum(hits) > 0
    assert shop.summarised() == shop.ordered()
    if kind not in ("reorder", "duplicate"):  # with these, events arrive out of order
        assert_consistent(shop)


@settings(max_examples=60, deadline=None)
@given(
    faults=st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)), st.sampled_from(LINKS), st.floats(0.0, 2.0), st.floats(0.01, 1.0)
        ),
        max_size=6,
    ),
    fifo=st.booleans(),
    draw=st.integers(0, 100),
)
def test_whatever_the_faults_on_the_links_nothing_is_lost_or_doubled(
    faults: list[tuple[str, str, float, float]], fifo: bool, draw: int
) -> None:
    with virtual_shop(policy(), delays={"*": Exponential(0.02)}, fifo=fifo, draw=draw) as shop:

        def begin(kind: str, link: str, length: float) -> None:
            shop.runtime.after(length, shop.begin(kind, link, **KINDS[kind]))

        for kind, link, at, length in faults:
            shop.runtime.after(at, begin, kind, link, length)
        for _ in range(40):
            shop.runtime.request("orders", order(ANN, {LAMP: 1, CHAIR: 1}))
            shop.runtime.sleep(0.05)
        shop.runtime.sleep(30.0)
        shop.until_followed()
        assert shop.summarised() == shop.ordered() == list(range(1, 41))
        if fifo and not {kind for kind, *_ in faults} & {"reorder", "duplicate"}:
            assert_consistent(shop)
