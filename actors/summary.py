"""The order read model, `CustomerOrderSummary`: each order as its customer sees it, with product names.

The names stand in another service's read model. That is the joint at which this system breaks: the order is
accepted and its event delivered, but without Products the row cannot be written.
"""

from collections.abc import Sequence

from actors.consumer import Consumer, Effects, NotYet
from actors.facts import UNKNOWN_NAME
from actors.messages import OrderPlaced, Record
from actors.policy import Policy
from actors.runtime import Runtime
from actors.stores.port import Put, Store
from actors.tables import PRODUCTS, SUMMARIES, SummaryItem, SummaryRow


class SummaryProjection(Consumer):
    """Follows the orders; looks names up in the Products store unless the events carry them."""

    def __init__(
        self, runtime: Runtime, store: Store, products: Store, policy: Policy, sources: Sequence[str]
    ) -> None:
        super().__init__(
            runtime,
            "summary",
            store,
            policy.of("summary"),
            sources,
            subscribes=policy.publish == "outbox",
        )
        self._products = products
        self._carried = policy.of("summary").join == "carried"
        self._copy_number = None if policy.of("summary").idempotent else runtime.random("copies/summary")

    def effects(self, record: Record) -> Effects:
        """The order's row.

        Raises:
            NotYet: Products does not have the name of a product of the order.
            StoreError: Products cannot answer.

        """
        event = record.event
        if type(event) is not OrderPlaced:
            return Effects(())
        if self._carried:
            names = [line.name or str(line.product_id) for line in event.lines]
        else:
            names = self._look_up([line.product_id for line in event.lines])
        items = tuple(SummaryItem(name, line.quantity) for name, line in zip(names, event.lines, strict=True))
        # Without idempotence each handling adds a row of its own, whatever is there already.
        copy = 0 if self._copy_number is None else 1 + int(self._copy_number() * 2**52)
        row = SummaryRow(event.order_id, copy, event.customer_id, event.placed_at, event.total_minor, items)
        return Effects((Put(SUMMARIES, row),))

    def _look_up(self, product_ids: list[int]) -> list[str]:
        rows = self._products.get_many(PRODUCTS, [(product_id,) for product_id in product_ids])
        names = []
        for product_id, row in zip(product_ids, rows, strict=True):
            if row is None or row.name == UNKNOWN_NAME:
                raise NotYet(f"product {product_id} is not in the Products view yet")
            names.append(row.name)
        return names
