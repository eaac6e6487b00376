"""`cqrs-lab calibrate`: a run becomes a scenario with its times, which can be run and held against it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cqrs_lab.cli import app
from cqrs_lab.experiment import run_simulated
from scenarios.file import loads, read

SHOP = """
name = "shop"
[phases]
warm = "2s"
run = "20s"
settle = "5s"
[population]
products = 20
[load]
orders = "poisson(30/s)"
[time]
orders = "exp(3ms)"
summary = "exp(6ms)"
inventory = "mix(0.5: 1ms, 0.5: 9ms)"
[link]
"orders->summary" = "exp(2ms)"
[[expect]]
that = ["lag.max{summary} < 5s"]
"""


def lab(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, prog_name="cqrs-lab", env={"COLUMNS": "120", "TERM": "dumb"})
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of a run of the shop."""
    folder = tmp_path_factory.mktemp("shop")
    run_simulated(loads(SHOP, source="shop.toml", folder=folder), out=folder / "made")
    return folder / "made"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch, made) -> None:
    (tmp_path / "shop.toml").write_text(SHOP)
    shutil.copytree(made, tmp_path / "made")
    monkeypatch.chdir(tmp_path)


def distance(one: str, other: str) -> float:
    table = json.loads(lab("compare", one, other, "--json"))
    return table["lags"][0]["consumers"]["summary"]["distance"]["at_most"]


def test_the_calibrated_scenario_behaves_as_the_run_did() -> None:
    lab("calibrate", "made", "-o", "fitted/shop.toml")
    scenario = read(Path("fitted/shop.toml"))
    assert scenario.name == "shop-calibrated"
    assert str(scenario.time["summary"]).startswith("exp(")
    assert str(scenario.time["inventory"]) == "empirical(shop-inventory.csv)"
    lab("run", "fitted/shop.toml", "--out", "again", "--json")
    assert distance("made", "again") < 0.08


def test_the_file_says_how_well_each_time_fits() -> None:
    lab("calibrate", "made", "-o", "fitted.toml")
    comments = [line for line in Path("fitted.toml").read_text().splitlines() if line.startswith("#")]
    for key in ("time.orders", "time.summary", "time.inventory", "link.orders->summary"):
        assert sum(f"{key}: " in line and "distance 0.0" in line for line in comments) == 1


def test_measured_durations_are_taken_if_they_are_asked_for() -> None:
    fits = json.loads(lab("calibrate", "made", "-o", "fitted.toml", "--measured", "--json"))["fits"]
    assert {fit["distribution"].partition("(")[0] for fit in fits.values()} == {"empirical"}
    assert read(Path("fitted.toml")).time["summary"].mean == pytest.approx(0.006, rel=0.15)


def test_a_file_that_is_there_is_not_written_over() -> None:
    Path("mine.toml").write_text("mine")
    assert "mine.toml is there already" in lab("calibrate", "made", "-o", "mine.toml", code=2)
    assert Path("mine.toml").read_text() == "mine"


def test_a_run_without_its_trace_calibrates_nothing() -> None:
    Path("made/tables/applied.parquet").unlink()
    assert "applied.parquet is missing" in lab("calibrate", "made", "-o", "fitted.toml", code=2)
    assert not Path("fitted.toml").exists()


def test_a_run_in_which_nothing_happened_calibrates_nothing() -> None:
    lab("run", "shop.toml", "--set", "load.orders=every(10s)", "--out", "idle", "--json")
    assert "take a longer run" in lab("calibrate", "idle", "-o", "fitted.toml", code=2)


def test_links_behind_a_polling_relay_are_left_out() -> None:
    lab("run", "shop.toml", "--set", "policy.poll=100ms", "--out", "polled", "--json")
    table = json.loads(lab("calibrate", "polled", "-o", "fitted.toml", "--json"))
    assert not [key for key in table["fits"] if key.startswith("link.")]
    assert "the relay polls" in " ".join(table["remarks"])
