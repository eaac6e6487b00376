"""What each view makes of its events: the same as its consumer does, without the consumer.

A fold begins with an empty view and takes the events of each log in their order. What a projection decides,
the projection itself is asked; nothing is sent, published or written down on the way.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pykka
from msgspec.structs import replace

from actors.consuming.processor import Effects
from actors.consuming.progress import SEED, checkpoint_position
from actors.messages import InventoryUpdated, OrderPlaced
from actors.policy import ConsumerPolicy
from actors.projections.products import ProductsProjection
from actors.projections.summary import SummaryProjection
from actors.stores.memory import MemoryStore
from actors.stores.port import Put
from actors.tables import INVENTORY, PRODUCTS, InventoryRow
from actors.topology import CONSUMERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.consuming.consumer import Consumer
    from actors.messages import Record
    from actors.policy import Policy
    from actors.runtime.port import Runtime
    from actors.stores.port import Change, Store

C = TypeVar("C", bound="Consumer")


class Fold(Protocol):
    """What a view makes of its events, one after the other, beginning with none."""

    def refresh(self) -> None:
        """Learn what other services say now, before more events come."""
        ...

    def changes(self, record: Record) -> Sequence[Change]:
        """What the event changes in the view."""
        ...


class SummaryFold:
    """What the summary makes of its events, with the names that Products has when it is refreshed."""

    def __init__(
        self, runtime: Runtime, name: str, stores: Mapping[str, Store], policy: Policy, view: Store
    ) -> None:
        self._products = stores["products"]
        self._names = MemoryStore("products", (PRODUCTS,))
        self._looks_up = policy.of("summary").join != "carried"
        self._projection = _beside(
            SummaryProjection, runtime, view, self._names, _plain(policy), CONSUMERS["summary"], own_name=name
        )

    def refresh(self) -> None:
        """See `Fold`."""
        if self._looks_up:
            self._names.write([Put(PRODUCTS, row) for row in self._products.scan(PRODUCTS)])

    def changes(self, record: Record) -> Sequence[Change]:
        """See `Fold`."""
        return self._projection.effects(record).changes


class ProductsFold:
    """What Products makes of its events; what the shop started with makes no version."""

    def __init__(
        self, runtime: Runtime, name: str, stores: Mapping[str, Store], policy: Policy, view: Store
    ) -> None:
        self._projection = _beside(
            ProductsProjection, runtime, view, _plain(policy), CONSUMERS["products"], own_name=name
        )
        self._seeded = {
            source: checkpoint_position(stores[name], SEED, source) for source in CONSUMERS["products"]
        }

    def refresh(self) -> None:
        """See `Fold`."""

    def changes(self, record: Record) -> Sequence[Change]:
        """See `Fold`."""
        effects = self._projection.effects(record)
        if record.position <= self._seeded[record.source]:
            rows = [change.row for change in effects.changes if isinstance(change, Put)]
            effects = Effects([Put(PRODUCTS, replace(row, version=row.version - 1)) for row in rows])
        self._projection.applied(effects)
        return effects.changes


class InventoryFold:
    """The stock as the inventory's own events say it, and how many orders have reached each product.

    It does not decide again: an order of which the inventory has taken no units took none.
    """

    def __init__(
        self, _runtime: Runtime, _name: str, _stores: Mapping[str, Store], _policy: Policy, view: Store
    ) -> None:
        self._view = view

    def refresh(self) -> None:
        """See `Fold`."""

    def changes(self, record: Record) -> Sequence[Change]:
        """See `Fold`."""
        event = record.event
        if type(event) is InventoryUpdated:
            old = self._row(event.product_id)
            return [Put(INVENTORY, InventoryRow(old.product_id, event.available, old.version))]
        if type(event) is OrderPlaced:
            rows = [self._row(line.product_id) for line in event.lines]
            return [
                Put(INVENTORY, InventoryRow(row.product_id, row.available, row.version + 1)) for row in rows
            ]
        return []

    def _row(self, product_id: int) -> InventoryRow:
        return self._view.get(INVENTORY, (product_id,)) or InventoryRow(product_id, 0, 0)


FOLDS: Final[Mapping[str, Callable[[Runtime, str, Mapping[str, Store], Policy, Store], Fold]]] = {
    "summary": SummaryFold,
    "products": ProductsFold,
    "inventory": InventoryFold,
}
"""What makes each view of its events."""


def _beside(projection_class: type[C], *args: Any, **kwargs: Any) -> C:
    """A projection that never runs: it only says what events change."""
    idle: type[C] = type(projection_class.__name__, (projection_class, pykka.ThreadingActor), {})
    return idle(*args, **kwargs)


def _plain(policy: Policy) -> Policy:
    """The policy with nothing in it that concerns the way of events to a projection."""
    plain = ConsumerPolicy(join=policy.of("summary").join)
    return dataclasses.replace(policy, consumer=plain, overrides={})
