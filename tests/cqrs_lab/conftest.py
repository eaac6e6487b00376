"""The command line as a user types it, in a folder of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest adds no folder to the path in its importlib mode

from tiny import TINY

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


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    """A scenario that takes a moment, as `tiny.toml` in `tmp_path`."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path
