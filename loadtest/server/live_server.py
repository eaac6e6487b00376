"""The server of a live run, as a process: it serves a scenario, carries out its faults, keeps the trace.

    python -m loadtest.server.live_server SCENARIO.toml STORES_URL TABLES_FOLDER

It says JSON objects, one a line, on standard output: {"url"} once it may be begun, then twice a second
{"at_s", "answered", "behind_s"}, and last {"account"}, when the tables are in their folder; or, in place of
all that is to come, {"refused"} or {"broke"} with a message. It hears two lines on standard input: the Unix
time at which `run` begins, and, when no request will come any more, anything; an end of the input is the
same as the second. Logs go to standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from actors.ends import record_start
from actors.runtime.port import RuntimeFailure
from actors.stores.port import StoreError
from loadtest.server.conducting import Conductor
from loadtest.server.logs import write_logs
from loadtest.server.serving import FILES_MAX, CannotListen, Server, allow_files, listener_at, record_stores
from loadtest.system.livesystem import LiveSystem
from scenarios.account import account
from scenarios.file import read

if TYPE_CHECKING:
    import socket
    from io import RawIOBase

    from scenarios.scenario import Scenario

CONDUCTED_TIME_S: Final = 10.0
"""For so long a server that was told to end waits for the end of the faults."""


def serve_run(
    scenario: Scenario, url: str, tables: Path, listener: socket.socket, orders: RawIOBase, said: TextIO
) -> None:
    """Serve the scenario on the stores of this URL, which must be empty, until its run is over.

    Raises:
        StoreError: the stores cannot be opened, are in use, or hold orders.
        RuntimeFailure: they cannot be read at the end.

    """

    def say(**what: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            print(json.dumps(what), file=said, flush=True)

    with LiveSystem(url, scenario, keeps_trace=True) as system:
        if system.bare["orders"].head():
            raise StoreError(
                "the stores hold orders of an earlier run, with which this one's cannot be told apart; "
                "name an empty database with --store, or leave --store out"
            )
        host, port = listener.getsockname()[:2]
        say(url=f"http://{host}:{port}")
        zero = orders.readline()
        if not zero:
            return
        system.runtime.count_from(float(zero))
        record_start(system.observer, system.bare)
        system.start()
        conductor = Conductor(system, scenario)

        def hear() -> None:
            orders.readline()
            conductor.load_is_over()

        def conduct(server: Server) -> None:
            conductor.conduct(lambda now_s: say(**_state(server, system, now_s)))
            server.should_exit = True

        conducting: list[threading.Thread] = []

        def begin(server: Server) -> None:
            threading.Thread(target=hear, daemon=True).start()
            conducting.append(threading.Thread(target=conduct, args=(server,), daemon=True))
            conducting[0].start()

        Server(system, listener, samples=True, announce=begin).listen()
        conductor.load_is_over()  # it is, if a signal has ended the server: faults end, phases are cut
        for thread in conducting:
            thread.join(CONDUCTED_TIME_S)
        phases = conductor.phases(system.runtime.now())
        system.runtime.close()
        record_stores(system)
        system.observer.write(tables)
        served = replace(scenario, phases=phases)
        say(account=account("live", served, system.observer, system.runtime.failures))


def _state(server: Server, system: LiveSystem, now_s: float) -> dict[str, Any]:
    """How many requests it has answered, and how far behind (s) each consumer is."""
    observer = system.observer
    behind_s: dict[str, float] = {}
    for consumer, source in observer.following:
        behind_s[consumer] = max(
            behind_s.get(consumer, 0.0), observer.behind_s(consumer, source, system.runtime.now())
        )
    return {
        "at_s": round(now_s, 3),
        "answered": sum(server.service.requests.values()),
        "behind_s": {consumer: round(seconds, 3) for consumer, seconds in behind_s.items()},
    }


def main(path: str, url: str, tables: str) -> None:
    """Serve; what goes wrong is said as the last line."""
    write_logs("warning")
    allow_files(FILES_MAX)
    try:
        with (
            listener_at("127.0.0.1", 0) as listener,
            # Without a buffer: a thread that waits for its lock would not let the process end.
            open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as orders,
        ):
            serve_run(read(Path(path)), url, Path(tables), listener, orders, sys.stdout)
    except (CannotListen, StoreError) as error:
        print(json.dumps({"refused": str(error)}), flush=True)
    except (RuntimeFailure, OSError) as error:
        print(json.dumps({"broke": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
