"""What a database's error means to who called the store: which `StoreError`, and what to do about it."""

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from actors.stores.port import Conflict, StoreError, StoreFull, StoreUnavailable

REFUSALS: Final = (SQLAlchemyError, sqlite3.Error, psycopg.Error, OverflowError, UnicodeError)
"""What SQLAlchemy and the drivers raise when a store call fails; the last two on values no column holds."""

_TAKEN = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE", "23505"}
_FULL = {"SQLITE_FULL", "53100"}
_NOT_A_DATABASE = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


def failure(store: str, doing: str, error: Exception) -> StoreError:
    """The error for a caller of `store` whose call failed while `doing` something."""
    what = f"store {store}: {doing} failed: {_first_line(error)}"
    code = _code(error)
    if code in _TAKEN:
        return Conflict(
            f"{what}; nothing was written; insert under another key, or put the row to replace the one there"
        )
    if code in _FULL:
        return StoreFull(f"{what}; nothing was written; free some disk space and try again")
    if code in _NOT_A_DATABASE:
        return StoreError(f"{what}; the file is no intact database: restore it, or choose another folder")
    if isinstance(error, PoolTimeout):
        return StoreUnavailable(
            f"{what}; all connections are in use: try again, or from fewer threads at once"
        )
    if _is_passing(error):
        return StoreUnavailable(f"{what}; try again once the database is up and reachable, and not locked")
    return StoreError(f"{what}; nothing was written; check the values, and the rights of the database user")


def _code(error: Exception) -> str:
    """SQLite's name of the error or PostgreSQL's SQLSTATE; empty for others."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", ""))
    if isinstance(cause, psycopg.Error):
        return cause.sqlstate or ""
    return ""


def _is_passing(error: Exception) -> bool:
    return (isinstance(error, DBAPIError) and error.connection_invalidated) or isinstance(
        getattr(error, "orig", error),
        (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError),
    )


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
