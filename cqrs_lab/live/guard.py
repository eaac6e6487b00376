"""The guard: a small process that lets nothing outlive a live run whose own process was killed.

    python -m cqrs_lab.live.guard

It hears one JSON object a line: {"group": N}, a process group to end; {"forget": N}, one that has ended;
{"folder": PATH}, to be removed, with the PostgreSQL server that may run in it. After {"done": true} nothing
is left to do. If its input ends without that, whoever started all this is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENCE_S: Final = 10.0
STEP_S: Final = 0.05


class Guard:
    """A guard that watches over what it is told of, until the block is left."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cqrs_lab.live.guard"], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._tell(done=True)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def watch_group(self, group: int) -> None:
        """End this process group with the run."""
        self._tell(group=group)

    def forget_group(self, group: int) -> None:
        """It has ended; another may get its number."""
        self._tell(forget=group)

    def watch_folder(self, folder: Path) -> None:
        """Remove this folder with the run."""
        self._tell(folder=str(folder))

    def _tell(self, **what: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone itself
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()


def guard(told: Iterable[str]) -> None:
    """Hear what there is, and clear it away unless all is done."""
    groups: set[int] = set()
    folders: list[Path] = []
    for line in told:
        match json.loads(line):
            case {"group": int(group)}:
                groups.add(group)
            case {"forget": int(group)}:
                groups.discard(group)
            case {"folder": str(path)}:
                folders.append(Path(path))
            case {"done": True}:
                return
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for folder in folders:
        for lock in folder.glob("*/postmaster.pid"):
            _stop_postgres(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _stop_postgres(lock: Path) -> None:
    """Stop the PostgreSQL server that holds this lock, whose first line is its process id."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            os.kill(pid, 0)
            time.sleep(STEP_S)


if __name__ == "__main__":
    guard(sys.stdin)
