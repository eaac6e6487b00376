"""Opening all stores by URL, and what is said when that fails."""

from pathlib import Path

import pytest
from postgres_server import PostgresServer
from sqlalchemy import inspect

from actors.messages import InventoryUpdated
from actors.stores.opening import BadStoreUrl, close_all, open_stores
from actors.stores.port import Conflict, NewEvent, Put, StoreError, StoreFull, StoreUnavailable
from actors.stores.sql import SqlStore
from actors.tables import CHECKPOINTS, ORDERS, TABLES_OF_SERVICE, CheckpointRow, OrderRow

CHECKPOINT = CheckpointRow("summary", "orders", 5)
EVERYWHERE = pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])


@EVERYWHERE
def test_every_service_has_a_store_with_its_tables(url: str) -> None:
    stores = open_stores(url)
    assert stores.keys() == TABLES_OF_SERVICE.keys()
    for name, store in stores.items():
        assert store.name == name
        assert [row for table in TABLES_OF_SERVICE[name] for row in store.scan(table)] == []
    close_all(stores)


@EVERYWHERE
def test_services_share_neither_rows_nor_log(url: str) -> None:
    stores = open_stores(url)
    stores["summary"].write([Put(CHECKPOINTS, CHECKPOINT)], [NewEvent(1, 0.0, InventoryUpdated(1, 1))])
    assert list(stores["summary"].scan(CHECKPOINTS)) == [CHECKPOINT]
    for name in ("orders", "inventory", "products"):
        assert list(stores[name].scan(CHECKPOINTS)) == []
        assert stores[name].head() == 0
    close_all(stores)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_stores_opened_again_hold_what_was_written(url: str) -> None:
    for _ in range(2):
        stores = open_stores(url)
        stores["summary"].write([Put(CHECKPOINTS, CHECKPOINT)], [NewEvent(1, 0.0, InventoryUpdated(1, 1))])
        close_all(stores)
    again = open_stores(url)
    assert again["summary"].get(CHECKPOINTS, ("summary", "orders")) == CHECKPOINT
    assert again["summary"].head() == 2
    close_all(again)


def test_sqlite_has_a_file_for_each_service_in_a_folder_that_is_made(tmp_path: Path) -> None:
    close_all(open_stores(f"sqlite:///{tmp_path}/deep/er"))
    files = {path.name for path in (tmp_path / "deep/er").iterdir()}
    assert files == {f"{name}.sqlite" for name in TABLES_OF_SERVICE}


def test_a_sqlite_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    close_all(open_stores("sqlite:///here"))
    assert (tmp_path / "here/orders.sqlite").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "orders.sqlite",
        "memory://orders",
        "sqlite://",
        "sqlite:///",
        "sqlite://folder",
        "mysql://user:hidden@host/database",
        "postgres://user:hidden@host/database",
        "postgresql+psycopg2://user:hidden@host/database",
        "postgresql://user:hidden@host:port/database",
        "postgresql://user:to@hidden@host/database",
    ],
)
def test_a_url_that_names_no_stores_is_refused_with_the_cure_and_without_the_password(url: str) -> None:
    with pytest.raises(BadStoreUrl, match="write") as caught:
        open_stores(url)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unreachable_server_is_unavailable_and_the_message_has_no_password() -> None:
    with pytest.raises(StoreUnavailable, match=r"store orders: opening failed.*try again") as caught:
        open_stores("postgresql://user:hidden@127.0.0.1:1/database?connect_timeout=2")
    assert "hidden" not in str(caught.value)
    assert "hidden" not in str(caught.value.__cause__)


def test_a_missing_database_is_named(postgres: PostgresServer) -> None:
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist'):
        open_stores(postgres.url("nowhere"))


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="choose another folder"):
        open_stores(f"sqlite:///{tmp_path}/file/stores")


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "carts.sqlite").mkdir()
    with pytest.raises(StoreUnavailable, match="store carts: opening failed"):
        open_stores(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_text("not a database, " * 1_000)
    with pytest.raises(StoreError, match=r"store catalog: .* no intact database"):
        open_stores(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("error", [StoreError, StoreUnavailable, StoreFull, Conflict, BadStoreUrl])
def test_a_store_error_can_be_made_again_from_its_arguments(error: type[StoreError]) -> None:
    first = error("store orders: it failed; try again")
    again = type(first)(*first.args)
    assert (type(again), str(again)) == (error, str(first))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_nobody_asks_by_its_index_has_none_and_gets_it_when_somebody_does(url: str) -> None:
    row = OrderRow(1, 7, 0.0, 100, "12 Elm Street", 1)
    for unasked in ((), (ORDERS,), ()):
        stores = open_stores(url, unasked=unasked)
        store = stores["orders"]
        assert isinstance(store, SqlStore)
        store.write([Put(ORDERS, row)])
        with store._engine.connect() as connection:
            known = inspect(connection).get_indexes("orders", schema=None if "sqlite" in url else "orders")
        assert [index["name"] for index in known] == ([] if unasked else ["orders_by_customer_id"])
        if not unasked:
            assert (store.page(ORDERS, 7, limit=2), store.count(ORDERS, 7)) == ([row], 1)
        close_all(stores)


def test_what_was_not_to_be_asked_by_its_index_does_not_answer_wrongly() -> None:
    store = open_stores("memory://", unasked=(ORDERS,))["orders"]
    store.write([Put(ORDERS, OrderRow(1, 7, 0.0, 100, "12 Elm Street", 1))])
    for ask in (lambda: store.page(ORDERS, 7, limit=2), lambda: store.count(ORDERS, 7)):
        with pytest.raises(AssertionError, match="was not to be asked by customer_id"):
            ask()
