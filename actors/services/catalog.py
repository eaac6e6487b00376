"""The catalogue's command side: add, rename, reprice products; publishes what it did."""

from collections.abc import Sequence
from typing import Any

import pykka

from actors.messages import (
    Accepted,
    AddProduct,
    ProductAdded,
    ProductRenamed,
    ProductRepriced,
    Rejected,
    RenameProduct,
    RepriceProduct,
)
from actors.policy import Policy
from actors.publishing.outbox import Outbox
from actors.runtime.port import Runtime
from actors.stores.port import NewEvent, Put, Store
from actors.tables import CATALOG, CatalogRow

NAME_LENGTH_MAX = 200
PRICE_MINOR_MAX = 10**12


class CatalogActor(pykka.Actor):
    """Owns the products' names and prices."""

    def __init__(self, runtime: Runtime, store: Store, policy: Policy, consumers: Sequence[str]) -> None:
        super().__init__()
        self._runtime = runtime
        self._store = store
        self._outbox = Outbox(runtime, "catalog", store, policy, consumers)
        self._products: dict[int, CatalogRow] = {}

    def on_start(self) -> None:
        """Load the catalogue, and make sure that committed changes are on their way."""
        self._products = {row.product_id: row for row in self._store.scan(CATALOG)}
        self._outbox.announce()

    def on_receive(self, message: Any) -> Any:
        """Change one product."""
        match message:
            case AddProduct():
                product_id = max(self._products, default=0) + 1
                row = CatalogRow(product_id, message.name, message.price_minor)
                event: ProductAdded | ProductRenamed | ProductRepriced
                event = ProductAdded(product_id, message.name, message.price_minor)
            case RenameProduct() | RepriceProduct():
                old = self._products.get(message.product_id)
                if old is None:
                    return Rejected("unknown product", f"product {message.product_id}", message.product_id)
                if isinstance(message, RenameProduct):
                    row = CatalogRow(old.product_id, message.name, old.price_minor)
                    event = ProductRenamed(old.product_id, message.name)
                else:
                    row = CatalogRow(old.product_id, old.name, message.price_minor)
                    event = ProductRepriced(old.product_id, message.price_minor)
            case _:
                return super().on_receive(message)
        if not 1 <= len(row.name) <= NAME_LENGTH_MAX:
            return Rejected(
                "impossible name", f"{len(row.name)} characters; 1 to {NAME_LENGTH_MAX} are possible"
            )
        if not 0 <= row.price_minor <= PRICE_MINOR_MAX:
            return Rejected(
                "impossible price", f"{row.price_minor} cents; 0 to {PRICE_MINOR_MAX} is possible"
            )
        new = NewEvent(row.product_id, self._runtime.clock("catalog"), event)
        positions = self._outbox.commit([Put(CATALOG, row)], [new])
        self._products[row.product_id] = row
        return Accepted(row.product_id, positions[0])
