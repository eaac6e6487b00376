"""The contract of the store port: each law once, for every kind of store."""

from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import ALL_TABLES

from actors.messages import AnyEvent, InventoryUpdated, OrderPlaced, PlacedLine, ProductRenamed, Record
from actors.stores.port import Change, Conflict, Delete, Insert, NewEvent, Put, Store, StoreError
from actors.tables import (
    APPLIED_AHEAD,
    CATALOG,
    CHECKPOINTS,
    ORDER_ITEMS,
    ORDERS,
    SUMMARIES,
    AppliedAheadRow,
    CatalogRow,
    CheckpointRow,
    OrderItemRow,
    OrderRow,
    SummaryItem,
    SummaryRow,
    Table,
)

DURABLE = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
EXAMPLES = {"memory": 150, "gated": 15, "sqlite": 25, "postgresql": 10}


def order(order_id: int, customer_id: int = 1, total_minor: int = 0) -> OrderRow:
    return OrderRow(order_id, customer_id, 0.5, total_minor, "Rue de l'Été 5, 東京 🏠", 1)


def item(order_id: int, line: int) -> OrderItemRow:
    return OrderItemRow(order_id, line, 10 + line, 2, 999)


def stock(product_id: int, available: int = 0) -> NewEvent:
    return NewEvent(product_id, 1.25, InventoryUpdated(product_id, available))


def placed(order_id: int) -> NewEvent:
    return NewEvent(1, 1.25, OrderPlaced(order_id, 1, 0.5, 1998, (PlacedLine(10, 2, 999, "Lampe №1"),)))


def examples(kind: str) -> settings:
    """Few examples where each call goes to a disk; one store serves all examples of a test."""
    return settings(
        max_examples=EXAMPLES[kind],
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


# -- rows --------------------------------------------------------------------------------------------------


def summary_of(name: str, order_id: int = 1, copy: int = 0) -> SummaryRow:
    return SummaryRow(order_id, copy, 1, 0.0, 5, (SummaryItem(name, 1, 7),))


def test_a_store_starts_empty(store: Store) -> None:
    assert store.head() == 0
    assert store.read_log(0, 10) == []
    assert store.get(ORDERS, (1,)) is None
    assert store.get_many(ORDER_ITEMS, [(1, 0), (1, 1)]) == [None, None]
    assert store.page(ORDERS, 1, limit=10) == []
    assert store.pages(ORDERS, [1, 2], limit=10) == [[], []]
    assert store.pages(ORDERS, [], limit=10) == []
    assert store.count(ORDERS, 1) == 0
    assert [row for table in ALL_TABLES for row in store.scan(table)] == []


def test_what_was_written_is_read_by_its_key(store: Store) -> None:
    store.write([Insert(ORDERS, order(1)), Insert(ORDER_ITEMS, item(1, 0)), Put(ORDER_ITEMS, item(1, 1))])
    assert store.get(ORDERS, (1,)) == order(1)
    assert store.get(ORDER_ITEMS, (1, 1)) == item(1, 1)
    assert store.get(ORDER_ITEMS, (0, 1)) is None


def test_many_rows_come_in_the_order_of_their_keys_with_none_for_the_missing(store: Store) -> None:
    store.write([Put(ORDER_ITEMS, item(1, line)) for line in range(3)])
    keys = [(1, 2), (9, 9), (1, 0), (1, 2)]
    assert store.get_many(ORDER_ITEMS, keys) == [item(1, 2), None, item(1, 0), item(1, 2)]
    assert store.get_many(ORDER_ITEMS, []) == []


def test_very_many_keys_are_read_in_one_call(store: Store) -> None:
    store.write([Put(ORDERS, order(n)) for n in range(0, 12_000, 2)])
    found = store.get_many(ORDERS, [(n,) for n in range(12_000)])
    assert [row and row.order_id for row in found] == [n if n % 2 == 0 else None for n in range(12_000)]


def test_put_replaces_the_row_with_its_key(store: Store) -> None:
    store.write([Put(ORDERS, order(1, total_minor=1))])
    store.write([Put(ORDERS, order(1, total_minor=2))])
    assert list(store.scan(ORDERS)) == [order(1, total_minor=2)]


def test_a_put_row_that_is_all_key_stays_as_it_is(store: Store) -> None:
    row = AppliedAheadRow("summary", "orders", 5)
    for _ in range(2):
        store.write([Put(APPLIED_AHEAD, row)])
    assert list(store.scan(APPLIED_AHEAD)) == [row]


def test_delete_removes_the_row_and_ignores_a_missing_one(store: Store) -> None:
    store.write([Put(ORDERS, order(1)), Put(ORDERS, order(2))])
    store.write([Delete(ORDERS, (1,)), Delete(ORDERS, (3,))])
    assert list(store.scan(ORDERS)) == [order(2)]
    assert store.count(ORDERS, 1) == 1


def test_changes_of_one_write_apply_in_their_order(store: Store) -> None:
    store.write(
        [
            Put(ORDERS, order(1, total_minor=1)),
            Put(ORDERS, order(1, total_minor=2)),
            Delete(ORDERS, (1,)),
            Insert(ORDERS, order(1, total_minor=3)),
            Insert(ORDERS, order(2)),
            Delete(ORDERS, (2,)),
        ]
    )
    assert list(store.scan(ORDERS)) == [order(1, total_minor=3)]


def test_a_scan_ascends_by_key_whatever_the_order_of_writing(store: Store) -> None:
    rows = [
        CheckpointRow(consumer, "orders", 1) for consumer in ("b", "é", "B", "a b", "ab", "😀", "Z", "\uffee")
    ]
    store.write([Put(CHECKPOINTS, row) for row in rows])
    assert list(store.scan(CHECKPOINTS)) == sorted(rows, key=lambda row: row.consumer)


def test_any_number_of_long_rows_is_written_at_once(store: Store) -> None:
    rows = [CatalogRow(number, "Lampe" * 50, 1999) for number in range(20_000)]
    store.write([Put(CATALOG, row) for row in rows])
    assert list(store.scan(CATALOG)) == rows


# -- pages -------------------------------------------------------------------------------------------------


def test_a_page_has_the_highest_keys_first_and_goes_on_below_its_last(store: Store) -> None:
    ids = [5, 1, 4, 9, 2]
    store.write([Put(ORDERS, order(n)) for n in ids] + [Put(ORDERS, order(7, customer_id=2))])
    first = store.page(ORDERS, 1, limit=2)
    rest = store.page(ORDERS, 1, limit=9, before=(first[-1].order_id,))
    assert [row.order_id for row in first + rest] == [9, 5, 4, 2, 1]
    assert store.page(ORDERS, 1, limit=9, before=(1,)) == []
    assert store.page(ORDERS, 1, limit=0) == []
    assert [row.order_id for row in store.page(ORDERS, 1, limit=2, before=(8,))] == [5, 4]


def test_a_page_of_a_table_with_two_key_columns_compares_the_whole_key(store: Store) -> None:
    rows = [summary_of("Lampe", order_id, copy) for order_id in (1, 2) for copy in (0, 1)]
    store.write([Put(SUMMARIES, row) for row in rows])
    assert store.page(SUMMARIES, 1, limit=3) == rows[:0:-1]
    assert store.page(SUMMARIES, 1, limit=3, before=(2, 0)) == [rows[1], rows[0]]
    assert store.page(SUMMARIES, 1, limit=3, before=(2, 1)) == [rows[2], rows[1], rows[0]]


def test_rows_that_repeat_an_order_count_once(store: Store) -> None:
    keys = [(1, 7), (1, 9), (2, 0), (2, 3)]
    store.write([Put(SUMMARIES, SummaryRow(number, copy, 1, 0.0, 5, ())) for number, copy in keys])
    assert (store.count(SUMMARIES, 1), len(store.page(SUMMARIES, 1, limit=9))) == (2, 4)


def test_a_row_whose_index_value_changes_moves_to_the_other_page(store: Store) -> None:
    store.write([Put(ORDERS, order(n, customer_id=1)) for n in (1, 2, 3)])
    store.write([Put(ORDERS, order(2, customer_id=2))])
    assert [row.order_id for row in store.page(ORDERS, 1, limit=9)] == [3, 1]
    assert [row.order_id for row in store.page(ORDERS, 2, limit=9)] == [2]
    assert (store.count(ORDERS, 1), store.count(ORDERS, 2), store.count(ORDERS, 3)) == (2, 1, 0)


# -- the log -----------------------------------------------------------------------------------------------


def test_positions_count_from_one_without_gaps(store: Store) -> None:
    assert store.write([], [stock(1), stock(2)]) == [1, 2]
    assert store.write([Put(ORDERS, order(1))]) == []
    assert store.write([Put(ORDERS, order(2))], [placed(2)]) == [3]
    assert store.write([]) == []
    assert store.head() == 3


def test_the_log_is_read_in_order_after_a_position(store: Store) -> None:
    events = [stock(n) for n in range(1, 6)]
    store.write([], events[:2])
    store.write([], events[2:])
    records = [Record("lab", n, new.key, new.recorded_at, new.event) for n, new in enumerate(events, 1)]
    assert store.read_log(0, 100) == records
    assert store.read_log(1, 2) == records[1:3]
    assert store.read_log(5, 10) == []
    assert store.read_log(0, 0) == []


# -- all or nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 3, 5], ids=["conflict at once", "in the middle", "at the end"])
def test_a_conflict_changes_nothing(store: Store, first: int) -> None:
    before = [order(1, customer_id=1), order(2, customer_id=1), order(3, customer_id=2)]
    store.write([Put(ORDERS, row) for row in before], [stock(1)])
    changes: list[Change] = [
        Put(ORDERS, order(1, customer_id=3)),
        Delete(ORDERS, (2,)),
        Insert(ORDERS, order(2, customer_id=4)),
        Insert(ORDERS, order(9)),
        Delete(ORDERS, (9,)),
    ]
    changes.insert(first, Insert(ORDERS, order(3)))
    with pytest.raises(Conflict) as caught:
        store.write([Put(CATALOG, CatalogRow(1, "Lampe", 5)), *changes], [stock(2)])
    assert "lab" in str(caught.value)
    assert "orders" in str(caught.value)
    assert list(store.scan(ORDERS)) == before
    assert list(store.scan(CATALOG)) == []
    assert [store.count(ORDERS, customer) for customer in (1, 2, 3, 4)] == [2, 1, 0, 0]
    assert store.page(ORDERS, 1, limit=9) == [before[1], before[0]]
    assert store.head() == 1
    assert store.write([], [stock(3)]) == [2]


def test_inserting_a_key_twice_in_one_write_is_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict):
        store.write([Insert(ORDERS, order(1)), Insert(ORDERS, order(1))], [stock(1)])
    with pytest.raises(Conflict):
        store.write([Put(ORDERS, order(1)), Insert(ORDERS, order(1))], [stock(1)])
    assert list(store.scan(ORDERS)) == []
    assert store.head() == 0


@DURABLE
@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ([Put(ORDERS, order(2)), Put(ORDERS, order(2**70))], []),
        ([Put(ORDERS, order(2))], [stock(1), NewEvent(2**70, 0.0, InventoryUpdated(1, 1))]),
        ([Put(ORDERS, order(2)), Put(CATALOG, CatalogRow(1, "\ud800", 5))], [stock(1)]),
        ([Put(ORDERS, order(2)), Put(SUMMARIES, summary_of("\ud800"))], [stock(1)]),
        ([Put(ORDERS, order(2))], [stock(1), NewEvent(1, 0.0, ProductRenamed(1, "\ud800"))]),
        ([Put(ORDERS, order(2)), Put(CATALOG, CatalogRow(1, None, 5))], [stock(1)]),  # type: ignore[arg-type]
    ],
    ids=[
        *("integer too large", "log key too large", "text that is none"),
        *("text within JSON that is none", "text in an event that is none", "no value"),
    ],
)
def test_a_value_that_no_column_holds_is_refused_and_changes_nothing(
    store: Store, changes: list[Change], events: list[NewEvent]
) -> None:
    store.write([Put(ORDERS, order(1))], [stock(1)])
    with pytest.raises(StoreError) as caught:
        store.write(changes, events)
    assert not isinstance(caught.value, Conflict)
    assert list(store.scan(ORDERS)) == [order(1)]
    assert list(store.scan(CATALOG)) == []
    assert store.write([], [stock(2)]) == [2]


# -- opening again -----------------------------------------------------------------------------------------


@DURABLE
def test_what_was_written_is_there_when_the_place_is_opened_again(open_store: Callable[[], Store]) -> None:
    first = open_store()
    first.write([Insert(ORDERS, order(1))], [placed(1)])
    first.close()
    again = open_store()
    assert again.get(ORDERS, (1,)) == order(1)
    assert again.read_log(0, 9) == [Record("lab", 1, 1, 1.25, placed(1).event)]
    assert again.write([Insert(ORDERS, order(2))], [placed(2)]) == [2]


@DURABLE
def test_two_stores_on_one_place_see_each_other_at_once(open_store: Callable[[], Store]) -> None:
    one, other = open_store(), open_store()
    assert one.write([Put(ORDERS, order(1))], [placed(1)]) == [1]
    assert other.get(ORDERS, (1,)) == order(1)
    assert other.write([Put(ORDERS, order(2))], [placed(2)]) == [2]
    assert one.head() == 2


def test_a_store_is_named_after_its_service(store: Store) -> None:
    assert store.name == "lab"


# -- what is stored is what is read ------------------------------------------------------------------------


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Every value that a field of a row or an event may have."""
    if annotation is int:
        return st.integers(-(2**63), 2**63 - 1)
    if annotation is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if annotation is str:
        return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    if annotation is type(None):
        return st.none()
    if get_origin(annotation) is UnionType:
        return st.one_of(*map(values_of, get_args(annotation)))
    if get_origin(annotation) is tuple:
        return st.lists(values_of(get_args(annotation)[0]), max_size=3).map(tuple)
    return st.builds(
        annotation, **{name: values_of(kind) for name, kind in get_type_hints(annotation).items()}
    )


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_row_comes_back_as_it_was(store: Store, kind: str, table: Table[Any]) -> None:
    @examples(kind)
    @given(values_of(table.row))
    def law(row: Any) -> None:
        key = tuple(getattr(row, name) for name in table.key)
        store.write([Put(table, row)])
        assert store.get(table, key) == row

    law()


def test_every_event_comes_back_as_it_was(store: Store, kind: str) -> None:
    @examples(kind)
    @given(st.lists(values_of(AnyEvent), min_size=1, max_size=5), values_of(int), values_of(float))
    def law(events: list[AnyEvent], key: int, recorded_at: float) -> None:
        after = store.head()
        positions = store.write([], [NewEvent(key, recorded_at, event) for event in events])
        assert positions == list(range(after + 1, after + len(events) + 1))
        assert store.read_log(after, 9) == [
            Record("lab", position, key, recorded_at, event)
            for position, event in zip(positions, events, strict=True)
        ]

    law()


# -- the model ---------------------------------------------------------------------------------------------

SMALL = st.integers(0, 4)
MODELLED: tuple[Table[Any], ...] = (ORDERS, SUMMARIES, APPLIED_AHEAD)
ROWS = {
    ORDERS: st.builds(OrderRow, SMALL, SMALL, st.just(0.0), SMALL, st.just(""), SMALL),
    SUMMARIES: st.builds(SummaryRow, SMALL, SMALL, SMALL, st.just(0.0), SMALL, st.just(())),
    APPLIED_AHEAD: st.builds(AppliedAheadRow, st.just("summary"), st.sampled_from(["a", "B"]), SMALL),
}


def key_of(table: Table[Any], row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in table.key)


@st.composite
def changes_of_some_table(draw: st.DrawFn) -> Change:
    table = draw(st.sampled_from(MODELLED))
    row = draw(ROWS[table])
    kind = draw(st.sampled_from([Put, Insert, Delete]))
    return Delete(table, key_of(table, row)) if kind is Delete else kind(table, row)


class Model:
    """The port's contract, in the fewest words."""

    def __init__(self) -> None:
        self.rows: dict[Table[Any], dict[tuple[Any, ...], Any]] = {table: {} for table in MODELLED}
        self.log: list[AnyEvent] = []

    def write(self, changes: Sequence[Change], events: Sequence[NewEvent]) -> bool:
        rows = {table: dict(of_table) for table, of_table in self.rows.items()}
        for change in changes:
            of_table = rows[change.table]
            if isinstance(change, Delete):
                of_table.pop(change.key, None)
                continue
            key = key_of(change.table, change.row)
            if isinstance(change, Insert) and key in of_table:
                return False
            of_table[key] = change.row
        self.rows = rows
        self.log += [new.event for new in events]
        return True


def test_a_store_agrees_with_a_plain_dict_after_any_writes(store: Store, kind: str) -> None:
    @examples(kind)
    @given(
        st.lists(st.tuples(st.lists(changes_of_some_table(), max_size=6), SMALL), max_size=8),
        SMALL,
        SMALL,
        SMALL,
    )
    def law(writes: list[tuple[list[Change], int]], limit: int, below: int, below_copy: int) -> None:
        for table in MODELLED:
            store.write([Delete(table, key_of(table, row)) for row in store.scan(table)])
        start = store.head()
        model = Model()
        before = {ORDERS: (below,), SUMMARIES: (below, below_copy)}
        for changes, size in writes:
            events = [stock(n, available=len(changes)) for n in range(size)]
            head = store.head()
            if model.write(changes, events):
                assert store.write(changes, events) == list(range(head + 1, head + 1 + size))
            else:
                with pytest.raises(Conflict):
                    store.write(changes, events)
            for table in MODELLED:
                expected = sorted(model.rows[table].items())
                assert list(store.scan(table)) == [row for _, row in expected]
        assert [record.event for record in store.read_log(start, 1_000)] == model.log
        assert store.head() == start + len(model.log)
        for table, bound in before.items():
            keys = [(n, m)[: len(table.key)] for n in range(5) for m in range(5)]
            assert store.get_many(table, keys) == [model.rows[table].get(key) for key in keys]
            assert [store.get(table, key) for key in keys[:3]] == [
                model.rows[table].get(key) for key in keys[:3]
            ]
            customers = [3, 0, 4, 1, 2]
            assert store.pages(table, customers, limit=limit) == [
                store.page(table, customer, limit=limit) for customer in customers
            ]
            for customer in customers:
                expected = sorted(
                    ((key, row) for key, row in model.rows[table].items() if row.customer_id == customer),
                    reverse=True,
                )
                known = {key[:1] for key, _ in expected}  # a summary may be repeated
                assert store.count(table, customer) == len(known)
                assert store.page(table, customer, limit=limit) == [row for _, row in expected][:limit]
                assert (
                    store.page(table, customer, limit=limit, before=bound)
                    == [row for key, row in expected if key < bound][:limit]
                )

    law()
