"""One server at a time on the same stores: its actors keep in memory what they think only they change.

The lock is the operating system's or the database's, so that it ends with its holder, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from sqlalchemy import make_url

from actors.stores.port import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATABASE_LOCK: Final = 0x6371_7274

_TAKEN: Final = "another server uses these stores; stop it, or name other stores with --store"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file, which is made if it is missing, for this process.

    Raises:
        StoreError: another process holds it.

    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(_TAKEN) from error
        yield


@contextlib.contextmanager
def alone(url: str) -> Iterator[None]:
    """Hold the stores of this URL, which can be opened, for this process.

    Raises:
        StoreError: another process holds them, or the database cannot be asked.

    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        with locked(Path(rest[1:]) / "server.lock"):
            yield
    elif scheme.startswith("postgresql"):
        with contextlib.closing(_session(url)):
            yield
    else:
        yield


def _session(url: str) -> psycopg.Connection:
    """A connection whose session has the lock."""
    parts = make_url(url).set(drivername="postgresql")
    try:
        connection = psycopg.connect(parts.render_as_string(hide_password=False), autocommit=True)
        found = connection.execute("SELECT pg_try_advisory_lock(%s)", [_DATABASE_LOCK]).fetchone()
    except psycopg.Error as error:
        raise StoreUnavailable(
            f"the database cannot be locked: {error}; see that it is up and takes more connections"
        ) from error
    if found is None or not found[0]:
        connection.close()
        raise StoreError(_TAKEN)
    return connection
