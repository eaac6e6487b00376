"""Opening the stores of all services from one URL.

| URL | stores |
|---|---|
| `memory://` | in this process's memory, empty |
| `sqlite:///FOLDER` | one file `<service>.sqlite` each in the folder, made if missing (`summary-2.sqlite`) |
| `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` | one schema each, named as the service (`summary_2`) |

>>> stores = open_stores("memory://")
>>> sorted(stores)
['carts', 'catalog', 'inventory', 'orders', 'products', 'summary']
>>> close_all(stores)
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from actors.stores.engines import postgresql_engine, sqlite_engine
from actors.stores.memory import SharedMemoryStore
from actors.stores.port import Store, StoreError, StoreUnavailable
from actors.stores.sql import SqlStore
from actors.tables import Table, tables_of
from actors.topology import SERVICES

_FORMS = "memory://, sqlite:///FOLDER or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


class BadStoreUrl(StoreError):
    """The text does not say which stores are meant; the message says what to write, and no password."""


def open_stores(
    url: str, names: Iterable[str] = SERVICES, *, unasked: Collection[Table[Any]] = ()
) -> dict[str, Store]:
    """The store of every service or copy of a read model (`summary/2`) named, with its tables made.

    Tables that are `unasked` are not asked by their index, which they do not have.

    Raises:
        BadStoreUrl: the URL has none of the forms above.
        StoreUnavailable: the folder cannot be written or the server cannot be reached.
        StoreError: the database refuses, for instance because the user lacks the right to make a schema.

    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise BadStoreUrl(f"the store URL has no scheme; write {_FORMS}")
    if scheme == "memory":
        if rest:
            raise BadStoreUrl(f"the store URL memory://{rest} goes on after memory://; write just memory://")
        return {name: SharedMemoryStore(name, tables_of(name), unasked) for name in names}
    if scheme == "sqlite":
        return _open_sqlite(rest, names, unasked)
    if scheme in ("postgresql", "postgresql+psycopg"):
        return _open_postgresql(_postgresql_url(url), names, unasked)
    if scheme.startswith("postgres"):
        raise BadStoreUrl(
            f"the store URL asks for {scheme}; PostgreSQL is driven by psycopg: write postgresql://…"
        )
    raise BadStoreUrl(f"there is no store of the kind {scheme}; write {_FORMS}")


def close_all(stores: Mapping[str, Store]) -> None:
    """Close every store, also when one fails to."""
    with ExitStack() as closing:
        for store in stores.values():
            closing.callback(store.close)


def _open_sqlite(rest: str, names: Iterable[str], unasked: Collection[Table[Any]]) -> dict[str, Store]:
    if not rest.startswith("/") or rest == "/":
        raise BadStoreUrl(
            f"the store URL sqlite://{rest} has no folder; write sqlite:///FOLDER, sqlite:////FOLDER from /"
        )
    folder = Path(rest[1:])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"the folder {folder} for the stores cannot be made: {error.strerror}; choose another folder"
        ) from error
    stores: dict[str, Store] = {}
    with ExitStack() as opened:
        for name in names:
            engine = sqlite_engine(folder / f"{name.replace('/', '-')}.sqlite")
            opened.callback(engine.dispose)
            stores[name] = SqlStore(name, tables_of(name), engine, unasked=unasked)
        opened.pop_all()
    return stores


def _open_postgresql(url: URL, names: Iterable[str], unasked: Collection[Table[Any]]) -> dict[str, Store]:
    engine = postgresql_engine(url)
    with ExitStack() as opened:
        opened.callback(engine.dispose)
        stores: dict[str, Store] = {}
        for name in names:
            schema = name.replace("/", "_")
            stores[name] = SqlStore(name, tables_of(name), engine, schema, unasked=unasked)
        opened.pop_all()
    return stores


def _postgresql_url(text: str) -> URL:
    cure = (
        "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in a password %40, %2F, %3A stand for @, /, :"
    )
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Not `from error`: its text may hold the password.
        raise BadStoreUrl(f"the postgresql:// store URL cannot be read; {cure}") from None
    if any("@" in (part or "") for part in (url.host, url.database)):
        raise BadStoreUrl(f"the postgresql:// store URL has an @ after its host; {cure}")
    return url
