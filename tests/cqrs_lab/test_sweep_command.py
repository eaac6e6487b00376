"""`cqrs-lab run --seeds`: its table, its folder, and that an interrupted one can be continued."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
from typer.testing import CliRunner

from cqrs_lab.cli import app


def test_a_sweep_ends_with_shares_spreads_the_worst_seeds_and_its_folder(lab, tiny_file, tmp_path) -> None:
    result = lab("run", "tiny.toml", "--seeds", "1..6", "--jobs", "1")
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("FAIL  Does a tiny shop keep up?")
    for part in ("of 6 seeds pass", "95 % interval", "lag.p99{summary}", "range", "not in every seed"):
        assert part in result.stdout
    assert "cqrs-lab run tiny.toml --seed " in result.stdout
    folder = tmp_path / result.stdout.strip().rsplit("Sweep folder: ", 1)[1].replace("\n", "")
    assert folder.parent == tmp_path / "runs" / "tiny"
    assert folder.name.endswith("-seeds-1..6")
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        "request.json",
        *(f"results/{seed}.json" for seed in range(1, 7)),
        "scenario.toml",
        "sweep.json",
    ]
    assert max(len(line) for line in result.stdout.splitlines()) <= 100


def test_json_is_the_whole_table_and_the_command_of_a_seed_gives_its_verdict(
    lab, tiny_file, tmp_path
) -> None:
    result = lab("run", "tiny.toml", "--seeds", "4,2", "--jobs", "1", "--json", "--out", "here")
    table = json.loads(result.stdout)
    assert table == json.loads((tmp_path / "here" / "sweep.json").read_text())
    assert table["seeds"] == [4, 2]
    named = table["worst"][0]
    again = lab(*named["reproduce"].split()[1:], "--json", "--out", "again")
    assert json.loads(again.stdout)["verdict"] == named["verdict"]
    kept = json.loads((tmp_path / "here" / "results" / f"{named['seed']}.json").read_text())
    assert json.loads(again.stdout) == kept["summary"]


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_keeps_what_is_finished_and_can_be_continued(
    lab, tiny_file, tmp_path, blow
) -> None:
    environment = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"}  # lets the progress bar show on a pipe
    command = [sys.executable, "-m", "cqrs_lab", "run", "tiny.toml", "--seeds", "1..1000", "--out", "sweep"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stderr is not None
            seen = b""
            while not any(b"%d of 1,000 seeds" % done in seen for done in range(3, 30)):
                chunk = process.stderr.read1()
                assert chunk, seen
                seen += chunk
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(blow)
            error = process.stderr.read().decode()
            assert process.wait(30) == 130
        finally:
            process.kill()
    assert family
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert "of 1000 runs had ended and are kept" in error
    assert "--resume sweep" in error
    assert "Traceback" not in error
    results = tmp_path / "sweep" / "results"
    finished = {path.name: path.read_bytes() for path in results.iterdir()}
    assert len(finished) >= 3
    assert not (tmp_path / "sweep" / "sweep.json").exists()
    seeds = ",".join(name.removesuffix(".json") for name in finished)
    result = lab("run", "tiny.toml", "--seeds", f"{seeds},5001", "--resume", "sweep", "--jobs", "1", "--json")
    assert len(json.loads(result.stdout)["by_seed"]) == len(finished) + 1, result.stderr
    assert {path.name: path.read_bytes() for path in results.iterdir() if path.name in finished} == finished


def test_a_sweep_whose_command_is_killed_leaves_no_process_behind(tiny_file, tmp_path) -> None:
    environment = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"}
    command = [sys.executable, "-m", "cqrs_lab", "run", "tiny.toml", "--seeds", "1..1000", "--out", "sweep"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stderr is not None
            seen = b""
            while b"2 of 1,000 seeds" not in seen:
                seen += process.stderr.read1()
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
    assert psutil.wait_procs(family, timeout=30)[1] == []


# -- bad input -----------------------------------------------------------------------------------------


MISUSES = {
    ("--seeds", "1..3", "--seed", "4"): "exclude each other",
    ("--seeds", "3..1"): "backwards",
    ("--seeds", "1-3"): '"1..50"',
    ("--seeds", "1..3", "--resume", "nowhere"): "nowhere holds no sweep",
    ("--seeds", "1..3", "--resume", "a", "--out", "b"): "exclude each other",
    ("--seeds", "1..3", "--out", "taken"): "holds no sweep",
    ("--seeds", "1..3", "--out", "tiny.toml"): "holds no sweep",
    ("--seeds", "1..3", "--out", "tiny.toml/below"): "cannot write tiny.toml/below",
    ("--seeds", "1..3", "--set", "policy.join=nil"): "nil",
    ("--seeds", "1..3", "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"): "--jobs",
    ("--jobs", "2"): "--seeds",
    ("--resume", "taken"): "--seeds",
    ("--cluster", "tcp://127.0.0.1:1"): "--seeds",
}


@pytest.mark.parametrize("options", MISUSES, ids=" ".join)
def test_a_misused_sweep_is_one_message_and_exit_code_2(tiny_file, tmp_path, monkeypatch, options) -> None:
    """Run in this process, which spares each the start of another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(app, ["run", "tiny.toml", *options])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert MISUSES[options] in result.stderr
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "taken",
        "taken/thesis.txt",
        "tiny.toml",
    ]
