"""Serving: the live system behind the facade, from the first store opened to the last one closed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import uvicorn

from actors.ends import record_end, record_start
from actors.runtime.port import RuntimeFailure
from actors.stores.port import StoreError
from actors.topology import replicas
from loadtest.api.connections import CONNECTIONS_MAX, LimitedProtocol
from loadtest.api.facade import Facade
from loadtest.api.sending import Sending
from loadtest.api.service import Service
from loadtest.server.logs import write_logs
from loadtest.server.recording import as_served
from loadtest.system.livesystem import LiveSystem
from loadtest.system.stores import FOLDER, kept
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from actors.trace import Recorder

KEEP_ALIVE_S: Final = 15

STOP_TIME_S: Final = 2
"""For so long requests that are being answered may go on after the server was told to stop."""

SETTLE_TIME_S: Final = 1.0
"""For so long the read models may catch up at the end; what they lack then they get after the next start."""

FILES_MAX: Final = CONNECTIONS_MAX + 500
"""So many files a server may have open: its connections, its stores, and some more."""

SAMPLE_EVERY_S: Final = 0.5
"""How often the inbox depths are written down while the server records."""

COLLECT_AFTER: Final = 50_000
"""So many more objects must have been made than given up before Python looks for cycles; else it is 700."""

TURN_S: Final = 0.0005
"""For so long a thread has Python for itself while others want it; else it is 5 ms. Whoever waits for an
answer of PostgreSQL waits for that, too.
"""

logger = logging.getLogger("cqrs_lab.serving")


class CannotListen(Exception):
    """The server cannot listen where it was told to; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a server leaves: its trace if it recorded, and its actors' failures as (s, name, error).

    Instants count from its start. `scenario` is what it has run: its phase `run` is as long as it listened,
    and in `settle` its read models caught up.
    """

    scenario: Scenario
    where: str
    recorder: Recorder
    failures: list[tuple[float, str, BaseException]]
    started: datetime


class Server(uvicorn.Server):
    """uvicorn, with the facade in front of a live system that has started.

    SIGINT and SIGTERM end it if it runs in the main thread; so does `should_exit`. `announce` is called with
    the server once it listens. With `admin` it can be tampered with under /admin, with `samples` the depths
    of the inboxes are written down.
    """

    def __init__(
        self,
        system: LiveSystem,
        listener: socket.socket,
        *,
        ready_lag_s: float = 10.0,
        admin: bool = False,
        samples: bool = False,
        announce: Callable[[Server], object] = lambda _: None,
    ) -> None:
        self.service = Service(system, ready_lag_s=ready_lag_s)
        self._system = system
        self._listener = listener
        self._samples = samples
        self._announce = announce
        self._sampling: asyncio.Task[None] | None = None
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        super().__init__(
            uvicorn.Config(
                Facade(self.service, admin=admin),
                http=partial(LimitedProtocol, sending=Sending()),  # type: ignore[arg-type]  # it is called alone
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_TIME_S,
            )
        )

    def listen(self) -> None:
        """Answer requests until told to stop."""
        try:
            with _python_for_a_server():
                self.run(sockets=[self._listener])
        finally:
            self.service.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self._samples:
            self._sampling = asyncio.create_task(self._sample())
        self._announce(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no further request, and end those that are being answered."""
        self.service.views.stop_waiting()
        if self._sampling is not None:
            self._sampling.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let SIGINT and SIGTERM end the server, and nothing else: what follows it has yet to be done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)

    async def _sample(self) -> None:
        """Write down each inbox depth that has changed, again and again."""
        runtime = self._system.runtime
        row, intern = runtime.recorder.row("queues"), runtime.recorder.intern
        known: dict[str, int] = {}
        while True:
            for node in runtime.nodes():
                depth = runtime.depth(node)
                if known.get(node) != depth:
                    known[node] = depth
                    row((intern(node), runtime.now(), depth))
            await asyncio.sleep(SAMPLE_EVERY_S)


@contextlib.contextmanager
def _python_for_a_server() -> Iterator[None]:
    """Let threads take turns often, and cycles among objects be looked for seldom.

    Requests make many objects, and few that are part of a cycle.
    """
    collect_after, turn_s = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *collect_after[1:])
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(turn_s)
        gc.set_threshold(*collect_after)
        gc.unfreeze()


def listener_at(host: str, port: int) -> socket.socket:
    """A socket bound to the address; port 0 is any that is free.

    Raises:
        CannotListen: it cannot be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotListen(
            f"cannot listen on {host}, port {port}: {why}; choose others with --host and --port"
        ) from error
    return listener


def serve(
    store: str | None = None,
    scenario: Scenario | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    record: bool = False,
    admin: bool = False,
    ready_lag_s: float = 10.0,
    log_level: str = "warning",
    folder: Path = FOLDER,
    announce: Callable[[str, str], object] = lambda _url, _where: None,
) -> Served:
    """Serve a scenario's system over HTTP until SIGINT or SIGTERM; then stop within some seconds.

    It must be called in the main thread, or only the process's end ends it. Of the scenario it takes the
    policy, and for stores that are still empty the population; no load and no fault.

    `store` is a URL of `actors.stores.opening`, `embedded-postgres`, or None for SQLite; the last two are
    kept below `folder`. `port` 0 is any that is free. With `record` the trace is kept in memory, and is in
    what is returned; `admin` turns on the surface under /admin. `ready_lag_s` is how far behind (s) a
    consumer may be while /readyz still says yes. Logs go to standard error from `log_level` on (`debug`,
    `info`, `warning`, `error`). `announce(url, where)` is told where it listens and what it stores where.

    Raises:
        CannotListen: the address cannot be had.
        StoreError: the stores cannot be opened, or another server uses them.
        RuntimeFailure: the stores cannot be read at the end, for the record.

    """
    scenario = scenario or Scenario(name="serve")
    write_logs(log_level)
    allow_files(FILES_MAX)
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(listener_at(host, port))
        place = opened.enter_context(kept(store, folder))
        system = opened.enter_context(LiveSystem(place.url, scenario, keeps_trace=record))
        started = datetime.now(UTC)
        if record:
            record_start(system.observer, system.bare)
        system.start()
        server = Server(
            system,
            listener,
            ready_lag_s=ready_lag_s,
            admin=admin,
            samples=record,
            announce=lambda server: announce(server.url, place.where),
        )
        logger.info("listening", extra={"url": server.url, "store": place.where})
        server.listen()
        run_s = system.runtime.now()
        settled = system.settle(SETTLE_TIME_S)
        settle_s = system.runtime.now() - run_s
        system.runtime.close()
        if record:
            record_stores(system)
        logger.info("stopped", extra={"settled": settled})
        failures = list(system.runtime.failures)
    return Served(as_served(scenario, run_s, settle_s), place.where, system.observer, failures, started)


def record_stores(system: LiveSystem) -> None:
    """Write down what the stores hold at the end.

    Raises:
        RuntimeFailure: one cannot be read.

    """
    try:
        record_end(system.observer, system.bare, replicas(system.policy, "summary"))
    except StoreError as error:
        raise RuntimeFailure(
            f"what was served cannot be recorded: {error}; orders that were acknowledged are in the stores"
        ) from error


def allow_files(number: int) -> None:
    """Let this process have so many files open, or as many as it may allow itself."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if most == resource.RLIM_INFINITY else min(number, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


__all__ = ["CannotListen", "Served", "Server", "allow_files", "listener_at", "record_stores", "serve"]
