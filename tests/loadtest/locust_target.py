"""A server in a process of its own for Locust to load; run as a program, it serves until its input ends.

    python locust_target.py STORE_URL SCENARIO.toml [KIND ON]

The fault, if one is named, lasts from the beginning to the end.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from loadtest.server.serving import Server, listener_at
from loadtest.system.livesystem import LiveSystem
from scenarios.faults import BEGIN
from scenarios.file import read
from scenarios.randomness import Streams
from scenarios.scenario import Fault

PATIENCE_S = 30.0


def main(store: str, scenario: str, kind: str = "", on: str = "") -> None:
    with LiveSystem(store, read(Path(scenario))) as system, listener_at("127.0.0.1", 0) as listener:
        system.start()
        if kind:
            fault = Fault(kind=kind, on=on, at=0.0)
            BEGIN[kind](fault, on, system.runtime, Streams(0).stream("fault"))
        server = Server(system, listener, announce=lambda server: print(server.url, flush=True))

        def stop_at_the_end() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=stop_at_the_end, daemon=True).start()
        server.listen()


@contextlib.contextmanager
def group(
    command: list[str], log: TextIO | int = subprocess.PIPE, **keys: object
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, of which nothing is left after the block, however that ends."""
    process = subprocess.Popen(
        command, text=True, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **keys
    )
    try:
        yield process
        if process.stdin is not None:
            process.stdin.close()
            process.wait(PATIENCE_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def target(store: str, scenario: Path, *fault: str) -> Iterator[str]:
    """The URL of a server that serves the scenario's shop on the store."""
    command = [sys.executable, __file__, store, str(scenario), *fault]
    with group(command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http"), url + process.stdout.read()
        yield url


if __name__ == "__main__":
    main(*sys.argv[1:])
