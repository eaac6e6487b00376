"""The Products read model: names, prices, availability; for browsing, and to look names up in."""

from collections.abc import Sequence

from actors.consumer import Consumer, Effects, NotYet
from actors.messages import InventoryUpdated, ProductAdded, ProductRenamed, ProductRepriced, Record
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import Put, Store
from actors.tables import PRODUCTS, ProductRow


class ProductsProjection(Consumer):
    """Follows the catalogue and the inventory."""

    def __init__(self, runtime: Runtime, store: Store, policy: Policy, sources: Sequence[str]) -> None:
        super().__init__(
            runtime,
            "products",
            store,
            policy.of("products"),
            sources,
            subscribes=policy.publish == "outbox",
        )
        self._rows: dict[int, ProductRow] = {}

    def on_start(self) -> None:
        """Load the view, whose rows the next events change in part."""
        self._rows = {row.product_id: row for row in self._store.scan(PRODUCTS)}
        super().on_start()

    def effects(self, record: Record) -> Effects:
        """The product's row with what the event says of it.

        Raises:
            NotYet: the product has not been added yet; its logs are two, so that may come later.

        """
        event = record.event
        if isinstance(event, ProductAdded):
            row = ProductRow(event.product_id, event.name, event.price_minor, 0, 1)
            return Effects((Put(PRODUCTS, row),))
        old = self._rows.get(record.key)
        if old is None:
            raise NotYet(f"product {record.key} is not in the Products view yet")
        name, price_minor, available = old.name, old.price_minor, old.available
        match event:
            case ProductRenamed():
                name = event.name
            case ProductRepriced():
                price_minor = event.price_minor
            case InventoryUpdated():
                available = event.available
        row = ProductRow(old.product_id, name, price_minor, available, old.version + 1)
        return Effects((Put(PRODUCTS, row),))

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            self._rows[change.row.product_id] = change.row
