"""`cqrs-lab runs`, `report`, `open` and `junit`: what is below runs/, and what is made of it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tiny import TINY
from typer.testing import CliRunner

from cqrs_lab.cli import app
from cqrs_lab.comparing.grids import ranges


def lab(*arguments: str, code: int = 0, width: int = 120) -> str:
    result = CliRunner().invoke(
        app, arguments, prog_name="cqrs-lab", env={"COLUMNS": str(width), "TERM": "dumb"}
    )
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "true")  # the program that does nothing, and does it well


def run(*arguments: str) -> Path:
    """Make a run below runs/ and return its folder."""
    result = CliRunner().invoke(app, ["run", "tiny.toml", *arguments, "--json"])
    assert result.exit_code in (0, 1, 3), result.output
    return Path("runs/latest").resolve()


# -- runs ----------------------------------------------------------------------------------------------


def test_runs_are_listed_with_their_verdicts_the_newest_first() -> None:
    folders = [run("--seed", "1"), run("--seed", "2")]
    rows = json.loads(lab("runs", "--json"))
    assert {row["run"] for row in rows} == {f"tiny/{folder.name}" for folder in folders}
    assert rows == sorted(rows, key=lambda row: (row["started_at"], row["run"]), reverse=True)
    for row in rows:
        summary = json.loads(Path("runs", row["run"], "summary.json").read_text())
        assert (row["seed"], row["kind"]) == (summary["seed"], "simulated")
        assert (row["verdict"], row["orders"]) == (summary["verdict"], summary["orders"]["acknowledged"])
        assert row["measures"]["lag.p99{summary}"] == summary["lag_s"]["summary"]["p99"]
    text = lab("runs")
    assert all(folder.name in text for folder in folders)


def test_sweeps_stand_among_the_runs() -> None:
    lab("run", "tiny.toml", "--seeds", "1..3", "--jobs", "1", "--json", code=1)
    (row,) = json.loads(lab("runs", "--json"))
    assert (row["kind"], row["seeds"], row["verdict"]) == ("sweep", [1, 2, 3], "fail")
    assert "1..3" in lab("runs")


def test_a_run_that_cannot_be_read_is_listed_as_that() -> None:
    run("--seed", "1")
    broken = Path("runs/tiny/broken")
    broken.mkdir()
    (broken / "run.json").write_text("{")
    rows = {row["run"]: row for row in json.loads(lab("runs", "--json"))}
    assert len(rows) == 2
    assert rows["tiny/broken"]["verdict"] == "unreadable"
    assert "unreadable" in lab("runs")


def test_where_there_is_no_run_the_list_says_how_to_make_one() -> None:
    assert "cqrs-lab run products-outage" in lab("runs")
    assert json.loads(lab("runs", "--json")) == []


def test_a_narrow_terminal_gets_fewer_columns_and_no_cut_names() -> None:
    folder = run("--seed", "1")
    lines = lab("runs", width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(line.split(" ")[0] for line in lines[1:]) == f"tiny/{folder.name}"


def test_runs_of_one_seed_are_told_apart_by_what_was_set() -> None:
    run("--set", "policy.join=carried", "--set", "phases.run=5s")
    (row,) = json.loads(lab("runs", "--json"))
    assert row["settings"] == ["policy.join=carried", "phases.run=5s"]
    assert "policy.join=carried" in lab("runs", width=140)


def test_the_verdicts_of_many_designs_are_counted() -> None:
    lab("vary", "tiny.toml", "--over", "policy.join=wait,placeholder,carried", "--jobs", "1", "--json")
    (row,) = json.loads(lab("runs", "--json"))
    assert row["verdict"] == "1 fail, 2 pass"


def test_neighbouring_seeds_are_drawn_together() -> None:
    assert ranges([3, 1, 2, 9, 11, 12]) == "1..3, 9, 11, 12"


# -- report and open -----------------------------------------------------------------------------------


def test_a_report_is_written_anew() -> None:
    folder = run("--seed", "1")
    page = folder / "report.html"
    page.write_text("old")
    assert Path(lab("report", "latest").strip()) == page
    assert "<svg" in page.read_text(encoding="utf-8")


def test_what_a_report_could_not_show_is_said() -> None:
    folder = run("--seed", "1")
    (folder / "tables" / "reads.parquet").unlink()
    assert "tables/reads.parquet is missing; the report shows what it can" in lab("report", "latest")


def test_open_prints_the_page_and_writes_it_if_there_is_none() -> None:
    page = run("--seed", "1") / "report.html"
    page.unlink(missing_ok=True)
    assert lab("open").splitlines()[0] == str(page)
    page.write_text("as it was")
    lab("open", "latest")
    assert page.read_text() == "as it was"


@pytest.mark.parametrize("command", ["report", "open"])
def test_without_a_run_there_is_no_report(command) -> None:
    assert "run a scenario first" in lab(command, "latest", code=2)
    assert "there is no run folder nowhere" in lab(command, "nowhere", code=2)


# -- junit ---------------------------------------------------------------------------------------------


def test_each_run_is_a_suite_and_each_expectation_a_case() -> None:
    lab("run", "tiny.toml", "--seeds", "1..3", "--jobs", "1", "--out", "sweep", "--json", code=1)
    run("--seed", "1", "--out", "one")
    lab("junit", "sweep", "one", "-o", "verdicts.xml")
    suites = ET.parse("verdicts.xml").getroot()
    assert [suite.get("name") for suite in suites] == [
        *("tiny, seed 1", "tiny, seed 2", "tiny, seed 3", "tiny, seed 1 (simulated)")
    ]
    assert {len(suite.findall("testcase")) for suite in suites} == {4}
    counts = json.loads(Path("sweep/sweep.json").read_text())["claims"]
    broken = [case.get("name") for suite in suites[:3] for case in suite if case.find("failure") is not None]
    assert {claim: broken.count(claim) for claim in counts} == {
        claim: count["broken"] for claim, count in counts.items()
    }


def test_what_is_no_run_makes_no_document() -> None:
    Path("empty").mkdir()
    assert "holds no run" in lab("junit", "empty", "-o", "verdicts.xml", code=2)
    assert not Path("verdicts.xml").exists()
