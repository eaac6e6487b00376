"""What the reader promises: the answer that the read policy says, and no wait that it does not allow."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import ANN, BOB, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, policy, virtual_shop

from actors.consuming.positions import Positions
from actors.messages import RenameProduct
from actors.policy import Policy
from actors.querying.reading import Answer
from actors.stores.port import StoreUnavailable
from actors.tables import SummaryItem
from scenarios.distributions import Constant

OpenShop = Callable[..., Shop]

KINDS = ("history", "own", "stock", "browse")


def ids(answer: Answer) -> list[int]:
    return [row.order_id for row in answer.rows]


def after(shop: Shop, delay_s: float, call: Callable[[], object]) -> None:
    shop.runtime.call_at(shop.runtime.now() + delay_s, call)


# -- at once -------------------------------------------------------------------------------------------


@EVERYWHERE
def test_an_eventual_read_shows_what_the_view_has_and_waits_for_no_token(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="eventual"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"):
        token = shop.placed(ANN, {LAMP: 1})
        answer = shop.reader.history(ANN, token)
    assert (ids(answer), answer.version, answer.stale) == ([1], 1, False)


@EVERYWHERE
def test_a_history_comes_in_pages_newest_first(shop: Shop) -> None:
    for _ in range(5):
        shop.placed(ANN, {LAMP: 1})
    shop.placed(BOB, {LAMP: 1})
    shop.until_followed()
    assert ids(shop.reader.history(ANN, limit=2)) == [5, 4]
    answer = shop.reader.history(ANN, before=4, limit=2)
    assert (ids(answer), answer.version) == ([3, 2], 5)
    assert shop.reader.history(3) == Answer([], 0)


def test_stock_and_products_come_with_their_versions(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 3})
    shop.until_followed()
    (stock,), version, stale = shop.reader.stock(LAMP)
    assert (stock.available, version, stale) == (97, 1, False)
    (product,), version, stale = shop.reader.product(LAMP)
    assert (product.name, product.available, version, stale) == ("Lamp", 97, 1, False)
    assert shop.reader.stock(99) == shop.reader.product(99) == Answer([], 0)
    listed = shop.reader.products(2, 5)
    assert ([row.product_id for row in listed.rows], listed.version) == ([TABLE, CHAIR], -1)


def test_a_store_that_does_not_answer_is_an_error(shop: Shop) -> None:
    for name, read in (
        ("summary", lambda: shop.reader.history(ANN)),
        ("inventory", lambda: shop.reader.stock(LAMP)),
        ("products", lambda: shop.reader.product(LAMP)),
        ("products", lambda: shop.reader.products(1)),
    ):
        with shop.unavailable(name), pytest.raises(StoreUnavailable, match=name):
            read()


# -- in time -------------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_read_with_a_token_waits_until_the_view_has_its_order(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="wait", read_timeout=5.0))
    end = shop.begin("pause", "summary")
    token = shop.placed(ANN, {LAMP: 1})
    asked_s = shop.runtime.now()
    after(shop, 0.1, end)
    answer = shop.reader.history(ANN, token)
    assert (ids(answer), answer.version, answer.stale) == ([1], 1, False)
    assert 0.09 < shop.runtime.now() - asked_s < 4.0


@EVERYWHERE
def test_a_read_that_has_waited_long_enough_shows_the_view_as_it_is_and_says_so(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="wait", read_timeout=0.1))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.paused("summary"):
        token = shop.placed(ANN, {LAMP: 1})
        asked_s = shop.runtime.now()
        answer = shop.reader.history(ANN, token)
        assert (ids(answer), answer.version, answer.stale) == ([1], 1, True)
        assert 0.09 < shop.runtime.now() - asked_s < 2.0
        assert not shop.reader.history(ANN).stale, "without a token there is nothing to wait for"
    shop.until_followed()
    assert not shop.reader.history(ANN, token).stale


def test_in_virtual_time_a_reader_waits_exactly_until_the_event_is_applied() -> None:
    with virtual_shop(policy(read="wait"), times={"summary": Constant(0.25)}) as shop:
        found = []

        def read(token: int) -> None:
            answer = shop.reader.history(ANN, token)
            found.append((shop.runtime.now(), answer.version, answer.stale))

        for token in (3, 1, 2, 9):
            shop.runtime.spawn(read, token)
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.runtime.sleep(3.0)
        assert found == [(0.25, 1, False), (0.5, 2, False), (0.75, 3, False), (2.0, 3, True)]


def test_a_view_that_starts_again_still_has_what_it_had(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="wait", read_timeout=0.05))
    token = shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"):
        assert shop.reader.history(ANN, token) == Answer(shop.reader.history(ANN).rows, 1)
    assert not shop.reader.history(ANN, token).stale


def test_events_that_were_skipped_or_parked_are_not_waited_for(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="wait", read_timeout=5.0, on_error="park"))
    with shop.unavailable("products"):
        token = shop.placed(ANN, {LAMP: 1})
        answer = shop.reader.history(ANN, token)
    assert (ids(answer), answer.stale) == ([], False)


# -- from the command side -----------------------------------------------------------------------------


@EVERYWHERE
def test_the_command_side_answers_as_the_view_will(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="write-side"))
    with shop.down("summary"):
        shop.placed(ANN, {TABLE: 2, LAMP: 1})
        shop.placed(ANN, {CHAIR: 1})
        shop.placed(BOB, {LAMP: 4})
        answer = shop.reader.history(ANN)
        assert (ids(answer), answer.version, answer.stale) == ([2, 1], 2, False)
        items = (SummaryItem("Table", 2, TABLE), SummaryItem("Lamp", 1, LAMP))
        assert answer.rows[1].items == items
        assert ids(shop.reader.history(ANN, before=2, limit=1)) == [1]
        assert shop.reader.history(3) == Answer([], 0)
    shop.until_followed()
    assert answer.rows == [row for row in reversed(shop.summaries()) if row.customer_id == ANN]


def test_the_command_side_has_the_names_that_it_knows(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="write-side"))
    shop.placed(ANN, {LAMP: 1})
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    shop.until_followed()
    assert shop.reader.history(ANN).rows[0].items[0].product_name == "Reading lamp"


def test_the_command_side_shows_what_became_of_an_order(open_shop: OpenShop) -> None:
    shop = open_shop(policy(read="write-side", stock="saga"))
    with shop.down("inventory"):
        shop.placed(ANN, {LAMP: 60})
        shop.placed(ANN, {LAMP: 60})
        assert [row.status for row in shop.reader.history(ANN).rows] == ["pending", "pending"]
    shop.until_followed()
    assert [row.status for row in shop.reader.history(ANN).rows] == ["rejected", "confirmed"]


# -- copies --------------------------------------------------------------------------------------------


def test_each_read_goes_to_one_of_the_copies_at_random() -> None:
    with virtual_shop(policy(replicas=3)) as shop:
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
        with shop.cut("orders->summary/2"):
            shop.placed(ANN, {LAMP: 1})
            shop.until_followed("summary", "summary/3", "products", "orders", "inventory")
            seen = [shop.reader.history(ANN).version for _ in range(300)]
        assert 60 < seen.count(1) < 140
        assert seen.count(1) + seen.count(2) == 300


def test_a_token_is_waited_for_at_the_copy_that_is_asked() -> None:
    with (
        virtual_shop(policy(read="wait", read_timeout=0.5, replicas=2)) as shop,
        shop.cut("orders->summary/2"),
    ):
        token = shop.placed(ANN, {LAMP: 1})
        shop.until_followed("summary")
        assert shop.reader.may_wait("own", token)
        answers = [shop.reader.history(ANN, token) for _ in range(20)]
        assert {(answer.version, answer.stale) for answer in answers} == {(1, False), (0, True)}


# -- whether it may wait -------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [policy(read=read) for read in ("eventual", "wait", "write-side")])
def test_a_read_may_wait_while_its_store_may_be_slow(rules: Policy) -> None:
    asked = {"history": "summary", "own": "summary", "stock": "inventory", "browse": "products"}
    if rules.read == "write-side":
        asked |= {"history": "orders", "own": "orders"}
    for service in ("summary", "orders", "inventory", "products"):
        with virtual_shop(rules, times={f"store:{service}": Constant(0.01)}) as shop:
            waiting = {kind for kind in KINDS if shop.reader.may_wait(kind)}
            assert waiting == {kind for kind in KINDS if asked[kind] == service}


@pytest.mark.parametrize("read", ["eventual", "wait", "write-side"])
def test_a_read_with_a_token_may_wait_if_that_is_the_policy_and_the_view_is_behind(read: str) -> None:
    with virtual_shop(policy(read=read)) as shop:
        with shop.paused("summary"):
            token = shop.placed(ANN, {LAMP: 1})
            assert shop.reader.may_wait("own", token) == (read == "wait")
            assert not shop.reader.may_wait("own")
            assert not shop.reader.may_wait("stock", token)
        shop.until_followed()
        assert not shop.reader.may_wait("own", token)


# -- positions -----------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.integers(1, 20), st.tuples(st.integers(0, 20))), max_size=60))
def test_who_waits_is_called_once_as_soon_as_the_position_is_reached_and_not_before(
    steps: list[int | tuple[int]],
) -> None:
    positions = Positions()
    highest, called, asked = 0, [], []
    for step in steps:
        if isinstance(step, tuple):
            (position,) = step
            asked.append(position)
            positions.when_reached(
                "summary", "orders", position, lambda position=position: called.append(position)
            )
        else:
            positions.advance("summary", "orders", step)
            positions.advance("products", "orders", 99)
            highest = max(highest, step)
        assert sorted(called) == sorted(position for position in asked if position <= highest)
        assert positions.reached("summary", "orders", highest)
        assert not positions.reached("summary", "orders", highest + 1)


def test_no_thread_waits_in_vain_whoever_comes_first() -> None:
    for _ in range(200):
        positions, reached = Positions(), threading.Event()
        consumer = threading.Thread(target=positions.advance, args=("summary", "orders", 1))
        consumer.start()
        positions.when_reached("summary", "orders", 1, reached.set)
        consumer.join()
        assert reached.is_set()
