"""Simulated against live: a real run becomes a scenario whose simulation can be held against it."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from live_lab import SHOP, Lab, lab_in

from cqrs_lab.cli import app
from reports import load_run
from scenarios.file import read


@pytest.fixture(scope="module")
def live() -> Iterator[Lab]:
    """A folder with a live run of the shop in `out`; not under pytest's own folders, see test_live.py."""
    folder = Path(tempfile.mkdtemp(prefix="cqrs-lab-test-"))
    folder.chmod(0o755)
    with lab_in(folder) as lab:
        code, said = lab.run(SHOP)
        assert code in (0, 3), said  # a busy machine may not keep up with the load
        yield lab
    shutil.rmtree(folder)


def cqrs_lab(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == code, result.output
    return result.output


def test_a_live_run_has_all_its_tables(live) -> None:
    run = load_run(live.out)
    assert run.missing == ()
    assert len(run.requests) > 100
    assert len(run.probes) > 10


def test_a_simulation_with_the_times_of_a_live_run_is_nearer_to_it_than_one_without(live) -> None:
    made = live.folder / "fitted" / "shop.toml"
    fits = json.loads(cqrs_lab("calibrate", live.out, "-o", made, "--json"))["fits"]
    assert {"time.orders", "time.summary", "time.inventory", "link.orders->summary"} <= fits.keys()
    assert all(fit["distance"] < 0.2 and 0.0 < fit["mean_s"] < 1.0 for fit in fits.values())
    assert read(made).load == load_run(live.out).scenario().load

    def distance(scenario: Path, name: str) -> float:
        cqrs_lab("run", scenario, "--out", live.folder / name, "--json")
        table = json.loads(cqrs_lab("compare", live.folder / name, live.out, "--json"))
        assert [side["engine"] for side in table["sides"]] == ["simulated", "live"]
        summary = table["lags"][0]["consumers"]["summary"]
        assert {part["name"] for part in summary["parts"]} == {"the body", "the tail"}
        assert table["measures"]["lag.p50{summary}"]["differences"][0]["pairs"] is None
        return summary["distance"]["at_least"]

    assert distance(made, "with") < distance(live.folder / "scenario.toml", "without")


def test_a_comparison_with_a_live_run_says_where_the_two_part(live) -> None:
    if not (live.folder / "plain").is_dir():
        cqrs_lab("run", live.folder / "scenario.toml", "--out", live.folder / "plain", "--json")
    text = cqrs_lab("compare", live.folder / "plain", live.out)
    assert "How far the lags of B are from those of A" in text
    assert "summary: they part in the body" in text  # in the plain scenario nothing takes time
