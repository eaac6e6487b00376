"""What the order service promises to whoever places an order."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
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
    policy,
    virtual_shop,
)

from actors.messages import (
    Accepted,
    OrderLine,
    OrderPlaced,
    PlacedLine,
    PlaceOrder,
    Rejected,
)
from actors.services.pricing import LINES_MAX, QUANTITY_MAX
from actors.stores.port import Insert, NewEvent, StoreUnavailable
from actors.system import Catalogue
from actors.tables import ORDER_ITEMS, ORDER_REQUESTS, ORDERS, OrderItemRow, OrderRequestRow, OrderRow

OpenShop = Callable[..., Shop]


# -- accepted ------------------------------------------------------------------------------------------


@EVERYWHERE
def test_an_accepted_order_stands_in_both_tables_and_in_the_log(shop: Shop) -> None:
    answer = shop.place(ANN, {TABLE: 2, LAMP: 1}, "12 Elm Street")
    assert answer == Accepted(1, 1)
    (row,) = shop.stores["orders"].scan(ORDERS)
    total = 2 * 24900 + 1999
    assert row == OrderRow(1, ANN, row.placed_at, total, "12 Elm Street", 2)
    assert list(shop.stores["orders"].scan(ORDER_ITEMS)) == [
        OrderItemRow(1, 1, TABLE, 2, 24900),
        OrderItemRow(1, 2, LAMP, 1, 1999),
    ]
    (record,) = shop.log("orders")
    lines = (PlacedLine(TABLE, 2, 24900), PlacedLine(LAMP, 1, 1999))
    assert record.event == OrderPlaced(1, ANN, row.placed_at, total, lines)
    assert (record.source, record.position, record.key) == ("orders", 1, ANN)
    assert 0.0 <= record.recorded_at <= shop.runtime.now()


def test_an_order_is_dated_by_the_clock_of_its_node_however_wrong_that_is(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.runtime.skew("orders", 3600.0)
    shop.placed(ANN, {LAMP: 1})
    right, wrong = shop.log("orders")
    assert 3590.0 < wrong.recorded_at - right.recorded_at < 3610.0
    assert [row.placed_at for row in shop.stores["orders"].scan(ORDERS)] == [
        right.recorded_at,
        wrong.recorded_at,
    ]
    assert [record.event.placed_at for record in (right, wrong)] == [right.recorded_at, wrong.recorded_at]
    assert shop.committed_s("orders")[2] < 100.0, "what is measured is not skewed"


@EVERYWHERE
def test_orders_get_the_next_ids_also_after_a_crash(shop: Shop) -> None:
    assert [shop.placed(ANN, {LAMP: 1}) for _ in range(3)] == [1, 2, 3]
    with shop.down("orders"):
        assert not shop.runtime.is_alive("orders")
    assert [shop.placed(BOB, {LAMP: 1}) for _ in range(2)] == [4, 5]
    assert [record.position for record in shop.log("orders")] == [1, 2, 3, 4, 5]


@EVERYWHERE
def test_an_order_that_cannot_be_written_is_an_error_and_leaves_no_trace(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    before = shop.rows()
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable, match="takes no writes"):
        shop.place(ANN, {TABLE: 1})
    assert shop.rows() == before
    assert len(shop.committed_s("orders")) == 1, "nothing is published"
    assert shop.place(BOB, {LAMP: 2}) == Accepted(2, 2)
    shop.until_followed()
    assert [(row.order_id, row.customer_id) for row in shop.summaries()] == [(1, ANN), (2, BOB)]


def test_an_order_id_that_is_taken_after_all_is_passed_over(shop: Shop) -> None:
    # As by an actor that was cut off in the middle of its write, and whose write came through.
    shop.placed(ANN, {LAMP: 1})
    event = OrderPlaced(2, BOB, 0.0, 1999, (PlacedLine(LAMP, 1, 1999),))
    orders = shop.stores["orders"]
    rows = [
        Insert(ORDERS, OrderRow(2, BOB, 0.0, 1999, "", 1)),
        Insert(ORDER_ITEMS, OrderItemRow(2, 1, LAMP, 1, 1999)),
    ]
    orders.write(rows, [NewEvent(BOB, 0.0, event)])
    assert shop.place(ANN, {LAMP: 1}) == Accepted(3, 3)
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3]


# -- repeated ------------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_repeated_request_gets_the_first_answer_and_orders_nothing_more(shop: Shop) -> None:
    request = PlaceOrder(ANN, lines_of((LAMP, 2)), request_id="a")
    assert shop.ask("orders", request) == Accepted(1, 1)
    assert shop.placed(BOB, {CHAIR: 1}) == 2
    with shop.down("orders"):
        pass
    assert shop.ask("orders", request) == Accepted(1, 1), "also by the next incarnation"
    assert shop.ask("orders", PlaceOrder(ANN, lines_of((LAMP, 2)), request_id="b")) == Accepted(3, 3)
    assert shop.ordered() == [1, 2, 3]


def test_a_request_that_was_rejected_or_failed_is_tried_again(shop: Shop) -> None:
    assert shop.ask("orders", PlaceOrder(ANN, lines_of((LAMP, 0)), request_id="a")).reason
    with shop.refusing_writes("orders"), pytest.raises(StoreUnavailable):
        shop.ask("orders", PlaceOrder(ANN, lines_of((LAMP, 1)), request_id="a"))
    assert shop.ask("orders", PlaceOrder(ANN, lines_of((LAMP, 1)), request_id="a")) == Accepted(1, 1)


def test_a_request_whose_order_came_through_after_all_is_answered_with_it(shop: Shop) -> None:
    # As by an actor that was cut off in the middle of its write, and whose write came through.
    event = OrderPlaced(1, ANN, 0.0, 1999, (PlacedLine(LAMP, 1, 1999),))
    rows = [
        Insert(ORDERS, OrderRow(1, ANN, 0.0, 1999, "", 1)),
        Insert(ORDER_ITEMS, OrderItemRow(1, 1, LAMP, 1, 1999)),
    ]
    request = PlaceOrder(ANN, lines_of((LAMP, 1)), request_id="a")
    shop.stores["orders"].write(
        [*rows, Insert(ORDER_REQUESTS, OrderRequestRow("a", 1))], [NewEvent(ANN, 0.0, event)]
    )
    assert shop.ask("orders", request) == Accepted(1, 1)
    assert shop.ordered() == [1]


# -- the total -----------------------------------------------------------------------------------------

PRICES = st.one_of(st.integers(0, 10**6), st.integers(0, 10**12))
QUANTITIES = st.one_of(st.integers(1, 20), st.integers(1, QUANTITY_MAX))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PRICES, QUANTITIES), min_size=1, max_size=30))
@example([(10**12, QUANTITY_MAX)] * 9)
@example([(10**12, QUANTITY_MAX)] * 9 + [(2**63 - 1 - 9 * 10**18, 1)])
@example([(10**12, QUANTITY_MAX)] * 10)
def test_the_total_is_exactly_the_sum_of_quantity_times_price(priced: list[tuple[int, int]]) -> None:
    prices = tuple(price for price, _ in priced)
    names = tuple(f"Product {number}" for number in range(1, len(prices) + 1))
    catalogue = Catalogue(names, prices, QUANTITY_MAX)
    lines = {number: quantity for number, (_, quantity) in enumerate(priced, 1)}
    total = sum(price * quantity for price, quantity in priced)
    with virtual_shop(policy(), catalogue=catalogue) as shop:
        answer = shop.place(ANN, lines)
        if total >= 2**63:  # no database column holds it
            assert isinstance(answer, Rejected)
            assert answer.reason == "impossible total"
            return
        assert answer == Accepted(1, 1)
        shop.until_followed()
        (row,) = shop.stores["orders"].scan(ORDERS)
        assert row.total_minor == total
        items = shop.stores["orders"].scan(ORDER_ITEMS)
        assert sum(item.unit_minor * item.quantity for item in items) == total
        assert [summary.total_minor for summary in shop.summaries()] == [total]


# -- rejected ------------------------------------------------------------------------------------------


def lines_of(*lines: tuple[int, int]) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(*line) for line in lines)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (PlaceOrder(ANN, lines_of((4, 1))), "unknown product"),
        (PlaceOrder(ANN, lines_of((LAMP, 1), (0, 1))), "unknown product"),
        (PlaceOrder(ANN, lines_of((2**64, 1))), "unknown product"),
        (PlaceOrder(ANN, lines_of((LAMP, 1), (TABLE, 1), (LAMP, 1))), "repeated product"),
        (PlaceOrder(ANN, lines_of((LAMP, 0))), "impossible quantity"),
        (PlaceOrder(ANN, lines_of((LAMP, -3))), "impossible quantity"),
        (PlaceOrder(ANN, lines_of((LAMP, QUANTITY_MAX + 1))), "impossible quantity"),
        (PlaceOrder(ANN, ()), "wrong number of lines"),
        (PlaceOrder(ANN, lines_of(*((n, 1) for n in range(LINES_MAX + 1)))), "wrong number of lines"),
        (PlaceOrder(0, lines_of((LAMP, 1))), "unknown customer"),
        (PlaceOrder(-1, lines_of((LAMP, 1))), "unknown customer"),
        (PlaceOrder(2**31, lines_of((LAMP, 1))), "unknown customer"),
        (PlaceOrder(2**70, lines_of((LAMP, 1))), "unknown customer"),
        (PlaceOrder(ANN, lines_of((LAMP, CATALOGUE.stock + 1))), "insufficient stock"),
        (PlaceOrder(ANN, lines_of((TABLE, 1), (LAMP, 101))), "insufficient stock"),
    ],
)
def test_an_impossible_order_is_rejected_with_its_reason_and_nothing_is_written(
    shop: Shop, command: PlaceOrder, reason: str
) -> None:
    before = shop.rows()
    answer = shop.ask("orders", command)
    assert isinstance(answer, Rejected)
    assert answer.reason == reason
    assert shop.rows() == before
    assert shop.place(BOB, {CHAIR: 1}) == Accepted(1, 1), "the next order is taken"


def test_the_largest_customer_id_is_a_customer(shop: Shop) -> None:
    shop.placed(2**31 - 1, {LAMP: 1})
    shop.until_followed()
    assert [row.customer_id for row in shop.summaries()] == [2**31 - 1]


# -- the stock policies --------------------------------------------------------------------------------


def test_all_that_the_view_shows_can_be_ordered_and_then_no_more(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="view"))
    shop.placed(ANN, {LAMP: 60, CHAIR: 1})
    shop.until_followed()
    known = shop.known(LAMP)
    assert known is not None
    assert known.available == 40
    answer = shop.place(BOB, {LAMP: 41})
    assert answer == Rejected("insufficient stock", f"product {LAMP} has 40", LAMP)
    shop.placed(BOB, {LAMP: 40})
    shop.until_followed()
    assert shop.place(ANN, {LAMP: 1}).reason == "insufficient stock"


def test_a_view_that_lags_lets_more_be_ordered_than_there_is(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="view"))
    with shop.cut("inventory->orders"):
        shop.placed(ANN, {LAMP: 60})
        shop.until_followed("inventory", "products")
        shop.placed(BOB, {LAMP: 60})
        shop.until_followed("inventory", "products")
    shop.until_followed()
    stock = shop.inventory(LAMP)
    assert stock is not None
    assert stock.available == -20
    assert shop.place(ANN, {LAMP: 1}) == Rejected("insufficient stock", f"product {LAMP} has -20", LAMP)


def test_without_a_stock_check_everything_is_accepted_and_the_stock_not_followed(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(stock="none"))
    shop.placed(ANN, {LAMP: 60})
    shop.placed(BOB, {LAMP: CATALOGUE.stock + 1})
    shop.until_followed()
    stock, known = shop.inventory(LAMP), shop.known(LAMP)
    assert stock is not None
    assert known is not None
    assert stock.available == 100 - 60 - 101
    assert known.available == 100, "what it was when the shop opened"
    assert shop.handled("orders", "inventory") == []
