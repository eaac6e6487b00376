"""A view that is made anew from the logs is the one that has followed them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import ANN, BOB, CHAIR, LAMP, TABLE, Shop, order, policy, virtual_shop

from actors.messages import (
    Accepted,
    AddProduct,
    AdjustStock,
    CheckOut,
    PutInCart,
    RenameProduct,
    Replay,
    RepriceProduct,
)
from actors.policy import Policy
from actors.projections.rebuild import VIEWS, Rebuild, RebuildFailed
from actors.stores.port import Delete, Put, StoreError, StoreUnavailable
from actors.tables import DEAD_LETTERS, PRODUCTS, SummaryRow
from actors.topology import CONSUMERS, node_of

CUSTOMERS = st.integers(ANN, BOB)
PRODUCT = st.integers(LAMP, CHAIR)
NAME = st.sampled_from(["Lamp", "Floor lamp", "Léa", "x"])

HISTORIES = st.lists(
    st.one_of(
        st.builds(
            order,
            CUSTOMERS,
            st.dictionaries(PRODUCT, st.integers(1, 40), min_size=1),
        ),
        st.builds(PutInCart, CUSTOMERS, PRODUCT, st.integers(1, 40)),
        st.builds(CheckOut, CUSTOMERS),
        st.builds(RenameProduct, PRODUCT, NAME),
        st.builds(RepriceProduct, PRODUCT, st.integers(0, 10_000)),
        st.builds(AdjustStock, PRODUCT, st.integers(-50, 50)),
        st.builds(AddProduct, NAME, st.integers(0, 10_000)),
    ),
    max_size=20,
)
"""Anything that customers and staff may ask, sensible or not."""

ADDRESSEES = {
    "PlaceOrder": "orders",
    "PutInCart": "carts",
    "CheckOut": "carts",
    "RenameProduct": "catalog",
    "RepriceProduct": "catalog",
    "AddProduct": "catalog",
    "AdjustStock": "inventory",
}


def live(shop: Shop, history: list[Any]) -> None:
    """Let everything of a history happen, one after the other, and be followed."""
    for command in history:
        shop.ask(ADDRESSEES[type(command).__name__], command)
    shop.until_followed()


def view(shop: Shop, name: str) -> dict[str, list[Any]]:
    """Every row of a view by table."""
    return {table.name: list(shop.stores[name].scan(table)) for table in VIEWS[node_of(name)]}


def damage(shop: Shop, name: str) -> None:
    """Take out half of the rows behind the consumer's back."""
    for table in VIEWS[node_of(name)]:
        keys = [tuple(getattr(row, key) for key in table.key) for row in shop.stores[name].scan(table)]
        shop.stores[name].write([Delete(table, key) for key in keys[::2]])


def rebuild(shop: Shop, name: str) -> int:
    return Rebuild(shop.runtime, name, shop._gated, shop.policy).run()


def with_names_of_now(shop: Shop, rows: list[SummaryRow]) -> list[SummaryRow]:
    """The rows as they are if they are joined with what Products shows now."""
    names = {row.product_id: row.name for row in shop.stores["products"].scan(PRODUCTS)}

    def renamed(row: SummaryRow) -> SummaryRow:
        items = tuple(
            msgspec.structs.replace(item, product_name=names[item.product_id]) for item in row.items
        )
        return msgspec.structs.replace(row, items=items)

    return [renamed(row) for row in rows]


@contextmanager
def after(history: list[Any], rules: Policy) -> Iterator[Shop]:
    with virtual_shop(rules) as shop:
        live(shop, history)
        yield shop


@pytest.mark.parametrize("stock", ["none", "view", "reserve", "saga"])
@settings(max_examples=25, deadline=None)
@given(history=HISTORIES)
def test_a_rebuilt_view_is_the_one_that_followed(stock: Any, history: list[Any]) -> None:
    with after(history, policy(stock=stock, join="carried", replicas=2)) as shop:
        for name in ("summary", "summary/2", "products", "products/2", "inventory"):
            followed, logs = view(shop, name), [store.head() for store in shop.stores.values()]
            assert rebuild(shop, name) == 0, "nothing differs"
            damage(shop, name)
            rebuild(shop, name)
            assert view(shop, name) == followed
            assert [store.head() for store in shop.stores.values()] == logs, "nothing is published"


@pytest.mark.parametrize("join", ["wait", "placeholder"])
@settings(max_examples=25, deadline=None)
@given(history=HISTORIES)
def test_names_that_are_looked_up_are_those_of_the_rebuild(join: Any, history: list[Any]) -> None:
    with after(history, policy(join=join)) as shop:
        followed = with_names_of_now(shop, shop.summaries())
        damage(shop, "summary")
        rebuild(shop, "summary")
        assert shop.summaries() == followed


@settings(max_examples=20, deadline=None)
@given(history=HISTORIES, later=HISTORIES)
def test_a_consumer_goes_on_from_a_rebuilt_view_as_from_its_own(history: list[Any], later: list[Any]) -> None:
    rules = policy(join="carried")
    with after(history, rules) as shop:
        live(shop, later)
        undisturbed = shop.rows()
    with after(history, rules) as shop:
        for name in ("summary", "products", "inventory"):
            damage(shop, name)
            rebuild(shop, name)
        live(shop, later)
        assert shop.rows() == undisturbed


@pytest.mark.parametrize("partition_by", ["customer", "none"])
def test_a_view_that_is_filled_in_lanes_can_be_rebuilt(open_shop: Any, partition_by: Any) -> None:
    shop = open_shop(policy(partitions=3, partition_by=partition_by))
    for number in range(20):
        shop.placed(number + 1, {LAMP: 1})
        if number == 10:
            damage(shop, "summary")
            rebuild(shop, "summary")
    shop.until_followed()
    assert shop.summarised() == shop.ordered()


@pytest.mark.parametrize("form", ["skip", "twice", "wrong"])
def test_what_a_bug_has_done_to_a_view_is_undone(open_shop: Any, form: str) -> None:
    shop = open_shop(policy(idempotent=form != "twice"))
    fields = {"set": {"total_minor": 1}} if form == "wrong" else {}
    with shop.failing("bug", "summary", form=form, **fields):
        order_id = shop.placed(ANN, {LAMP: 1, TABLE: 2})
        shop.until_followed()
    wrong = shop.summaries()
    rebuild(shop, "summary")
    assert shop.summaries() != wrong
    assert [(row.order_id, row.total_minor) for row in shop.summaries()] == [(order_id, 1999 + 2 * 24900)]


def test_what_was_published_direct_and_lost_is_in_a_rebuilt_view(open_shop: Any) -> None:
    shop = open_shop(policy(publish="direct"))
    with shop.cut("orders->summary"):
        lost = [shop.placed(ANN, {LAMP: 1}), shop.placed(BOB, {LAMP: 1})]
    shop.placed(ANN, {TABLE: 1})
    shop.until(lambda: len(shop.summaries()) == 1)
    rebuild(shop, "summary")
    shop.until(lambda: len(shop.summaries()) == 3)
    assert shop.summarised() == shop.ordered()
    assert set(lost) < set(shop.summarised())


def test_dead_letters_stay_aside_until_they_are_replayed(open_shop: Any) -> None:
    shop = open_shop(policy(on_error="park"))
    with shop.failing("bug", "summary", form="raise"):
        parked = shop.placed(ANN, {LAMP: 1})
        shop.until_followed("summary")
    other = shop.placed(BOB, {LAMP: 1})
    shop.until_followed()
    damage(shop, "summary")
    rebuild(shop, "summary")
    assert shop.summarised() == [other]
    assert len(list(shop.stores["summary"].scan(DEAD_LETTERS))) == 1
    assert shop.ask("summary", Replay()) == 1
    assert shop.summarised() == [parked, other]
    assert rebuild(shop, "summary") == 0


def test_an_order_that_never_reached_the_inventory_takes_no_units_in_a_rebuild(open_shop: Any) -> None:
    shop = open_shop(policy(stock="none"))
    with shop.failing("bug", "inventory", form="skip"):
        shop.placed(ANN, {LAMP: 3})
        shop.until_followed()
    shop.placed(ANN, {LAMP: 4})
    shop.until_followed()
    rebuild(shop, "inventory")
    assert shop.inventory(LAMP).available == 96


def test_what_is_reserved_stays_reserved(open_shop: Any) -> None:
    shop = open_shop(policy(stock="reserve"))
    with shop.paused("relay"):
        shop.placed(ANN, {LAMP: 3})
        damage(shop, "inventory")
        rebuild(shop, "inventory")
        assert shop.inventory(LAMP).available == 97
    shop.until_followed()
    assert shop.inventory(LAMP).available == 97


@pytest.mark.parametrize("failing", ["orders", "products"])
def test_a_rebuild_that_cannot_read_leaves_the_view_as_it_was(open_shop: Any, failing: str) -> None:
    shop = open_shop()
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    damage(shop, "summary")
    before = view(shop, "summary")
    with shop.unavailable(failing), pytest.raises(StoreError):
        rebuild(shop, "summary")
    assert view(shop, "summary") == before
    rebuild(shop, "summary")
    assert shop.summarised() == shop.ordered()


def test_a_rebuild_that_cannot_be_written_leaves_the_view_as_it_was(open_shop: Any) -> None:
    shop = open_shop()
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    damage(shop, "summary")
    with shop.refusing_writes("summary"), pytest.raises(StoreUnavailable):
        rebuild(shop, "summary")
    assert shop.summarised() == []
    shop.placed(BOB, {LAMP: 1})
    shop.until(lambda: len(shop.summaries()) == 1)


def test_an_event_that_cannot_be_applied_ends_the_rebuild(open_shop: Any) -> None:
    shop = open_shop()
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    before = view(shop, "summary")
    shop.stores["products"].write([Delete(PRODUCTS, (LAMP,))])
    with pytest.raises(RebuildFailed, match=r"event 1 of orders cannot be applied .*rebuild again"):
        rebuild(shop, "summary")
    assert view(shop, "summary") == before


def test_a_row_without_a_name_is_repaired_after_a_rebuild_too(open_shop: Any) -> None:
    shop = open_shop(policy(join="placeholder"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    lamp = shop.product(LAMP)
    shop.stores["products"].write([Delete(PRODUCTS, (LAMP,))])
    rebuild(shop, "summary")
    assert [row.items[0].pending for row in shop.summaries()] == [True]
    shop.stores["products"].write([Put(PRODUCTS, lamp)])
    shop.until(lambda: not shop.summaries()[0].items[0].pending)
    assert shop.summaries()[0].items[0].product_name == "Lamp"


def test_versions_are_counted_from_what_the_shop_started_with(open_shop: Any) -> None:
    shop = open_shop()
    assert isinstance(shop.ask("catalog", RenameProduct(LAMP, "Floor lamp")), Accepted)
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    versions = {row.product_id: row.version for row in shop.stores["products"].scan(PRODUCTS)}
    assert versions == {LAMP: 2, TABLE: 0, CHAIR: 0}
    shop.stores["products"].write(
        [Put(PRODUCTS, msgspec.structs.replace(shop.product(LAMP), version=9, name="?"))]
    )
    assert rebuild(shop, "products") == 1
    assert (shop.product(LAMP).version, shop.product(LAMP).name) == (2, "Floor lamp")


def test_every_consumer_that_shows_something_has_a_view() -> None:
    assert set(VIEWS) == set(CONSUMERS) - {"orders"}
