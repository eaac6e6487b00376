"""The library keeps its word, and the check of it says so where it does not."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console
from tiny import TINY
from typer.testing import CliRunner

from cqrs_lab.cli import app
from cqrs_lab.sweeps.verify import verify
from cqrs_lab.terminal.verify import show_verify
from scenarios import library

PASSES = TINY.replace("900ms", "1h")
FAILS = TINY.replace("900ms", "1ms")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of our own: one scenario keeps its word, one breaks it, one fails as expected."""
    texts = {
        "good": PASSES,
        "bad": FAILS,
        "broken-on-purpose": FAILS.replace('name = "tiny"', 'name = "tiny"\nexpected_verdict = "fail"'),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text.replace('"tiny"', f'"{name}"'))
    monkeypatch.setattr(library, "folder", lambda: tmp_path)
    return tmp_path


def test_each_verdict_is_held_against_the_expected_one(shelf: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        table = verify(executor=threads)
    assert not table["agrees"]
    assert [(row["scenario"], row["expected"], row["got"], row["agrees"]) for row in table["scenarios"]] == [
        ("bad", "pass", "fail", False),
        ("broken-on-purpose", "fail", "fail", True),
        ("good", "pass", "pass", True),
    ]
    assert table["scenarios"][0]["why"] == "lag.max{summary} < 1ms"
    assert table["scenarios"][0]["reproduce"] == "cqrs-lab run bad --seed 1"


def test_a_scenario_that_cannot_be_read_breaks_its_word(shelf: Path) -> None:
    (shelf / "unreadable.toml").write_text('name = "unreadable"\nphases = 5\n')
    with ThreadPoolExecutor(1) as threads:
        table = verify(["unreadable", "good"], executor=threads)
    assert not table["agrees"]
    assert table["scenarios"][0]["got"] == "error"
    assert "phases" in table["scenarios"][0]["why"]
    console = Console(width=100, file=io.StringIO())
    console.print(show_verify(table))
    assert "[phases]" in console.file.getvalue()


def test_the_command_says_which_and_how_to_run_them_again(shelf: Path) -> None:
    result = CliRunner().invoke(app, ["verify", "--jobs", "1"], env={"COLUMNS": "100"})
    assert result.exit_code == 1
    assert "1 of 3 scenarios did not come out as expected." in result.stdout
    assert "cqrs-lab run bad --seed 1" in result.stdout
    (shelf / "bad.toml").unlink()
    result = CliRunner().invoke(app, ["verify", "--jobs", "1", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["agrees"]
