"""The processes of a live run beside its own: the server and the load, each in a process group of its own.

A group of its own hears no Ctrl-C of the terminal, so that the run decides in which order things end.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import signal
import site
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import loadtest
from actors.runtime.port import RuntimeFailure
from actors.stores.port import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from cqrs_lab.live.guard import Guard

LOCUSTFILE: Final = Path(loadtest.__file__).parent / "locustfile.py"

START_TIME_S: Final = 60.0
"""A server that has not opened its stores by then never will."""

END_TIME_S: Final = 20.0
"""For so long a process that was told to end may take."""

STEP_S: Final = 0.05


class LocustMissing(Exception):
    """Locust is not installed; the message says what to do."""


class Child:
    """A process with a group of its own, of which nothing is left after the block."""

    def __init__(self, command: Sequence[str], guard: Guard, **how: Any) -> None:
        self._guard = guard
        self.process = subprocess.Popen(command, start_new_session=True, **how)  # noqa: S603
        guard.watch_group(self.process.pid)

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended, at most so long; return whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout_s)
        return self.process.poll() is not None

    def stop(self) -> None:
        """Tell it to end in its own way, and end it if it does not."""
        if self.exit_code is None:
            self.process.terminate()
            if not self.wait(END_TIME_S):
                self.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._guard.forget_group(self.process.pid)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class ServerProcess(Child):
    """The server; `state` is the last that it has said of itself, `account` what it says at its end."""

    def __init__(self, scenario: Path, url: str, tables: Path, log: IO[bytes], guard: Guard) -> None:
        command = [sys.executable, "-m", "loadtest.server.live_server", str(scenario), url, str(tables)]
        super().__init__(
            command, guard, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
        )
        self.state: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._began = threading.Event()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # it was closed
            for line in self.process.stdout:
                said = json.loads(line)
                if "at_s" in said:
                    self.state = said
                else:
                    self._last = said
                    self._began.set()
        self._began.set()

    def url(self) -> str:
        """Where it will answer, once its stores are open.

        Raises:
            StoreError: they cannot be opened.
            RuntimeFailure: it has ended, or does not begin.

        """
        if not self._began.wait(START_TIME_S):
            raise RuntimeFailure(f"the server has not begun within {START_TIME_S:g} s")
        if "url" not in self._last:
            self._raise()
        url: str = self._last["url"]
        return url

    def begin(self, zero_unix_s: float) -> None:
        """Let it serve from now on; `run` begins at this Unix time."""
        self._tell(f"{zero_unix_s!r}\n")

    def load_is_over(self) -> None:
        """Tell it that no request will come any more."""
        self._tell("over\n")

    def account(self, timeout_s: float) -> dict[str, Any] | None:
        """What it has left, once it has ended; None if it has left nothing."""
        self.wait(timeout_s)
        self._listening.join(END_TIME_S if self.exit_code is not None else 0.0)
        found: dict[str, Any] | None = self._last.get("account")
        return found

    def last_words(self) -> str:
        """Why it has left nothing."""
        return str(self._last.get("broke") or self._last.get("refused") or _ending(self.exit_code))

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone, which is found out elsewhere
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def _raise(self) -> None:
        self.wait(END_TIME_S)
        if "refused" in self._last:
            raise StoreError(self._last["refused"])
        raise RuntimeFailure(f"the server did not begin: {self.last_words()}")


class LoadProcess(Child):
    """Locust, which makes the scenario's load until the end of `run`, and leaves its own `files` there.

    With several processes it gives up if they have not begun within so many seconds.
    """

    def __init__(
        self,
        scenario: Path,
        url: str,
        *,
        zero_unix_s: float,
        begin_within_s: float,
        processes: int,
        record: Path,
        files: Path,
        guard: Guard,
    ) -> None:
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--shape", "scenario"]
        command += ["--host", url, "--csv", str(files / "locust"), "--html", str(files / "locust.html")]
        command += ["--only-summary", "--exit-code-on-error", "0"]
        if processes > 1:
            port = str(_free_port())
            command += ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]
            command += ["--expect-workers-max-wait", str(math.ceil(begin_within_s))]
        foreign = ("LOCUST_", "CQRS_LAB_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment |= {
            "CQRS_LAB_SCENARIO": str(scenario),
            "CQRS_LAB_ZERO_UNIX_S": repr(zero_unix_s),
            "CQRS_LAB_RECORD": str(record),
            # It reads configuration files in the home of who starts it, which are for loads of their own, and
            # where it is started; there are none among what it records. Python's modules stay where they are.
            "HOME": str(record),
            "PYTHONUSERBASE": site.getuserbase(),
        }
        self._record = record
        self._log = files / "locust.log"
        with self._log.open("wb") as log:
            super().__init__(
                command,
                guard,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=record,
            )

    @property
    def has_begun(self) -> bool:
        """Whether a process of it has begun with the load: it leaves files from then on."""
        return any(self._record.glob("generator-*.json"))

    def last_words(self) -> str:
        """Why it has ended before its time."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        telling = [line for line in said if "ERROR" in line or line.startswith("cqrs-lab:")]
        if self.exit_code and self.exit_code > 0:
            telling = telling or said
        return "; ".join([_ending(self.exit_code), *telling[-1:]])


def require_locust() -> None:
    """Make sure that Locust is there; it is not imported.

    Raises:
        LocustMissing: it is not.

    """
    if importlib.util.find_spec("locust") is None:
        raise LocustMissing(
            "Locust, which makes the load of a live run, is not installed; pip install locust"
        )


def _ending(exit_code: int | None) -> str:
    """How a process has ended.

    >>> _ending(-9), _ending(3)
    ('it was ended by SIGKILL', 'it ended with exit code 3')
    """
    if exit_code is None:
        return "it does not end"
    if exit_code < 0:
        return f"it was ended by {signal.Signals(-exit_code).name}"
    return f"it ended with exit code {exit_code}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
