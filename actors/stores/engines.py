"""SQLAlchemy engines whose commits are durable: SQLite files with a write-ahead log, and PostgreSQL servers.

A transaction begins as a writer unless its connection comes from `snapshot(engine)`: it only reads, never
waits for a writer, and sees one committed state throughout.
"""

import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

LOCK_WAIT_S: Final = 10.0
"""How long a SQLite writer waits for another one, and a call for a free connection of the pool."""

_LOOK_AGAIN_S = 0.005
_CONNECTIONS_KEPT = 8
_CONNECTIONS_MORE = 24
_SNAPSHOT = "store_snapshot"


def sqlite_engine(path: Path) -> Engine:
    """An engine on one SQLite file, made if missing; its folder must exist."""
    engine = _engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        # Connections wander between the threads of the pool; SQLAlchemy lends each to one at a time.
        {"timeout": LOCK_WAIT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions itself
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        # A page that is written often, as an index's are, is seldom written into the file.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        # Pages are read where the system has them: a cache of 2 MB for each connection has few of many.
        connection.execute("PRAGMA mmap_size = 268435456")
        connection.execute("PRAGMA temp_store = MEMORY")  # what undoes a statement is no file either

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get(_SNAPSHOT)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


def postgresql_engine(url: URL) -> Engine:
    """An engine on one PostgreSQL database, through psycopg 3."""
    engine = _engine(url.set(drivername="postgresql+psycopg"), {"connect_timeout": 10})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        # A server may be configured to acknowledge before the commit is on disk; these stores must not.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.autocommit = False

    return engine


def snapshot(engine: Engine) -> Engine:
    """The same engine for transactions that only read and see one state throughout."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_SNAPSHOT: True})
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log; nothing happens if it has one.

    While another connection switches it, SQLite refuses at once whatever its busy timeout: hence the loop.
    """
    deadline_s = monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline_s:
                raise
            sleep(_LOOK_AGAIN_S)
        else:
            return


def _engine(url: URL, connect_args: dict[str, Any]) -> Engine:
    return create_engine(
        url,
        connect_args=connect_args,
        pool_size=_CONNECTIONS_KEPT,
        max_overflow=_CONNECTIONS_MORE,
        pool_timeout=LOCK_WAIT_S,
    )
