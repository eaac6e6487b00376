"""The wiring: how a system is filled with what it starts with, and started.

To add a projection: write its actor, give its tables a line in `actors.tables`, and add a line to
`actors.topology.CONSUMERS` and to `start`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pykka

from actors.carts import CartActor
from actors.catalog import CatalogActor
from actors.inventory import InventoryActor
from actors.messages import (
    AddProduct,
    AddToCart,
    AdjustStock,
    CheckOut,
    InventoryUpdated,
    PlaceOrder,
    ProductAdded,
    Record,
    RemoveFromCart,
    RenameProduct,
    RepriceProduct,
)
from actors.orders import OrderActor
from actors.policy import Policy
from actors.products import ProductsProjection
from actors.progress import checkpoint_change
from actors.relay import Relay
from actors.runtime import Runtime
from actors.stores.port import Change, NewEvent, Put, Store
from actors.summary import SummaryProjection
from actors.tables import (
    CATALOG,
    INVENTORY,
    KNOWN_PRODUCTS,
    PRODUCTS,
    CatalogRow,
    InventoryRow,
    KnownProductRow,
    ProductRow,
)
from actors.topology import SOURCES, consumers, followers

WORKS: dict[str, tuple[type, ...]] = {
    "orders": (PlaceOrder,),
    "carts": (AddToCart, RemoveFromCart, CheckOut),
    "catalog": (AddProduct, RenameProduct, RepriceProduct),
    "inventory": (Record, AdjustStock),
    "products": (Record,),
    "summary": (Record,),
    "relay": (),  # it charges itself, once per event
}
"""Which messages take a node's service time; all others take none."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the shop starts with: products 1 to n, each with a name, a price and a stock."""

    names: tuple[str, ...]
    prices_minor: tuple[int, ...]
    stock: int


def seed(stores: Mapping[str, Store], catalogue: Catalogue, now: float = 0.0) -> None:
    """Fill empty stores as if every product had been added and counted, and every view had followed."""
    rows = list(enumerate(zip(catalogue.names, catalogue.prices_minor, strict=True), 1))
    units = catalogue.stock
    stores["catalog"].write(
        [Put(CATALOG, CatalogRow(number, name, price)) for number, (name, price) in rows],
        [NewEvent(number, now, ProductAdded(number, name, price)) for number, (name, price) in rows],
    )
    stores["inventory"].write(
        [Put(INVENTORY, InventoryRow(number, units, 0)) for number, _ in rows],
        [NewEvent(number, now, InventoryUpdated(number, units)) for number, _ in rows],
    )
    products: list[Change] = [
        Put(PRODUCTS, ProductRow(number, name, price, units, 0)) for number, (name, price) in rows
    ]
    known: list[Change] = [
        Put(KNOWN_PRODUCTS, KnownProductRow(number, name, price, units)) for number, (name, price) in rows
    ]
    for service, changes in (("products", products), ("orders", known)):
        for source in ("catalog", "inventory"):
            changes.append(checkpoint_change(service, source, len(rows)))
        stores[service].write(changes)


def start(runtime: Runtime, stores: Mapping[str, Store], policy: Policy) -> None:
    """Start every actor of the system on the runtime; they find in the stores where they were."""
    follows = consumers(policy)

    if policy.publish == "outbox":
        for source in SOURCES:
            runtime.start(
                Relay,
                runtime,
                source,
                stores[source],
                policy,
                followers(policy, source),
                name=f"relay/{source}",
                node="relay",
                works=WORKS["relay"],
                restart=policy.consumer.restart,
            )

    def begin(actor_class: type[pykka.Actor], name: str, *args: object) -> None:
        restart = policy.of(name).restart
        runtime.start(actor_class, runtime, *args, name=name, works=WORKS[name], restart=restart)

    orders, catalog, inventory = (followers(policy, source) for source in SOURCES)
    begin(OrderActor, "orders", stores["orders"], policy, orders, follows["orders"])
    begin(CartActor, "carts", stores["carts"])
    begin(CatalogActor, "catalog", stores["catalog"], policy, catalog)
    begin(InventoryActor, "inventory", stores["inventory"], policy, inventory, follows["inventory"])
    begin(ProductsProjection, "products", stores["products"], policy, follows["products"])
    begin(SummaryProjection, "summary", stores["summary"], stores["products"], policy, follows["summary"])
