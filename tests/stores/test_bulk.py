"""Many rows at once are written as if they had come one after the other, however many there are."""

import pytest

from actors.messages import InventoryUpdated, OrderLine
from actors.stores.port import Conflict, Insert, NewEvent, Put, Store
from actors.tables import INVENTORY, ORDER_ITEMS, RESERVATIONS, InventoryRow, OrderItemRow, ReservationRow

NUMBERS = [1, 3, 4, 5, 64, 85, 300]


@pytest.mark.parametrize("number", NUMBERS)
def test_rows_of_any_number_stand_in_their_tables_with_each_value_in_its_column(
    store: Store, number: int
) -> None:
    items = [OrderItemRow(n, 1, n + 1, n + 2, n + 3) for n in range(number)]
    held = [ReservationRow(f"{n:04}", (OrderLine(n + 1, 2),), n / 3) for n in range(number)]
    events = [NewEvent(n, n / 7, InventoryUpdated(n, -n)) for n in range(number)]
    changes = [Insert(ORDER_ITEMS, row) for row in items] + [Put(RESERVATIONS, row) for row in held]
    assert store.write(changes, events) == list(range(1, number + 1))
    assert list(store.scan(ORDER_ITEMS)) == items
    assert list(store.scan(RESERVATIONS)) == held
    log = [(one.position, one.key, one.recorded_at, one.event) for one in store.read_log(0, 1_000)]
    assert log == [(n + 1, n, n / 7, InventoryUpdated(n, -n)) for n in range(number)]
    assert store.get_many(ORDER_ITEMS, [(n, 1) for n in reversed(range(number + 1))]) == [None, *items[::-1]]


def test_of_several_rows_put_under_one_key_at_once_the_last_one_stays(store: Store) -> None:
    store.write([Put(INVENTORY, InventoryRow(n % 7, n, 0)) for n in range(100)])
    assert [row.available for row in store.scan(INVENTORY)] == [98, 99, 93, 94, 95, 96, 97]


def test_one_key_inserted_twice_at_once_is_a_conflict_and_nothing_is_written(store: Store) -> None:
    rows = [InventoryRow(n, 0, 0) for n in (1, 2, 3, 4, 2)]
    with pytest.raises(Conflict):
        store.write([Insert(INVENTORY, row) for row in rows], [NewEvent(1, 0.0, InventoryUpdated(1, 0))])
    assert not list(store.scan(INVENTORY))
    assert store.head() == 0


def test_a_number_that_is_whole_may_stand_beside_others_in_a_column_of_fractions(store: Store) -> None:
    rows = [ReservationRow(str(n), (), made_at) for n, made_at in enumerate((0, 0.5, 2))]
    store.write([Put(RESERVATIONS, row) for row in rows])
    assert [row.made_at for row in store.scan(RESERVATIONS)] == [0.0, 0.5, 2.0]
