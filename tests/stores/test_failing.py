"""How a store fails: with which error, changing nothing, and usable afterwards."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import PostgresServer
from sqlalchemy import event, make_url

from actors.messages import InventoryUpdated
from actors.stores.engines import postgresql_engine, sqlite_engine
from actors.stores.port import NewEvent, Put, StoreFull, StoreUnavailable
from actors.stores.sql import SqlStore
from actors.tables import CATALOG, TABLES_OF_SERVICE, CatalogRow

TABLES = TABLES_OF_SERVICE["catalog"]
EVENT = NewEvent(1, 0.0, InventoryUpdated(1, 1))


def assert_full_and_still_readable(store: SqlStore) -> None:
    large = CatalogRow(2, "x" * 1_000_000, 0)
    with pytest.raises(StoreFull, match=r"store catalog: writing failed.*free some disk space"):
        store.write([Put(CATALOG, large)], [EVENT])
    assert store.scan(CATALOG) == [CatalogRow(1, "Lampe", 5)]
    assert store.head() == 1


def test_a_sqlite_file_without_room_is_full_and_still_readable(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "catalog.sqlite")

    @event.listens_for(engine, "connect")
    def leave_little_room(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    store = SqlStore("catalog", TABLES, engine)
    store.write([Put(CATALOG, CatalogRow(1, "Lampe", 5))], [EVENT])
    assert_full_and_still_readable(store)
    assert store.write([], [EVENT]) == [2]
    store.close()


def test_a_postgresql_server_without_room_is_full_and_still_readable(postgres: PostgresServer) -> None:
    url = postgres.fresh_database()
    store = SqlStore("catalog", TABLES, postgresql_engine(make_url(url)), "catalog")
    store.write([Put(CATALOG, CatalogRow(1, "Lampe", 5))], [EVENT])
    with psycopg.connect(url) as connection:
        # The server's own error for a full disk, on a disk that is not.
        connection.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON catalog.events EXECUTE FUNCTION refuse();
            """
        )
    assert_full_and_still_readable(store)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TRIGGER full_disk ON catalog.events")
    assert store.write([], [EVENT]) == [2]
    store.close()


def test_a_sqlite_file_that_stays_locked_is_unavailable_for_writing_only(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "catalog.sqlite")

    @event.listens_for(engine, "connect")
    def wait_briefly(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 10")

    store = SqlStore("catalog", TABLES, engine)
    with engine.begin():  # another writer
        with pytest.raises(StoreUnavailable, match=r"locked.*try again"):
            store.write([], [EVENT])
        assert store.head() == 0
    assert store.write([], [EVENT]) == [1]
    store.close()


def test_sqlite_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "catalog.sqlite")
    store = SqlStore("catalog", TABLES, engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_postgresql_waits_for_the_disk_also_where_the_server_would_not(postgres: PostgresServer) -> None:
    url = postgres.fresh_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")
    engine = postgresql_engine(make_url(url))
    store = SqlStore("catalog", TABLES, engine, "catalog")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()
