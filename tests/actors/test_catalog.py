"""What the catalogue promises, and what its followers make of what it says."""

from collections.abc import Callable
from itertools import permutations

import pytest
from shop import ANN, CHAIR, EVERYWHERE, LAMP, TABLE, Shop, policy

from actors.messages import (
    Accepted,
    AddProduct,
    AdjustStock,
    AnyEvent,
    Command,
    InventoryUpdated,
    ProductAdded,
    ProductRenamed,
    ProductRepriced,
    Record,
    RenameProduct,
    RepriceProduct,
)
from actors.querying import queries
from actors.services.catalog import NAME_LENGTH_MAX, PRICE_MINOR_MAX
from actors.stores.port import StoreUnavailable
from actors.tables import CATALOG, CatalogRow, ProductRow

OpenShop = Callable[..., Shop]

OPENING = 3
"""So many events the catalogue's log has when the shop opens."""

SOFA = 4
"""The next product."""


@EVERYWHERE
def test_what_changes_in_the_catalogue_reaches_the_views(shop: Shop) -> None:
    assert shop.ask("catalog", AddProduct("Sofa", 99900)) == Accepted(SOFA, OPENING + 1)
    assert shop.ask("catalog", RenameProduct(LAMP, "Reading lamp")) == Accepted(LAMP, OPENING + 2)
    assert shop.ask("catalog", RepriceProduct(LAMP, 1799)) == Accepted(LAMP, OPENING + 3)
    assert [record.event for record in shop.log("catalog", OPENING)] == [
        ProductAdded(SOFA, "Sofa", 99900),
        ProductRenamed(LAMP, "Reading lamp"),
        ProductRepriced(LAMP, 1799),
    ]
    assert list(shop.stores["catalog"].scan(CATALOG)) == [
        CatalogRow(LAMP, "Reading lamp", 1799),
        CatalogRow(TABLE, "Table", 24900),
        CatalogRow(CHAIR, "Chair", 7450),
        CatalogRow(SOFA, "Sofa", 99900),
    ]
    shop.until_followed()
    assert shop.product(LAMP) == ProductRow(LAMP, "Reading lamp", 1799, 100, 2)
    assert shop.product(SOFA) == ProductRow(SOFA, "Sofa", 99900, 0, 1)
    known = shop.known(LAMP)
    assert known is not None
    assert (known.name, known.price_minor, known.available) == ("Reading lamp", 1799, 100)


def test_an_order_has_the_price_that_the_order_service_knows_when_it_is_placed(shop: Shop) -> None:
    shop.placed(ANN, {LAMP: 1})
    with shop.cut("catalog->orders"):
        shop.ask("catalog", RepriceProduct(LAMP, 1))
        shop.until_followed("products")
        shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    assert [row.total_minor for row in shop.summaries()] == [1999, 1999, 1]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (AddProduct("", 100), "impossible name"),
        (AddProduct("x" * (NAME_LENGTH_MAX + 1), 100), "impossible name"),
        (AddProduct("Sofa", -1), "impossible price"),
        (AddProduct("Sofa", PRICE_MINOR_MAX + 1), "impossible price"),
        (RenameProduct(LAMP, ""), "impossible name"),
        (RenameProduct(LAMP, "x" * (NAME_LENGTH_MAX + 1)), "impossible name"),
        (RenameProduct(SOFA, "Sofa"), "unknown product"),
        (RepriceProduct(LAMP, -1), "impossible price"),
        (RepriceProduct(LAMP, PRICE_MINOR_MAX + 1), "impossible price"),
        (RepriceProduct(SOFA, 1), "unknown product"),
    ],
)
def test_an_impossible_change_is_rejected_with_its_reason_and_nothing_is_written(
    shop: Shop, command: Command, reason: str
) -> None:
    before = shop.rows()
    assert shop.ask("catalog", command).reason == reason
    assert shop.rows() == before


@EVERYWHERE
def test_a_change_that_cannot_be_written_is_an_error_and_the_next_one_is_as_if_it_had_not_been(
    shop: Shop,
) -> None:
    with shop.refusing_writes("catalog"):
        for command in (AddProduct("Bed", 1), RenameProduct(LAMP, "Bed"), RepriceProduct(LAMP, 0)):
            with pytest.raises(StoreUnavailable):
                shop.ask("catalog", command)
    assert len(shop.log("catalog")) == OPENING
    assert shop.ask("catalog", AddProduct("Sofa", 5)) == Accepted(SOFA, OPENING + 1)
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    shop.until_followed()
    assert shop.product(LAMP) == ProductRow(LAMP, "Reading lamp", 1999, 100, 1)


def test_the_catalogue_survives_a_crash(shop: Shop) -> None:
    shop.ask("catalog", AddProduct("Sofa", 5))
    with shop.down("catalog"):
        pass
    assert shop.ask("catalog", AddProduct("Bed", 6)) == Accepted(SOFA + 1, OPENING + 2)
    assert shop.ask("catalog", RenameProduct(SOFA, "Couch")) == Accepted(SOFA, OPENING + 3)
    shop.until_followed()
    assert shop.product(SOFA) == ProductRow(SOFA, "Couch", 5, 0, 2)


# -- new products --------------------------------------------------------------------------------------


def test_a_new_product_can_be_ordered_once_the_order_service_knows_it(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="none"))
    with shop.cut("catalog->orders"):
        shop.ask("catalog", AddProduct("Sofa", 99900))
        shop.until_followed("products")
        assert shop.place(ANN, {SOFA: 1}).reason == "unknown product"
    shop.until_followed()
    shop.placed(ANN, {SOFA: 2})
    shop.until_followed()
    (row,) = shop.summaries()
    assert row.total_minor == 2 * 99900
    assert [item.product_name for item in row.items] == ["Sofa"]


def test_under_a_checked_stock_a_new_product_can_be_ordered_once_it_is_stocked(open_shop: OpenShop) -> None:
    shop = open_shop(policy(stock="view"))
    shop.ask("catalog", AddProduct("Sofa", 99900))
    shop.until_followed()
    assert shop.place(ANN, {SOFA: 1}).reason == "insufficient stock"
    shop.ask("inventory", AdjustStock(SOFA, 1))
    shop.until_followed()
    shop.placed(ANN, {SOFA: 1})
    shop.until_followed()


def test_stock_may_be_heard_of_before_the_product_is(shop: Shop) -> None:
    with shop.cut("catalog->orders"), shop.cut("catalog->products"):
        shop.ask("catalog", AddProduct("Sofa", 99900))
        shop.ask("inventory", AdjustStock(SOFA, 3))
        shop.ask("inventory", AdjustStock(LAMP, 3))
        shop.until(lambda: all(shop.applied_up_to(name, "inventory") == 5 for name in ("products", "orders")))
        assert queries.product(shop.stores["products"], SOFA) is None
        assert [row.product_id for row in queries.products(shop.stores["products"], 1)] == [1, 2, 3]
        assert shop.place(ANN, {SOFA: 1}).reason == "unknown product"
        shop.placed(ANN, {LAMP: 103})
    shop.until_followed()
    assert queries.product(shop.stores["products"], SOFA) == ProductRow(SOFA, "Sofa", 99900, 3, 2)
    shop.placed(ANN, {SOFA: 3})
    shop.until_followed()
    assert shop.product(SOFA) == ProductRow(SOFA, "Sofa", 99900, 0, 3)


def test_events_are_dated_by_the_clock_of_the_catalogue(shop: Shop) -> None:
    shop.runtime.skew("catalog", 3600.0)
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    assert 3600.0 <= shop.log("catalog", OPENING)[0].recorded_at < 3700.0


FACTS: tuple[tuple[str, AnyEvent], ...] = (
    ("catalog", ProductAdded(SOFA, "Sofa", 99900)),
    ("catalog", ProductRenamed(SOFA, "Couch")),
    ("catalog", ProductRepriced(SOFA, 79900)),
    ("inventory", InventoryUpdated(SOFA, 5)),
)


@pytest.mark.parametrize("order", list(permutations(range(len(FACTS)))))
def test_what_is_known_of_a_product_does_not_depend_on_the_order_in_which_it_became_known(
    order: tuple[int, ...], open_shop: OpenShop
) -> None:
    shop = open_shop(policy(publish="direct"))
    records = {
        number: Record(source, OPENING + 1 + number % 3, SOFA, 0.0, event)
        for number, (source, event) in enumerate(FACTS)
    }
    for number in order:
        for consumer in ("products", "orders"):
            shop.runtime.tell(consumer, records[number])
    shop.until(lambda: len(shop.handled("products", "inventory") + shop.handled("products", "catalog")) == 4)
    shop.until(lambda: len(shop.handled("orders", "inventory") + shop.handled("orders", "catalog")) == 4)
    assert queries.product(shop.stores["products"], SOFA) == ProductRow(SOFA, "Couch", 79900, 5, 4)
    known = shop.known(SOFA)
    assert known is not None
    assert (known.name, known.price_minor, known.available) == ("Couch", 79900, 5)
    shop.placed(ANN, {SOFA: 5})
