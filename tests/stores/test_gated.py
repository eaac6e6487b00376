"""The gate before a store."""

import pytest
from places import OpenGate

from actors.messages import InventoryUpdated
from actors.stores.gated import GatedStore
from actors.stores.memory import MemoryStore
from actors.stores.port import NewEvent, Put, StoreUnavailable
from actors.tables import ORDERS, TABLES_OF_SERVICE, OrderRow

ROW = OrderRow(1, 1, 0.0, 0, "")


class ShutGate(OpenGate):
    def enter(self, operation: str) -> None:
        super().enter(operation)
        raise StoreUnavailable("store orders: shut by the test; open the gate")


def store() -> MemoryStore:
    return MemoryStore("orders", TABLES_OF_SERVICE["orders"])


def use(gated: GatedStore) -> None:
    gated.write([Put(ORDERS, ROW)], [NewEvent(1, 0.0, InventoryUpdated(1, 1))])
    gated.get(ORDERS, (1,))
    gated.get_many(ORDERS, [(1,), (2,)])
    gated.page(ORDERS, 1, limit=1)
    gated.count(ORDERS, 1)
    gated.scan(ORDERS)
    gated.read_log(0, 1)
    gated.head()


def test_each_call_passes_an_active_gate_once_as_a_read_or_a_write() -> None:
    gate = OpenGate()
    use(GatedStore(store(), gate))
    assert gate.asked == ["write", *["read"] * 7]


def test_an_idle_gate_is_not_asked() -> None:
    gate = ShutGate()
    gate.active = False
    gated = GatedStore(store(), gate)
    use(gated)
    assert gated.get(ORDERS, (1,)) == ROW
    assert gate.asked == []


def test_a_call_that_fails_at_the_gate_does_not_reach_the_store() -> None:
    behind = store()
    with pytest.raises(StoreUnavailable):
        GatedStore(behind, ShutGate()).write([Put(ORDERS, ROW)])
    assert behind.scan(ORDERS) == []


def test_a_gated_store_closes_without_asking_the_gate() -> None:
    gate = ShutGate()
    GatedStore(store(), gate).close()
    assert gate.asked == []
