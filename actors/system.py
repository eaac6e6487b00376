"""The wiring: how a system is filled with what it starts with, and started.

To add a projection: write its actor, give its tables a line in `actors.tables`, and add a line to
`actors.topology.CONSUMERS` and to `start`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pykka

from actors.consuming.positions import Positions
from actors.consuming.progress import SEED, checkpoint_change
from actors.messages import (
    AddProduct,
    AddToCart,
    AdjustStock,
    CheckOut,
    InventoryUpdated,
    PlaceOrder,
    ProductAdded,
    PutInCart,
    Record,
    RemoveFromCart,
    RenameProduct,
    RepriceProduct,
    Reserve,
)
from actors.policy import Policy
from actors.projections.products import ProductsProjection
from actors.projections.summary import SummaryProjection
from actors.publishing.relay import Relay
from actors.runtime.port import Runtime
from actors.services.carts import CartActor
from actors.services.catalog import CatalogActor
from actors.services.inventory import InventoryActor
from actors.services.orders import OrderActor
from actors.stores.port import Change, NewEvent, Put, Store
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
from actors.topology import SOURCES, consumers, followers, node_of, replicas

WORKS: dict[str, tuple[type, ...]] = {
    "orders": (PlaceOrder,),
    "carts": (AddToCart, PutInCart, RemoveFromCart, CheckOut),
    "catalog": (AddProduct, RenameProduct, RepriceProduct),
    "inventory": (Record, AdjustStock, Reserve),
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
    for name, store in stores.items():
        kept = {"products": products, "orders": known}.get(node_of(name))
        if kept is not None:
            progress = [
                checkpoint_change(whose, source, len(rows))
                for source in ("catalog", "inventory")
                for whose in (SEED, name)
            ]
            store.write([*kept, *progress])


def start(
    runtime: Runtime, stores: Mapping[str, Store], policy: Policy, positions: Positions | None = None
) -> None:
    """Start every actor of the system on the runtime; they find in the stores where they were.

    `stores` are those that `actors.topology.stores` names; `positions` hear how far the read models are.
    """
    follows = consumers(policy)
    positions = positions or Positions()

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

    def begin(actor_class: type[pykka.Actor], name: str, *args: Any, **kwargs: Any) -> None:
        node = node_of(name)
        rules = policy.of(node)
        # With lanes it is they that spend the time that an event takes; who claims it first spends it then.
        elsewhere = rules.partitions > 1 or rules.checkpoint == "before"
        works = tuple(kind for kind in WORKS[node] if kind is not Record or not elsewhere)
        runtime.start(
            actor_class,
            runtime,
            *args,
            name=name,
            node=node,
            works=works,
            restart=rules.restart,
            inbox=rules.inbox,
            overflow=rules.overflow,
            **kwargs,
        )

    orders, catalog, inventory = (followers(policy, source) for source in SOURCES)
    begin(OrderActor, "orders", stores["orders"], policy, orders, follows["orders"])
    begin(CartActor, "carts", stores["carts"])
    begin(CatalogActor, "catalog", stores["catalog"], policy, catalog)
    begin(InventoryActor, "inventory", stores["inventory"], policy, inventory, follows["inventory"])
    for name in replicas(policy, "products"):
        begin(ProductsProjection, name, stores[name], policy, follows[name], positions, own_name=name)
    for name in replicas(policy, "summary"):
        args = (stores[name], stores["products"], policy, follows[name], positions)
        begin(SummaryProjection, name, *args, own_name=name)
