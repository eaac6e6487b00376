"""A store behind a gate."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from places import OpenGate

from actors.messages import InventoryUpdated
from actors.runtime.gated import GatedStore
from actors.stores.memory import MemoryStore
from actors.stores.port import Change, NewEvent, Put, Store, StoreUnavailable
from actors.tables import ORDERS, TABLES_OF_SERVICE, OrderRow

ROW = OrderRow(1, 1, 0.0, 0, "", 1)


class ShutGate(OpenGate):
    def read(self, store: Store, ask: Callable[[Store], Any]) -> Any:
        self.asked.append("read")
        raise StoreUnavailable("store orders: shut by the test; open the gate")

    def write(self, store: Store, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        self.asked.append("write")
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


def test_an_active_gate_makes_each_call_once_as_a_read_or_a_write() -> None:
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


def test_a_gate_that_remembers_makes_each_write_even_when_it_is_idle() -> None:
    gate = OpenGate()
    gate.active, gate.remembers = False, True
    use(GatedStore(store(), gate))
    assert gate.asked == ["write"]


def test_a_call_that_fails_at_the_gate_does_not_reach_the_store() -> None:
    behind = store()
    with pytest.raises(StoreUnavailable):
        GatedStore(behind, ShutGate()).write([Put(ORDERS, ROW)])
    assert behind.scan(ORDERS) == []


def test_a_gated_store_closes_without_asking_the_gate() -> None:
    gate = ShutGate()
    GatedStore(store(), gate).close()
    assert gate.asked == []
