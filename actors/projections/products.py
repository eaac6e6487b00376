"""The Products read model: names, prices, availability; for browsing, and to look names up in."""

from collections.abc import Sequence

from actors.consuming.consumer import Consumer
from actors.consuming.positions import Positions
from actors.consuming.processor import Effects
from actors.facts import UNKNOWN_NAME, UNKNOWN_PRICE, told
from actors.messages import InventoryUpdated, ProductAdded, ProductRenamed, ProductRepriced, Record
from actors.policy import Policy
from actors.runtime.port import Runtime
from actors.stores.port import Put, Store
from actors.tables import PRODUCTS, ProductRow

TELLING = frozenset({ProductAdded, ProductRenamed, ProductRepriced, InventoryUpdated})
"""The events that say something of a product."""


class ProductsProjection(Consumer):
    """Follows the catalogue and the inventory."""

    in_memory = ("_rows",)

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        policy: Policy,
        sources: Sequence[str],
        positions: Positions | None = None,
        own_name: str = "products",
    ) -> None:
        super().__init__(
            runtime,
            own_name,
            store,
            policy.of("products"),
            sources,
            subscribes=policy.publish == "outbox",
            positions=positions,
        )
        self._rows: dict[int, ProductRow] = {}

    def on_start(self) -> None:
        """Load the view, whose rows the next events change in part."""
        self.load_view()
        super().on_start()

    def load_view(self) -> None:
        """See `Consumer`."""
        self._rows = {row.product_id: row for row in self._store.scan(PRODUCTS)}

    def effects(self, record: Record) -> Effects:
        """The product's row with what the event says of it."""
        if type(record.event) not in TELLING:
            return Effects(())
        return Effects((Put(PRODUCTS, _after(self._rows.get(record.key), record)),))

    def effects_at_once(self, records: Sequence[Record]) -> Effects:
        """The products' rows with what all events say of them."""
        rows: dict[int, ProductRow] = {}
        for record in records:
            if type(record.event) in TELLING:
                key = record.key
                rows[key] = _after(rows.get(key) or self._rows.get(key), record)
        return Effects([Put(PRODUCTS, row) for row in rows.values()])

    def effects_again(self, record: Record) -> Effects:  # noqa: ARG002  # whatever it says
        """See `Consumer`; the row says already what the event says."""
        return Effects(())

    def applied(self, effects: Effects) -> None:
        """Keep the copy in memory in step with the store."""
        for change in effects.changes:
            assert isinstance(change, Put)
            self._rows[change.row.product_id] = change.row


def _after(row: ProductRow | None, record: Record) -> ProductRow:
    """The product's row with what the event says of it."""
    if row is None:
        row = ProductRow(record.key, UNKNOWN_NAME, UNKNOWN_PRICE, 0, 0)
    known = told(row.name, row.price_minor, row.available, record.event)
    return ProductRow(row.product_id, *known, row.version + 1)
