"""Bugs in nodes, and poisoned and altered messages: each does what it says on both clocks, and is counted."""

from collections.abc import Callable

import pytest
from shop import ANN, BOB, CATALOGUE, CHAIR, LAMP, TABLE, Shop, assert_consistent, policy

from actors.messages import Accepted, AddToCart, RenameProduct
from actors.tables import CART_ITEMS, DEAD_LETTERS

OpenShop = Callable[..., Shop]


def stock_of(shop: Shop, product_id: int) -> int:
    row = shop.inventory(product_id)
    assert row is not None
    return row.available


# -- bug -----------------------------------------------------------------------------------------------


def test_a_bug_that_raises_lets_handling_fail_as_often_as_it_is_tried(shop: Shop) -> None:
    end = shop.begin("bug", "summary", form="raise", first=3)
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert end() == 3
    assert max(shop.runtime.recorder.column("applied", "attempts")) == 4
    assert_consistent(shop)


def test_a_bug_that_skips_acknowledges_events_and_applies_nothing(shop: Shop) -> None:
    end = shop.begin("bug", "summary", form="skip", nth=2)
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert end() == 1
    assert shop.summarised() == [1, 3]
    assert shop.handled("summary", "orders", "skipped")[0][0] == 2
    with shop.down("summary"):
        pass
    shop.until_followed()
    assert shop.summarised() == [1, 3], "it never comes again"


def test_a_bug_that_applies_twice_takes_units_twice_and_shows_orders_twice(shop: Shop) -> None:
    ends = [
        shop.begin("bug", node, form="twice", where={"customer_id": BOB}) for node in ("summary", "inventory")
    ]
    for customer_id in (ANN, BOB):
        shop.placed(customer_id, {LAMP: 1})
    shop.until_followed()
    assert [end() for end in ends] == [1, 1]
    assert shop.summarised() == [1, 2, 2]
    assert stock_of(shop, LAMP) == CATALOGUE.stock - 3


def test_a_bug_that_sets_fields_wrong_leaves_others_as_they_are(shop: Shop) -> None:
    end = shop.begin("bug", "inventory", form="wrong", set={"quantity": 5}, where={"product_id": TABLE})
    shop.placed(ANN, {LAMP: 1})
    shop.placed(ANN, {TABLE: 1, CHAIR: 1})
    shop.until_followed()
    assert end() == 1
    assert [stock_of(shop, product) for product in (LAMP, TABLE, CHAIR)] == [99, 95, 95]
    assert shop.summarised() == [1, 2], "only the inventory has the bug"


def test_a_wrong_value_that_a_message_cannot_hold_touches_nothing(shop: Shop) -> None:
    ends = [
        shop.begin("bug", "summary", form="wrong", set={"total_minor": "much"}),
        shop.begin("bug", "summary", form="wrong", set={"colour": "red"}),
    ]
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert [end() for end in ends] == [0, 0]
    assert_consistent(shop)


def test_a_bug_happens_with_its_probability_and_bugs_add_up(shop: Shop) -> None:
    certain = shop.begin("bug", "summary", form="skip", p=1.0, where={"customer_id": ANN})
    never = shop.begin("bug", "summary", form="skip", p=0.0)
    twice = [shop.begin("bug", "inventory", form="twice") for _ in range(2)]
    for customer_id in (ANN, BOB):
        shop.placed(customer_id, {LAMP: 1})
    shop.until_followed()
    assert (certain(), never(), [end() for end in twice]) == (1, 0, [2, 2])
    assert shop.summarised() == [2]
    assert stock_of(shop, LAMP) == CATALOGUE.stock - 2 * 4


def test_a_command_that_a_bug_skips_is_acknowledged_and_leaves_nothing(shop: Shop) -> None:
    with shop.failing("bug", "orders", form="skip"):
        answer = shop.place(ANN, {LAMP: 1})
    assert isinstance(answer, Accepted)
    assert shop.ordered() == []
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert_consistent(shop)


def test_a_command_with_which_a_bug_raises_fails_and_its_actor_lives(shop: Shop) -> None:
    with shop.failing("bug", "orders", form="raise"), pytest.raises(Exception, match="a bug in orders"):
        shop.place(ANN, {LAMP: 1})
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert_consistent(shop)


def test_a_command_that_a_bug_carries_out_twice_counts_twice(shop: Shop) -> None:
    with shop.failing("bug", "carts", form="twice"):
        shop.ask("carts", AddToCart(ANN, LAMP, 2))
    (row,) = shop.stores["carts"].scan(CART_ITEMS)
    assert row.quantity == 4


@pytest.mark.parametrize(("form", "expected"), [("skip", [1, 3]), ("twice", [1, 2, 3])])
def test_a_relay_with_a_bug_loses_events_or_delivers_them_twice(
    shop: Shop, form: str, expected: list[int]
) -> None:
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    end = shop.begin("bug", "relay", form=form, where={"order_id": 2})
    for _ in range(2):
        shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shop.summarised()[-1] == 3)
    assert end() == 1
    assert shop.summarised() == expected
    duplicates = [position for position, _ in shop.handled("summary", "orders", "duplicate")]
    assert duplicates == ([2] if form == "twice" else [])


def test_a_relay_that_raises_is_started_again_and_delivers_everything(shop: Shop) -> None:
    end = shop.begin("bug", "relay", form="raise", first=1)
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert end() == 1
    assert_consistent(shop)


# -- poison --------------------------------------------------------------------------------------------


def test_a_poisonous_event_cannot_be_handled_by_anyone_and_the_others_can(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park"))
    shop.until_subscribed()  # a relay that looks into the log itself may be there before the poison
    end = shop.begin("poison", "message:OrderPlaced", nth=2)
    for _ in range(3):
        shop.placed(ANN, {LAMP: 1})
    for consumer in ("summary", "inventory"):
        shop.until(lambda consumer=consumer: len(shop.handled(consumer, "orders")) == 2)
        assert [row.position for row in shop.stores[consumer].scan(DEAD_LETTERS)] == [2]
    assert end() == 2, "one failed attempt of each consumer"


def test_events_are_counted_from_the_beginning_of_the_fault(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park"))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.failing("poison", "message:OrderPlaced", nth=1):
        shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: shop.handled("summary", "orders", "parked"))
    assert [position for position, _ in shop.handled("summary", "orders", "parked")] == [2]


def test_a_poisonous_event_that_is_tried_for_ever_blocks_its_lane_until_the_fault_ends(shop: Shop) -> None:
    end = shop.begin("poison", "message:OrderPlaced", nth=1)
    shop.placed(ANN, {LAMP: 1})
    shop.placed(BOB, {LAMP: 1})
    shop.until(lambda: shop.runtime.depth("summary") == 1 and shop.runtime.depth("inventory") == 1)
    assert shop.summarised() == []
    end()  # on threads nobody may have tried it yet
    shop.until_followed()
    assert_consistent(shop)


# -- alter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "total"])
def test_an_event_without_a_field_that_its_consumer_needs_cannot_be_handled(
    open_shop: OpenShop, name: str
) -> None:
    shop = open_shop(policy(on_error="park"))
    end = shop.begin("alter", "message:OrderPlaced", set={"total_minor": name}, first=1)
    for _ in range(2):
        shop.placed(ANN, {LAMP: 1})
    shop.until(lambda: shop.handled("summary", "orders") and shop.handled("inventory", "orders"))
    (letter,) = shop.stores["summary"].scan(DEAD_LETTERS)
    assert "total_minor" in letter.error
    assert end() == 2
    assert shop.summarised() == [2]


def test_an_event_without_a_field_that_its_consumer_can_do_without_is_handled_without(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(join="carried"))
    with shop.failing("alter", "message:OrderPlaced", set={"name": ""}):
        shop.placed(ANN, {LAMP: 1})
        shop.until_followed()
    ((item,),) = [row.items for row in shop.summaries()]
    assert item.product_name == str(LAMP)


def test_an_event_without_the_field_that_is_renamed_is_not_touched(open_shop: OpenShop) -> None:
    shop = open_shop(policy(join="carried"))
    end = shop.begin("alter", "message:ProductRenamed", set={"total_minor": "total"})
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    shop.until_followed()
    assert end() == 0


def test_only_events_of_the_type_named_are_altered(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park"))
    end = shop.begin("alter", "message:ProductRenamed", set={"name": ""})
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert end() == 0
    end = shop.begin("alter", "message:ProductRenamed", set={"name": ""})
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    for consumer in ("products", "orders"):
        shop.until(lambda consumer=consumer: list(shop.stores[consumer].scan(DEAD_LETTERS)))
    shop.placed(ANN, {TABLE: 1})
    assert end() == 2
    shop.until_followed()
    assert_consistent(shop)
