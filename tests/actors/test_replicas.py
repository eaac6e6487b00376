"""Copies of a read model: each follows by itself; together they may show a reader time going backwards."""

from collections.abc import Callable

from shop import ANN, BOB, EVERYWHERE, LAMP, TABLE, Shop, policy

from actors.messages import RenameProduct
from actors.tables import PRODUCTS, SUMMARIES

OpenShop = Callable[..., Shop]


def shown_by(shop: Shop, replica: str) -> list[int]:
    return [row.order_id for row in shop.stores[replica].scan(SUMMARIES)]


@EVERYWHERE
def test_every_copy_of_a_read_model_comes_to_show_everything(open_shop: OpenShop) -> None:
    shop = open_shop(policy(replicas=3))
    for customer_id in (ANN, BOB, ANN):
        shop.placed(customer_id, {LAMP: 1, TABLE: 1})
    shop.ask("catalog", RenameProduct(LAMP, "Reading lamp"))
    shop.until_followed()
    for replica in ("summary", "summary/2", "summary/3"):
        assert shown_by(shop, replica) == [1, 2, 3]
    views = [list(shop.stores[name].scan(PRODUCTS)) for name in ("products", "products/2", "products/3")]
    assert views[0] == views[1] == views[2]


def test_a_crash_of_the_read_model_ends_all_its_copies_and_all_catch_up(open_shop: OpenShop) -> None:
    shop = open_shop(policy(replicas=2))
    shop.placed(ANN, {LAMP: 1})
    shop.until_followed()
    with shop.down("summary"):
        shop.placed(ANN, {LAMP: 1})
        assert not shop.runtime.is_alive("summary/2")
    shop.until_followed()
    assert shown_by(shop, "summary") == shown_by(shop, "summary/2") == [1, 2]


def test_services_that_decide_have_no_copies(open_shop: OpenShop) -> None:
    shop = open_shop(policy(replicas=2))
    assert set(shop.stores) == {
        *("orders", "carts", "catalog", "inventory"),
        *("products", "products/2", "summary", "summary/2"),
    }
