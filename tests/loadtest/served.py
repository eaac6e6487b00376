"""`cqrs-lab serve` as a user starts it: a process of its own, which says where it listens."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE_S = 30.0
STOP_S_MAX = 5.0
"""A server that is told to stop takes no longer."""

_ANNOUNCED = re.compile(r"serving (\S+) at (http://\S+) ")


class ServedShop:
    """A server's process, and a client of it. `said` is what it has written to standard error."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.stopped = threading.Event()
        assert process.stderr is not None
        for line in process.stderr:
            self.said.append(line)
            if found := _ANNOUNCED.search(line):
                self.url = found[2]
                break
        else:
            raise AssertionError(f"it has ended with {process.wait()}: {''.join(self.said)}")
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("cqrs-lab: stopped"):
                self.stopped.set()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code."""
        if sign == signal.SIGINT:  # as a terminal does: all that runs in it hear of Ctrl-C
            os.killpg(self.process.pid, sign)
        else:
            self.process.send_signal(sign)
        assert self.stopped.wait(STOP_S_MAX), "".join(self.said)
        return self.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(PATIENCE_S)
        self._listening.join(PATIENCE_S)
        return code


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[ServedShop]:
    """A server started in the folder; however the block ends, it has ended too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cqrs_lab", "serve", "--port", "0", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        shop = ServedShop(process)
        with shop.http:
            yield shop
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stderr is not None
        process.stderr.close()
