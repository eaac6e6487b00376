"""The command line as a user types it, in a folder of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

QUICK = ("phases.warm=2s", "phases.run=20s", "phases.settle=10s", "fault.0.at=5s", "fault.0.for=5s")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lab(tmp_path: Path) -> Command:
    """Runs `cqrs-lab` with the arguments, in `tmp_path`."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cqrs_lab", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def quick() -> list[str]:
    """Settings that make products-outage short."""
    return [part for setting in QUICK for part in ("--set", setting)]
