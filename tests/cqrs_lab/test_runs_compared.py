"""`cqrs-lab compare`: what may be compared, what is paired, and what is said of it."""

import json
import os
from pathlib import Path

import pytest
from tiny import TINY
from typer.testing import CliRunner

from actors.trace import CLIENT_SCHEMA, Recorder
from cqrs_lab.cli import app

NO_FAULTS = ("fault.0.enabled=false", "fault.1.enabled=false")


def lab(*arguments: str, code: int = 0) -> str:
    """What the command prints, in the folder of the runs."""
    result = CliRunner().invoke(app, arguments, prog_name="cqrs-lab", env={"COLUMNS": "100", "TERM": "dumb"})
    assert result.exit_code == code, result.output
    return result.output


def compared(*arguments: str) -> dict:
    return json.loads(lab("compare", *arguments, "--json"))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Path:
    """Runs a and b of two designs with the seeds 1 to 3, and a sweep of each."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "tiny.toml").write_text(TINY)
    back = Path.cwd()
    os.chdir(folder)
    try:
        for seed in ("1", "2", "3"):
            for name, design in (("a", ()), ("b", ("--set", "policy.join=carried"))):
                run = CliRunner().invoke(
                    app, ["run", "tiny.toml", "--seed", seed, *design, "--out", f"{name}{seed}", "--json"]
                )
                assert run.exit_code in (0, 1), run.output
        for name, seeds, design in (
            ("sweep-a", "1..4", ()),
            ("sweep-b", "3..5", ("--set", "policy.join=carried")),
        ):
            run = CliRunner().invoke(
                app, ["run", "tiny.toml", "--seeds", seeds, *design, "--jobs", "1", "--out", name, "--json"]
            )
            assert run.exit_code in (0, 1), run.output
        over = "policy.join=wait,carried"
        run = CliRunner().invoke(
            app,
            [
                "vary",
                "tiny.toml",
                "--over",
                over,
                "--seeds",
                "1,2",
                "--jobs",
                "1",
                "--out",
                "varied",
                "--json",
            ],
        )
        assert run.exit_code == 0, run.output
    finally:
        os.chdir(back)
    return folder


@pytest.fixture(autouse=True)
def in_the_workshop(workshop, monkeypatch):
    monkeypatch.chdir(workshop)


RUNS = ("a1", "a2", "a3", "b1", "b2", "b3")


def test_runs_that_differ_in_their_seeds_alone_are_one_side_and_seeds_are_paired() -> None:
    table = compared(*RUNS)
    assert [side["seeds"] for side in table["sides"]] == [[1, 2, 3], [1, 2, 3]]
    assert table["scenario_differences"] == {"policy.join": ["wait", "carried"]}
    found = table["measures"]["lag.max{summary}"]["differences"][0]
    summaries = {name: json.loads(Path(name, "summary.json").read_text()) for name in RUNS}
    differences = [
        summaries[f"b{seed}"]["lag_s"]["summary"]["max"] - summaries[f"a{seed}"]["lag_s"]["summary"]["max"]
        for seed in (1, 2, 3)
    ]
    assert found["pairs"] == 3
    assert found["difference"] == pytest.approx(sum(differences) / 3)
    assert found["low"] < found["difference"] < found["high"]


def test_what_a_design_does_not_touch_is_the_same_to_the_last_digit() -> None:
    table = compared(*RUNS)
    assert table["measures"]["lag.max{inventory}"]["differences"][0]["difference"] == 0.0
    assert table["lags"][0]["consumers"]["inventory"]["distance"] == {"at_least": 0.0, "at_most": 0.0}


def test_runs_of_one_design_are_sides_of_their_own() -> None:
    table = compared("a1", "a2")
    assert [side["seeds"] for side in table["sides"]] == [[1], [2]]
    found = table["measures"]["lag.p50{summary}"]["differences"][0]
    assert (found["pairs"], found["low"]) == (None, None)


def test_a_run_and_itself_differ_in_nothing() -> None:
    table = compared("a1", "a1")
    assert {row["differences"][0]["difference"] for row in table["measures"].values()} == {0.0}
    assert table["scenario_differences"] == {}
    assert "other measures are the same on all sides" in lab("compare", "a1", "a1")


def test_sweeps_are_paired_by_the_seeds_that_they_share() -> None:
    table = compared("sweep-a", "sweep-b")
    assert table["measures"]["lag.max{summary}"]["differences"][0]["pairs"] == 2
    assert "share 2 seeds" in " ".join(table["notes"])
    assert table["lags"] == []  # a sweep keeps no tables


def test_a_sweep_says_the_same_as_the_runs_of_its_seeds() -> None:
    of_runs, of_sweep = compared(*RUNS), compared("a1", "a2", "a3", "sweep-b")
    assert of_sweep["sides"][1]["seeds"] == [3, 4, 5]
    assert of_sweep["scenario_differences"] == of_runs["scenario_differences"]
    base = [table["measures"]["lag.p50{summary}"]["means"][0] for table in (of_runs, of_sweep)]
    assert base[0] == base[1]


def test_each_varied_design_is_a_side() -> None:
    table = compared("varied")
    assert [side["settings"] for side in table["sides"]] == [{}, {"policy.join": "carried"}]
    assert table["measures"]["lag.max{summary}"]["differences"][0]["pairs"] == 2


@pytest.fixture
def other_load(workshop) -> str:
    if not Path("busier").is_dir():
        lab("run", "tiny.toml", "--set", "load.orders=poisson(20/s)", "--out", "busier", "--json")
    return "busier"


def test_another_load_is_another_question_unless_the_user_insists(other_load) -> None:
    said = lab("compare", "a1", other_load, code=2)
    assert 'load.orders is "poisson(10/s)" and "poisson(20/s)"' in said
    assert "--force" in said
    assert "Compared all the same" in lab("compare", "a1", other_load, "--force")


def test_a_probe_and_a_simulation_have_no_measure_in_common(tmp_path) -> None:
    folder = tmp_path / "probe"
    (folder / "tables").mkdir(parents=True)
    Recorder(CLIENT_SCHEMA).write(folder / "tables")
    phases = {"warm": 0, "run": 5, "settle": 1}
    (folder / "run.json").write_text(json.dumps({"engine": "probe", "scenario": "shop", "phases": phases}))
    (folder / "probe.toml").write_text('name = "shop"\n[write]\nrate = "every(1s)"\n')
    lag = {"count": 5, "censored": 0, "p50": 0.1, "p99": 0.2, "max": 0.3}
    (folder / "summary.json").write_text(json.dumps({"client": {"lag_s": {"summary": lag}}}))
    (folder / "verdict.json").write_text(json.dumps({"verdict": "pass", "results": []}))
    assert "a probe describes its load in another way" in lab("compare", "a1", str(folder), code=2)
    said = lab("compare", "a1", str(folder), "--force", code=2)
    assert "no measure in common: A is a simulated run; B is a probe" in said
    table = compared(str(folder), str(folder))
    assert table["measures"]["client.lag.max{summary}"]["means"][0]["mean"] == 0.3


def test_one_side_alone_is_no_comparison() -> None:
    assert "needs 2 to 12 sides" in lab("compare", "a1", code=2)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda run: (run / "summary.json").unlink(), "summary.json is missing"),
        (lambda run: (run / "verdict.json").write_text("{"), "verdict.json cannot be read"),
        (lambda run: (run / "verdict.json").write_text("{}"), "a verdict of another version"),
        (lambda run: (run / "summary.json").write_text('{"lag_s": {"summary": {}}}'), "another version"),
        (lambda run: (run / "scenario.toml").unlink(), "scenario.toml is missing"),
        (lambda run: (run / "run.json").unlink(), "neither a run (run.json) nor a sweep"),
        (lambda run: (run / "tables" / "applied.parquet").unlink(), "applied.parquet is missing"),
    ],
)
def test_a_damaged_run_is_refused_with_what_and_the_cure(tmp_path, break_it, said) -> None:
    import shutil

    shutil.copytree("a1", tmp_path / "broken")
    break_it(tmp_path / "broken")
    message = " ".join(lab("compare", "b1", str(tmp_path / "broken"), code=2).split())
    assert said in message
    assert "; " in message


def test_markdown_has_one_cell_for_each_column() -> None:
    text = lab("compare", *RUNS, "--format", "md")
    assert text.startswith("## Comparison\n")
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 3
    for table in tables:
        widths = {len(line.replace("\\|", "").split("|")) for line in table.splitlines()}
        assert len(widths) == 1


def test_the_page_needs_nothing_but_itself(tmp_path) -> None:
    lab("compare", *RUNS, "--out", str(tmp_path / "out"))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"compare.html", "compare.svg", "compare.png", "compare-over-time.svg"} <= names
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert not [word for word in ("src=", "@import", 'href="http') if word in page]
    assert "policy.join=carried" in page
