"""What `stock = "reserve"` promises: units are taken before the order, and given back if it fails."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import (
    ANN,
    BOB,
    CATALOGUE,
    CHAIR,
    EVERYWHERE,
    LAMP,
    TABLE,
    Shop,
    order,
    policy,
    running,
    virtual_shop,
)

from actors.messages import (
    Accepted,
    AdjustStock,
    InventoryUpdated,
    OrderLine,
    OrderPlaced,
    PlaceOrder,
    Rejected,
    Release,
    Reserve,
)
from actors.runtime.live import LiveRuntime
from actors.services.inventory import RESERVED_FOR_S
from actors.stores.port import StoreUnavailable
from actors.system import Catalogue
from actors.tables import ORDER_ITEMS, ORDERS, RESERVATIONS, InventoryRow, ReservationRow
from scenarios.distributions import Constant

OpenShop = Callable[..., Shop]

OPENING = 3
"""So many events the inventory's log has when the shop opens: the count of each product."""

RESERVE = policy(stock="reserve")


def available(shop: Shop, product_id: int) -> int:
    row = shop.inventory(product_id)
    assert row is not None
    return row.available


def reservations(shop: Shop) -> list[ReservationRow]:
    return list(shop.stores["inventory"].scan(RESERVATIONS))


def assert_nothing_leaked(shop: Shop) -> None:
    """What is not ordered is available, and nothing is reserved."""
    assert reservations(shop) == []
    for product_id in (LAMP, TABLE, CHAIR):
        assert available(shop, product_id) == CATALOGUE.stock - shop.units_ordered(product_id)


def reserve(reservation_id: str, units: int = 2) -> Reserve:
    """A reservation of lamps, after which none was given up."""
    return Reserve(reservation_id, (OrderLine(LAMP, units),), reservation_id)


def levels(shop: Shop, product_id: int) -> list[int]:
    events = [record.event for record in shop.log("inventory")]
    return [e.available for e in events if isinstance(e, InventoryUpdated) and e.product_id == product_id]


# -- the good case -------------------------------------------------------------------------------------


@EVERYWHERE
def test_units_are_taken_before_the_order_and_not_again_by_its_event(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    with shop.paused("relay"):
        shop.placed(ANN, {TABLE: 2, LAMP: 30})
        assert (available(shop, TABLE), available(shop, LAMP)) == (98, 70)
        (reservation,) = reservations(shop)
        assert reservation.lines == (OrderLine(TABLE, 2), OrderLine(LAMP, 30))
    (record,) = shop.log("orders")
    assert isinstance(record.event, OrderPlaced)
    assert record.event.reservation_id == reservation.reservation_id
    shop.until_followed()
    assert [record.event for record in shop.log("inventory", OPENING)] == [
        InventoryUpdated(TABLE, 98),
        InventoryUpdated(LAMP, 70),
    ]
    assert shop.inventory(LAMP) == InventoryRow(LAMP, 70, 1), "its order is counted"
    assert_nothing_leaked(shop)


@EVERYWHERE
def test_all_there_is_can_be_ordered_and_nothing_more_however_late_the_events(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    with shop.paused("relay"):
        shop.placed(ANN, {LAMP: 60, CHAIR: 1})
        answer = shop.place(BOB, {CHAIR: 1, LAMP: 41})
        assert answer == Rejected("insufficient stock", f"product {LAMP} has 40", LAMP)
        shop.placed(BOB, {LAMP: 40})
        assert shop.place(ANN, {LAMP: 1}).reason == "insufficient stock"
    shop.until_followed()
    assert available(shop, LAMP) == 0
    assert_nothing_leaked(shop)


@EVERYWHERE
def test_reservations_of_every_start_have_ids_of_their_own(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
        shop.placed(ANN, {LAMP: 1})
        with shop.down("orders"):
            pass
    ids = [record.event.reservation_id for record in shop.log("orders")]
    assert ids == sorted(set(ids))
    shop.until_followed()
    assert_nothing_leaked(shop)


def test_a_shop_that_opens_again_on_disk_takes_no_id_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stores"
    for catalogue in (CATALOGUE, None, None):
        with running(LiveRuntime(), RESERVE, url=url, catalogue=catalogue) as shop:
            shop.placed(ANN, {LAMP: 10})
            shop.until_followed("inventory")
            ids = [record.event.reservation_id for record in shop.log("orders")]
            assert ids == sorted(set(ids))
    assert len(ids) == 3


# -- the inventory cannot be asked ---------------------------------------------------------------------


@EVERYWHERE
@pytest.mark.parametrize(
    ("kind", "target"),
    [("crash", "inventory"), ("cut", "orders->inventory"), ("unavailable", "store:inventory")],
)
def test_an_inventory_that_cannot_be_asked_is_a_rejected_order_and_leaks_nothing(
    open_shop: OpenShop, kind: str, target: str
) -> None:
    shop = open_shop(RESERVE)
    shop.placed(ANN, {LAMP: 1})
    with shop.failing(kind, target):
        answer = shop.place(ANN, {LAMP: 2})
        assert isinstance(answer, Rejected)
        assert answer.reason == "inventory unavailable"
    assert shop.placed(BOB, {LAMP: 4}) == 2
    shop.until_followed()
    assert shop.ordered() == [1, 2]
    assert_nothing_leaked(shop)


def test_an_inventory_that_is_too_slow_is_a_rejected_order_and_gives_back_what_it_reserves_later(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(RESERVE)
    with shop.paused("inventory"):
        asked = shop.runtime.now()
        assert shop.place(ANN, {LAMP: 2}).reason == "inventory unavailable"
        assert 0.9 < shop.runtime.now() - asked < 2.0
    shop.until(lambda: levels(shop, LAMP) == [100, 98, 100])
    shop.placed(BOB, {LAMP: 4})
    shop.until_followed()
    assert levels(shop, LAMP) == [100, 98, 100, 96]
    assert_nothing_leaked(shop)


def test_an_inventory_whose_inbox_is_full_is_a_rejected_order() -> None:
    with virtual_shop(policy(stock="reserve", inbox=2), times={"inventory": Constant(0.6)}) as shop:
        for _ in range(3):
            shop.runtime.request("inventory", AdjustStock(TABLE, 1))
        answer = shop.place(ANN, {LAMP: 1})
        assert answer.reason == "inventory unavailable"
        assert "inbox of inventory is full" in answer.detail
        shop.runtime.sleep(5.0)
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
        assert levels(shop, LAMP) == [100, 99]


# -- the order cannot be written -----------------------------------------------------------------------


@EVERYWHERE
def test_an_order_that_cannot_be_written_gives_its_units_back(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    shop.placed(ANN, {LAMP: 1})
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable):
        shop.place(ANN, {LAMP: 2, TABLE: 1})
    shop.until(lambda: not reservations(shop))
    shop.until_followed()
    assert levels(shop, LAMP) == [100, 99, 97, 99]
    assert_nothing_leaked(shop)


@EVERYWHERE
def test_units_whose_release_gets_lost_are_given_back_to_the_next_order(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.paused("inventory"):
        asked = shop.runtime.request("orders", order(ANN, {LAMP: 99}))
        shop.until(lambda: shop.runtime.depth("inventory"))
        with shop.cut("orders->inventory"):
            assert asked.get(timeout=5.0).reason == "inventory unavailable"
    shop.until(lambda: available(shop, LAMP) == 0)
    shop.placed(BOB, {LAMP: 99})
    shop.until_followed()
    assert levels(shop, LAMP) == [100, 99, 0, 99, 0]
    assert_nothing_leaked(shop)


def test_units_that_cannot_be_given_back_at_once_are_given_back_later() -> None:
    with virtual_shop(RESERVE) as shop:
        shop.ask("inventory", reserve("1"))
        with shop.refusing_writes("inventory"):
            shop.runtime.tell("inventory", Release("1"))
            shop.runtime.sleep(3.5)
            assert available(shop, LAMP) == 98
        shop.runtime.sleep(1.0)
        assert_nothing_leaked(shop)


# -- the order service dies in between -----------------------------------------------------------------


def test_an_order_service_that_dies_after_it_has_reserved_loses_the_units_for_a_minute_only() -> None:
    with virtual_shop(RESERVE, times={"store:orders": Constant(0.05)}) as shop:
        shop.runtime.sleep(1.0)
        asked = shop.runtime.request("orders", order(ANN, {LAMP: 2}))
        shop.until(lambda: reservations(shop))
        with shop.down("orders"):
            assert shop.ordered() == []
        shop.runtime.sleep(RESERVED_FOR_S - 1.0)
        assert available(shop, LAMP) == 98
        shop.runtime.sleep(1.0)
        assert_nothing_leaked(shop)
        assert levels(shop, LAMP) == [100, 98, 100]
        assert isinstance(shop.place(ANN, {LAMP: 1}), Accepted)
        with pytest.raises(Exception, match="orders"):
            asked.get()


def test_a_reservation_begins_anew_to_run_out_when_the_inventory_starts_again() -> None:
    with virtual_shop(RESERVE) as shop:
        shop.ask("inventory", reserve("1"))
        shop.runtime.sleep(40.0)
        with shop.down("inventory"):
            shop.runtime.sleep(90.0)
        shop.runtime.sleep(RESERVED_FOR_S - 1.0)
        assert available(shop, LAMP) == 98
        shop.runtime.sleep(2.0)
        assert_nothing_leaked(shop)


def test_each_reservation_runs_out_in_its_own_time() -> None:
    with virtual_shop(RESERVE) as shop:
        for number in range(3):
            shop.ask("inventory", reserve(str(number), 1))
            shop.runtime.sleep(10.0)
        found = []
        shop.runtime.sleep(RESERVED_FOR_S - 30.0 - 1.0)
        for _ in range(4):
            found.append(available(shop, LAMP))
            shop.runtime.sleep(10.0)
        assert found == [97, 98, 99, 100]


def test_an_order_that_is_heard_of_after_its_reservation_ran_out_takes_its_units_again() -> None:
    with virtual_shop(RESERVE) as shop:
        with shop.paused("relay"):
            shop.placed(ANN, {LAMP: 2})
            shop.runtime.sleep(RESERVED_FOR_S + 1.0)
            assert available(shop, LAMP) == 100
        shop.until_followed()
        assert levels(shop, LAMP) == [100, 98, 100, 98]
        assert_nothing_leaked(shop)


# -- repeated messages ---------------------------------------------------------------------------------


@EVERYWHERE
def test_a_reservation_or_release_that_comes_again_changes_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    for _ in range(2):
        assert shop.ask("inventory", reserve("1")) == Accepted(0, 0)
        assert available(shop, LAMP) == 98
    for _ in range(2):
        shop.ask("inventory", Release("1"))
        assert available(shop, LAMP) == 100
    assert shop.ask("inventory", reserve("1")) == Rejected("reservation is over", "reservation 1")
    assert_nothing_leaked(shop)


def test_a_reservation_that_its_release_has_overtaken_takes_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    shop.ask("inventory", Release("2"))
    assert shop.ask("inventory", reserve("2")).reason == "reservation is over"
    assert shop.ask("inventory", reserve("3")) == Accepted(0, 0)


def test_messages_that_come_twice_do_no_harm(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    with shop.failing("duplicate", "orders->inventory", p=1.0, by=Constant(0.01)):
        for _ in range(5):
            shop.placed(ANN, {LAMP: 2})
        shop.until_followed()
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable):
        shop.place(ANN, {LAMP: 2})
    shop.until(lambda: not reservations(shop))
    shop.until_followed()
    assert available(shop, LAMP) == 90
    assert_nothing_leaked(shop)


def test_a_repeated_request_reserves_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(RESERVE)
    request = PlaceOrder(ANN, (OrderLine(LAMP, 2),), request_id="a")
    for _ in range(3):
        assert shop.ask("orders", request) == Accepted(1, 1)
    shop.until_followed()
    assert levels(shop, LAMP) == [100, 98]


# -- with lanes ----------------------------------------------------------------------------------------


def test_lanes_and_reservations_do_not_miscount() -> None:
    rules = policy(stock="reserve", partitions=3, partition_by="order")
    times = {"store:inventory": Constant(0.003), "inventory": Constant(0.002)}
    with virtual_shop(rules, times=times) as shop:
        for number in range(40):
            shop.runtime.request("orders", order(ANN, {LAMP: 1, (TABLE, CHAIR)[number % 2]: 2}))
        shop.runtime.sleep(5.0)
        shop.until_followed()
        assert len(shop.ordered()) == 40
        assert_nothing_leaked(shop)


# -- whatever fails ------------------------------------------------------------------------------------

FAULTS = [
    *(("crash", node) for node in ("orders", "inventory", "relay")),
    *(("pause", node) for node in ("orders", "inventory", "relay")),
    *(("unavailable", store) for store in ("store:orders", "store:inventory")),
    *(("cut", link) for link in ("orders->inventory", "inventory->orders")),
]
FAILURES = st.lists(
    st.tuples(st.sampled_from(FAULTS), st.floats(0.0, 4.0), st.floats(0.001, 2.0)), max_size=6
)
SOLD_OUT = Catalogue(names=CATALOGUE.names, prices_minor=CATALOGUE.prices_minor, stock=25)


def assert_sold_at_most_once(shop: Shop, stock: int) -> None:
    """Everything is decided, what was sold was there, what was not is there still, and none was owed."""
    assert reservations(shop) == []
    rejected = {row.order_id for row in shop.stores["orders"].scan(ORDERS) if row.status == "rejected"}
    sold: Counter[int] = Counter()
    for item in shop.stores["orders"].scan(ORDER_ITEMS):
        if item.order_id not in rejected:
            sold[item.product_id] += item.quantity
    for product_id in (LAMP, TABLE, CHAIR):
        assert sold[product_id] <= stock
        assert available(shop, product_id) == stock - sold[product_id]
        assert min(levels(shop, product_id)) >= 0
    status = {row.order_id: row.status for row in shop.stores["orders"].scan(ORDERS)}
    assert "pending" not in status.values()
    assert {row.order_id: row.status for row in shop.summaries()} == status


@pytest.mark.parametrize("stock", ["reserve", "saga"])
@pytest.mark.parametrize("partitions", [1, 2])
def test_whatever_fails_nothing_is_sold_twice_and_nothing_leaks(stock: str, partitions: int) -> None:
    times = {
        "store:orders": Constant(0.004),
        "store:inventory": Constant(0.003),
        "orders": Constant(0.002),
        "inventory": Constant(0.01),
    }

    @settings(max_examples=60, deadline=None)
    @given(FAILURES, st.integers(0, 2**32))
    def law(failures: list[tuple[tuple[str, str], float, float]], draw: int) -> None:
        rules = policy(stock=stock, partitions=partitions, redeliver=0.1)
        with virtual_shop(rules, times=times, catalogue=SOLD_OUT, draw=draw) as shop:
            for (kind, target), at, length in failures:
                shop.schedule(kind, target, at, length)
            units = shop.runtime.random("units")
            for number in range(60):
                lines = {1 + number % 3: 1 + int(3 * units()), 1 + (number + 1) % 3: 1}
                shop.runtime.request("orders", order((ANN, BOB)[number % 2], lines))
                shop.runtime.sleep(0.08)
            shop.runtime.sleep(RESERVED_FOR_S + 15.0)
            shop.until_followed()
            assert_sold_at_most_once(shop, SOLD_OUT.stock)

    law()


@EVERYWHERE
@pytest.mark.parametrize("stock", ["reserve", "saga"])
def test_crashes_under_load_sell_nothing_twice(open_shop: OpenShop, stock: str) -> None:
    shop = open_shop(policy(stock=stock))
    asked = []
    for node in ("inventory", "relay", "inventory", "summary"):
        asked += [shop.runtime.request("orders", order(ANN, {LAMP: 9, TABLE: 1})) for _ in range(4)]
        with shop.down(node):
            asked += [shop.runtime.request("orders", order(BOB, {LAMP: 1})) for _ in range(2)]
            shop.runtime.sleep(0.02)
    for reply in asked:
        reply.get(timeout=5.0)
    shop.placed(ANN, {CHAIR: 1})  # with which all is put back that was given up
    shop.until_followed()
    assert_sold_at_most_once(shop, CATALOGUE.stock)
