"""What waits together is handled together, and nobody can tell but by the clock."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pykka
import pytest
from shop import (
    ANN,
    BOB,
    CATALOGUE,
    CHAIR,
    EVERYWHERE,
    LAMP,
    TABLE,
    Shop,
    assert_consistent,
    order,
    policy,
    running,
)

from actors.messages import Accepted, AdjustStock, OrderLine, OrderPlaced, PlaceOrder, Rejected, RenameProduct
from actors.policy import Retry
from actors.runtime.port import MANY, InboxFull, Reply
from actors.stores.port import Change, Delete, Insert, NewEvent, Store, StoreError, StoreUnavailable
from actors.tables import DEAD_LETTERS, KNOWN_PRODUCTS, ORDER_ITEMS, ORDERS, PRODUCTS, SUMMARIES, OrderRow
from simulation.runtime import VirtualRuntime

OpenShop = Callable[..., Shop]

ON_EVERY_STORE = pytest.mark.parametrize(
    "clock", ["virtual", "live", "live on sqlite", "live on postgres"], indirect=True
)
ON_THREADS = pytest.mark.parametrize("clock", ["live", "live on sqlite"], indirect=True)
ON_DISK = pytest.mark.parametrize("clock", ["live on sqlite", "live on postgres"], indirect=True)


class StoreBefore:
    """Stands before a store and is one itself."""

    def __init__(self, store: Store) -> None:
        self.name = store.name
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


UNWRITABLE = "\ud800"
"""An address that no database on disk takes."""


def keyed(customer_id: int, lines: dict[int, int], key: str) -> PlaceOrder:
    placed = order(customer_id, lines)
    return PlaceOrder(placed.customer_id, placed.lines, placed.shipping_address, key)


def at_once(shop: Shop, commands: list[PlaceOrder]) -> list[Any]:
    """The answers to orders all of which wait when the order service goes on after a pause."""
    with shop.paused("orders"):
        replies = [shop.runtime.request("orders", command) for command in commands]
    return [answer(reply) for reply in replies]


def answer(reply: Reply) -> Any:
    """The answer, or the error that is the answer."""
    try:
        return reply.get(timeout=8.0)
    except (StoreError, pykka.ActorDeadError, InboxFull, TypeError) as error:
        return error


def transactions(shop: Shop, source: str) -> int:
    """In how many transactions the events of a log were committed, if no two were at one instant."""
    return len(set(shop.committed_s(source).values()))


MIXED = [
    order(ANN, {LAMP: 1}),
    order(BOB, {99: 1}),
    keyed(BOB, {TABLE: 2, CHAIR: 1}, "key 1"),
    order(ANN, {LAMP: 0}),
    keyed(BOB, {TABLE: 2, CHAIR: 1}, "key 1"),
    keyed(ANN, {}, "key 2"),
    keyed(ANN, {CHAIR: 3}, "key 2"),
    order(BOB, {LAMP: CATALOGUE.stock + 1}),
    order(BOB, {LAMP: 1, TABLE: 1}),
]


# -- orders --------------------------------------------------------------------------------------------


@ON_EVERY_STORE
def test_orders_that_wait_together_are_decided_as_if_they_had_come_one_after_the_other(
    open_shop: OpenShop, clock: str
) -> None:
    with running(VirtualRuntime(), policy()) as alone:
        expected = at_once(alone, MIXED)
        alone.until_followed()
        rows = alone.rows()
    shop = open_shop()
    assert at_once(shop, MIXED) == expected
    shop.until_followed()
    assert shop.rows() == rows
    if clock != "virtual":
        assert transactions(shop, "orders") == 1
    assert_consistent(shop)


@ON_THREADS
def test_the_order_service_is_paced_as_long_as_many_orders_come_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="none"))  # so that it hears of nothing else
    service = shop.runtime.ref("orders")._actor_weakref()
    at_once(shop, [order(ANN, {LAMP: 1})] * (MANY - 1))
    assert service.pace_s == 0.0
    at_once(shop, [order(BOB, {LAMP: 1})] * MANY)
    assert service.pace_s > 0.0
    shop.place(ANN, {LAMP: 1})
    assert service.pace_s == 0.0, "who comes alone ends it"


@EVERYWHERE
def test_a_rejected_order_does_not_touch_those_beside_it(open_shop: OpenShop) -> None:
    shop = open_shop()
    first, rejected, last = at_once(shop, [order(ANN, {LAMP: 1}), order(ANN, {99: 1}), order(BOB, {LAMP: 1})])
    assert rejected == Rejected("unknown product", "product 99", 99)
    assert shop.ordered() == [first.id, last.id] == [1, 2]


@ON_EVERY_STORE
def test_a_request_that_waits_twice_is_one_order_with_one_answer(open_shop: OpenShop) -> None:
    shop = open_shop()
    once, again, other = at_once(
        shop, [keyed(ANN, {LAMP: 1}, "a"), keyed(ANN, {LAMP: 1}, "a"), keyed(ANN, {LAMP: 1}, "b")]
    )
    assert once == again == Accepted(1, 1)
    assert other == Accepted(2, 2)
    assert at_once(shop, [keyed(ANN, {LAMP: 1}, "b"), keyed(ANN, {LAMP: 1}, "a")]) == [other, once]
    assert shop.ordered() == [1, 2]


@EVERYWHERE
@pytest.mark.parametrize(
    ("stock", "accepted", "confirmed"), [("view", 2, 2), ("none", 2, 2), ("reserve", 1, 1), ("saga", 2, 1)]
)
def test_two_orders_for_the_last_unit_that_wait_together_end_as_the_stock_policy_says(
    open_shop: OpenShop, stock: str, accepted: int, confirmed: int
) -> None:
    shop = open_shop(policy(stock=stock))
    shop.placed(ANN, {LAMP: CATALOGUE.stock - 1})
    shop.until_followed()
    answers = at_once(shop, [order(ANN, {LAMP: 1}), order(BOB, {LAMP: 1})])
    assert sum(isinstance(one, Accepted) for one in answers) == accepted
    shop.until_followed()
    statuses = [row.status for row in shop.stores["orders"].scan(ORDERS)]
    assert statuses.count("confirmed") == 1 + confirmed
    stock_left = shop.inventory(LAMP)
    assert stock_left is not None
    assert stock_left.available == (0 if confirmed == 1 else -1)


@ON_DISK
def test_one_order_that_cannot_be_written_fails_alone(open_shop: OpenShop) -> None:
    shop = open_shop()
    first, failed, last = at_once(
        shop, [order(ANN, {LAMP: 1}), order(ANN, {LAMP: 1}, UNWRITABLE), order(BOB, {LAMP: 1})]
    )
    assert isinstance(failed, StoreError)
    assert shop.ordered() == [first.id, last.id]
    shop.until_followed()
    assert_consistent(shop)


@EVERYWHERE
def test_one_order_that_cannot_even_be_decided_fails_alone(open_shop: OpenShop) -> None:
    shop = open_shop()
    impossible = PlaceOrder(ANN, (OrderLine(LAMP, None),))  # type: ignore[arg-type]  # that is the point
    first, failed, last = at_once(shop, [order(ANN, {LAMP: 1}), impossible, order(BOB, {LAMP: 1})])
    assert isinstance(failed, TypeError)
    assert shop.ordered() == [first.id, last.id]
    shop.until_followed()
    assert_consistent(shop)


class Unanswering(StoreBefore):
    """A store that writes orders and does not say so."""

    def write(self, changes: list[Change], events: Any = ()) -> list[int]:
        positions = self._store.write(changes, events)
        if any(change.table is ORDERS for change in changes):
            raise StoreUnavailable("it may have written or not; ask it later")
        return positions


@EVERYWHERE
def test_no_order_is_written_twice_by_a_store_that_writes_and_does_not_answer(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(before=lambda shop: shop.wrap("orders", Unanswering))
    new, rejected, other = at_once(shop, [order(ANN, {LAMP: 1}), order(ANN, {99: 1}), order(BOB, {LAMP: 1})])
    assert isinstance(new, StoreUnavailable)
    assert isinstance(other, StoreUnavailable)
    assert rejected == Rejected("unknown product", "product 99", 99)
    assert [row.customer_id for row in shop.stores["orders"].scan(ORDERS)] == [ANN, BOB]


@EVERYWHERE
def test_ids_that_are_taken_after_all_are_passed_over_by_all_orders_of_a_group(open_shop: OpenShop) -> None:
    shop = open_shop()
    late = OrderRow(1, ANN, 0.0, 0, "", 0)
    with shop.paused("orders"):
        replies = [shop.runtime.request("orders", order(ANN, {LAMP: 1})) for _ in range(3)]
        shop.stores["orders"].write([Insert(ORDERS, late)], [placed_event(late)])
    assert [answer(reply).id for reply in replies] == [2, 3, 4]
    assert shop.ordered() == [1, 2, 3, 4]


def placed_event(row: OrderRow) -> NewEvent:
    return NewEvent(row.customer_id, 0.0, OrderPlaced(row.order_id, row.customer_id, 0.0, 0, ()))


# -- crashes -------------------------------------------------------------------------------------------


class AfterCommit:
    """Holds the order service between the commit of a group and its answers."""

    def __init__(self) -> None:
        self.committed = threading.Event()
        self.go_on = threading.Event()

    def on_handling(self, _message: Any) -> None:
        self.committed.set()
        assert self.go_on.wait(8.0)


@contextmanager
def held_after_commit(shop: Shop) -> Iterator[AfterCommit]:
    hold = AfterCommit()
    remove = shop.runtime.add_handling_rule("log:orders", hold)
    try:
        yield hold
    finally:
        hold.go_on.set()
        remove()


@ON_THREADS
def test_a_crash_between_commit_and_answers_leaves_all_orders_of_the_group_and_answers_none(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    with held_after_commit(shop) as hold:
        with shop.paused("orders"):
            replies = [shop.runtime.request("orders", order(ANN, {LAMP: 1})) for _ in range(5)]
        assert hold.committed.wait(8.0)
        end = shop.begin("crash", "orders")
        hold.go_on.set()
        end()
    assert all(isinstance(answer(reply), pykka.ActorDeadError) for reply in replies)
    assert shop.ordered() == [1, 2, 3, 4, 5]
    assert shop.placed(BOB, {LAMP: 1}) == 6
    shop.until_followed()
    assert_consistent(shop)


@ON_EVERY_STORE
def test_what_was_acknowledged_before_a_crash_among_many_orders_is_there(open_shop: OpenShop) -> None:
    shop = open_shop()
    acknowledged: list[int] = []
    for crash in range(6):
        replies = [shop.runtime.request("orders", order(ANN, {LAMP: 1})) for _ in range(12)]
        shop.runtime.sleep(0.0003 * crash)
        shop.begin("crash", "orders")()
        answers = [answer(reply) for reply in replies]
        acknowledged += [one.id for one in answers if isinstance(one, Accepted)]
        assert all(isinstance(one, Accepted | pykka.ActorDeadError) for one in answers)
        ordered = shop.ordered()
        assert set(acknowledged) <= set(ordered)
        assert len(ordered) == len(shop.log("orders"))
    assert len(set(acknowledged)) == len(acknowledged)
    shop.until_followed()
    assert_consistent(shop)
    assert len(list(shop.stores["orders"].scan(ORDER_ITEMS))) == len(shop.ordered())


@ON_THREADS
def test_those_in_a_group_behind_the_first_still_count_against_the_bound_of_the_inbox(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(inbox=5))
    shop.until_followed()  # from now on the relays know who is where, and look into no log by themselves
    with held_after_commit(shop) as hold:
        with shop.paused("orders"):
            replies = [shop.runtime.request("orders", order(ANN, {LAMP: 1})) for _ in range(6)]
        assert isinstance(answer(replies.pop()), InboxFull)
        assert hold.committed.wait(8.0)
        assert shop.runtime.depth("orders") == 4
        replies.append(shop.runtime.request("orders", order(ANN, {LAMP: 1})))
        refused = shop.runtime.request("orders", order(ANN, {LAMP: 1}))
        assert isinstance(answer(refused), InboxFull)
    assert [answer(reply).id for reply in replies] == [1, 2, 3, 4, 5, 6]
    shop.until(lambda: shop.runtime.depth("orders") == 0)  # stock that they took may wait there too


# -- orders among events -------------------------------------------------------------------------------


class CountingWrites(StoreBefore):
    """A store that counts its transactions."""

    def __init__(self, store: Store, counts: list[int]) -> None:
        super().__init__(store)
        self._counts = counts

    def write(self, changes: list[Change], events: Any = ()) -> list[int]:
        self._counts.append(len(events))
        return self._store.write(changes, events)


def stock_and_orders_at_once(shop: Shop, commands: list[PlaceOrder]) -> list[Any]:
    """The answers to orders that wait behind news of ten more lamps, in turn with some of ten more tables."""
    with shop.paused("orders"):
        shop.ask("inventory", AdjustStock(LAMP, 10))
        shop.until(lambda: shop.runtime.depth("orders") == 1)
        replies = [shop.runtime.request("orders", command) for command in commands[:1]]
        shop.ask("inventory", AdjustStock(TABLE, 10))
        shop.until(lambda: shop.runtime.depth("orders") == 3)
        replies += [shop.runtime.request("orders", command) for command in commands[1:]]
    return [answer(reply) for reply in replies]


def knows(shop: Shop, product_id: int) -> int | None:
    """How many units of the product the order service knows of."""
    row = shop.known(product_id)
    return None if row is None else row.available


@ON_EVERY_STORE
def test_orders_and_events_that_wait_together_are_written_together(open_shop: OpenShop, clock: str) -> None:
    writes: list[int] = []
    shop = open_shop(before=lambda shop: shop.wrap("orders", lambda store: CountingWrites(store, writes)))
    shop.until_followed()
    more = CATALOGUE.stock + 10
    answers = stock_and_orders_at_once(shop, [order(ANN, {LAMP: more}), order(BOB, {TABLE: more})])
    assert answers == [Accepted(1, 1), Accepted(2, 2)], "they know of the stock that came before them"
    if clock != "virtual":
        assert writes[0] == 2, "both orders and all events are in the first transaction"
    shop.until_followed()
    assert knows(shop, LAMP) == knows(shop, TABLE) == 0
    handled = [position for position, _ in shop.handled("orders", "inventory")]
    assert handled == list(range(len(CATALOGUE.names) + 1, shop.stores["inventory"].head() + 1))


@EVERYWHERE
def test_orders_that_cannot_be_decided_or_written_leave_the_events_among_them_to_take_effect(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(before=lambda shop: shop.wrap("orders", Unanswering))
    shop.until_followed()
    impossible = PlaceOrder(ANN, (OrderLine(LAMP, None),))  # type: ignore[arg-type]  # that is the point
    commands = [order(ANN, {LAMP: 1}), impossible, order(BOB, {99: 1})]
    unknown, failed, rejected = stock_and_orders_at_once(shop, commands)
    assert isinstance(unknown, StoreUnavailable)
    assert isinstance(failed, TypeError)
    assert rejected == Rejected("unknown product", "product 99", 99)
    for product_id in (LAMP, TABLE):
        shop.until(lambda number=product_id: knows(shop, number) == CATALOGUE.stock + 10)
    assert shop.ordered() == [1]


class RefusingLamps(StoreBefore):
    """A store that does not take what is known of lamps."""

    def write(self, changes: list[Change], events: Any = ()) -> list[int]:
        if any(change.table is KNOWN_PRODUCTS and change.row.product_id == LAMP for change in changes):
            raise StoreError("it is not taken; leave it out")
        return self._store.write(changes, events)


@EVERYWHERE
def test_an_event_that_fails_among_orders_is_put_aside_alone_and_they_are_placed(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(on_error="park"), before=lambda shop: shop.wrap("orders", RefusingLamps))
    shop.until_followed()
    answers = stock_and_orders_at_once(shop, [order(ANN, {CHAIR: 1}), order(BOB, {CHAIR: 1})])
    assert answers == [Accepted(1, 1), Accepted(2, 2)]
    shop.until_followed()
    (letter,) = shop.stores["orders"].scan(DEAD_LETTERS)
    assert letter.position == len(CATALOGUE.names) + 1
    assert knows(shop, TABLE) == CATALOGUE.stock + 10


# -- events --------------------------------------------------------------------------------------------


@ON_EVERY_STORE
def test_views_that_have_fallen_behind_catch_up_in_few_transactions_and_miss_nothing(
    open_shop: OpenShop, clock: str
) -> None:
    shop = open_shop()
    with shop.paused("inventory"), shop.paused("products"), shop.paused("summary"):
        for number in range(20):
            shop.placed(ANN, {1 + number % 3: 1, 1 + (number + 1) % 3: 2})
    shop.until_followed()
    assert_consistent(shop)
    if clock != "virtual":
        assert transactions(shop, "inventory") < 5


@EVERYWHERE
def test_an_event_that_fails_among_others_is_put_aside_alone(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park"))
    with shop.paused("summary"):
        ids = [shop.placed(ANN, {number: 1}) for number in (LAMP, TABLE, LAMP, CHAIR, LAMP)]
        shop.until_followed("inventory", "products")
        shop.stores["products"].write([Delete(PRODUCTS, (TABLE,))])
    shop.until_followed()
    (letter,) = shop.stores["summary"].scan(DEAD_LETTERS)
    assert (letter.position, letter.attempts) == (ids[1], 1)
    assert shop.summarised() == [ids[0], *ids[2:]]
    assert [position for position, _ in shop.handled("summary", "orders")] == [1, 3, 4, 5]


class RefusingThird(StoreBefore):
    """A store that does not take the row of the third order."""

    def write(self, changes: list[Change], events: Any = ()) -> list[int]:
        rows = [change.row for change in changes if change.table is SUMMARIES]
        if any(row.order_id == 3 for row in rows):
            raise StoreError("it is not taken; leave it out")
        return self._store.write(changes, events)


@EVERYWHERE
@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        (policy(on_error="skip"), "skipped"),
        (policy(on_error="park"), "parked"),
        (policy(retry=Retry(first=0.001, attempts=2, then="skip")), "skipped"),
    ],
    ids=["skip", "park", "retry"],
)
def test_a_row_that_cannot_be_written_among_others_ends_as_its_policy_says(
    open_shop: OpenShop, rules: Any, outcome: str
) -> None:
    shop = open_shop(rules, before=lambda shop: shop.wrap("summary", RefusingThird))
    with shop.paused("summary"):
        for _ in range(5):
            shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory", "products")
    shop.until_followed()
    assert shop.summarised() == [1, 2, 4, 5]
    assert [position for position, _ in shop.handled("summary", "orders", outcome)] == [3]
    assert [position for position, _ in shop.handled("summary", "orders")] == [1, 2, 4, 5]


@EVERYWHERE
def test_names_are_those_that_products_had_between_commit_and_apply(open_shop: OpenShop) -> None:
    shop = open_shop()
    with shop.paused("summary"):
        for _ in range(3):
            shop.placed(ANN, {LAMP: 1})
        shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
        shop.until_followed("products")
    shop.until_followed()
    assert {item.product_name for row in shop.summaries() for item in row.items} == {"Reading lamp"}
    with shop.paused("summary"):
        shop.ask("catalog", RenameProduct(LAMP, "Night lamp"))
        shop.until_followed("products")
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert shop.summaries()[-1].items[0].product_name == "Night lamp"


@EVERYWHERE
def test_names_looked_up_for_events_together_are_forgotten_when_the_first_of_them_fails(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(on_error="park"))
    shop.until_followed()
    with shop.paused("summary"):
        shop.placed(ANN, {TABLE: 1})
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed("inventory", "products")
        shop.stores["products"].write([Delete(PRODUCTS, (TABLE,))])
    shop.until_followed("summary")
    shop.ask("catalog", RenameProduct(LAMP, "Night lamp"))
    shop.until_followed("products")
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed("summary")
    assert [row.items[0].product_name for row in shop.summaries()] == ["Lamp", "Night lamp"]


@EVERYWHERE
def test_among_events_that_wait_together_those_of_a_parked_key_are_parked_behind_it(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(on_error="park-key"))
    shop.until_followed()
    with shop.paused("summary"):
        for customer_id, product_id in ((BOB, CHAIR), (ANN, TABLE), (BOB, LAMP), (ANN, LAMP)):
            shop.placed(customer_id, {product_id: 1})
        shop.until_followed("inventory", "products")
        shop.stores["products"].write([Delete(PRODUCTS, (TABLE,))])
    shop.until_followed("summary")
    assert [letter.position for letter in shop.stores["summary"].scan(DEAD_LETTERS)] == [2, 4]
    assert shop.summarised() == [1, 3]


class HoldingStock(StoreBefore):
    """A store that holds whoever writes what several orders have done to the stock, once."""

    def __init__(
        self, store: Store, held: threading.Event, go_on: threading.Event, *, before_writing: bool
    ) -> None:
        super().__init__(store)
        self._held, self._go_on, self._before_writing = held, go_on, before_writing

    def write(self, changes: list[Change], events: Any = ()) -> list[int]:
        holds = len(events) > 1 and not self._held.is_set()
        if holds and self._before_writing:
            self._hold()
        positions = self._store.write(changes, events)
        if holds and not self._before_writing:
            self._hold()
        return positions

    def _hold(self) -> None:
        self._held.set()
        assert self._go_on.wait(8.0)


@ON_THREADS
@pytest.mark.parametrize("before_writing", [True, False], ids=["before writing", "after writing"])
def test_a_consumer_that_is_killed_while_it_writes_for_several_events_has_done_all_or_none(
    open_shop: OpenShop, before_writing: bool
) -> None:
    held, go_on = threading.Event(), threading.Event()

    def holding(store: Store) -> HoldingStock:
        return HoldingStock(store, held, go_on, before_writing=before_writing)

    shop = open_shop(before=lambda shop: shop.wrap("inventory", holding))
    shop.until_followed()
    with shop.paused("inventory"):
        for _ in range(5):
            shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: shop.runtime.depth("inventory") >= 5)
    assert held.wait(8.0)
    end = shop.begin("crash", "inventory")
    assert not shop.positions.reached("inventory", "orders", 1), "nobody is told of what may not last"
    go_on.set()
    end()
    shop.until_followed()
    assert_consistent(shop)
