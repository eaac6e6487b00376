"""`cqrs-lab live` as a user starts it, in a folder of its own; whatever happens, nothing is left running."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 200.0
STEP_S = 0.1

SLOW_MACHINE = "the load generator could not keep up"
"""What may make a verdict unknown on a machine that has other things to do."""

SHOP = """
name = "shop"
[phases]
warm = "1s"
run = "6s"
settle = "6s"
[population]
customers = 50
products = 10
[load]
orders = "poisson(20/s)"
history = "poisson(10/s)"
own_read = "exp(300ms)"
"""


class Lab:
    """A folder in which `cqrs-lab live` is started; every process that comes of it has its TMPDIR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tmp = folder / "tmp"
        self.tmp.mkdir()

    def start(self, text: str, *options: str) -> subprocess.Popen[str]:
        """A run of the scenario, which leaves its folder at `out`."""
        path = self.folder / "scenario.toml"
        path.write_text(text, encoding="utf-8")
        # What users of Locust have at home is for their own loads; a live run takes nothing of it.
        (self.folder / ".locust.conf").write_text("run-time = 1s\ntags = write\n", encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-m", "cqrs_lab", "live", str(path), "--out", str(self.out), *options],
            cwd=self.folder,
            env=os.environ | {"TMPDIR": str(self.tmp), "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, text: str, *options: str) -> tuple[int, str]:
        """Its exit code and what it has said."""
        process = self.start(text, *options)
        said, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, said

    @property
    def out(self) -> Path:
        """The run folder."""
        return self.folder / "out"

    def json(self, name: str) -> Any:
        """A file of the run folder."""
        return json.loads((self.out / f"{name}.json").read_text(encoding="utf-8"))

    def found(self, what: str = "") -> list[psutil.Process]:
        """The processes of the runs in this folder whose command line has this in it."""
        return [process for process in psutil.process_iter() if self._is_mine(process, what)]

    def _is_mine(self, process: psutil.Process, what: str) -> bool:
        with contextlib.suppress(psutil.Error):
            is_mine = process.environ().get("TMPDIR") == str(self.tmp)
            return is_mine and what in " ".join(process.cmdline()) and process.status() != "zombie"
        return False

    def end(self) -> None:
        """Kill whatever is left."""
        for process in self.found():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    """A lab; its processes are gone after the block."""
    lab = Lab(folder)
    try:
        yield lab
    finally:
        lab.end()


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds, which must be soon."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "it never came to hold"
        time.sleep(STEP_S)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)


def is_excused(verdict: dict[str, Any]) -> bool:
    """Whether nothing but the machine's other work has made the verdict unknown."""
    reasons = verdict["unknown_because"]
    return bool(reasons) and all(reason.startswith(SLOW_MACHINE) for reason in reasons)
