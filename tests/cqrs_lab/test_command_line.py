"""What the command line promises: output, exit codes, run folders, and one clear message for bad input."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reports import load_run
from scenarios import presets

FILES = {"figures", "report.html", "run.json", "scenario.toml", "summary.json", "tables", "verdict.json"}


def leftovers(folder: Path) -> list[Path]:
    """Everything in the folder, however deep, hidden or not."""
    return sorted(folder.rglob("*"))


def test_a_run_ends_with_verdict_numbers_sentence_and_the_path_of_its_folder(lab, quick, tmp_path) -> None:
    result = lab("run", "products-outage", *quick)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("PASS")
    for part in ("lag p50", "largest", "recovery", "reads of history", "orders"):
        assert part in result.stdout
    folder = tmp_path / result.stdout.strip().rsplit("Run folder: ", 1)[1].replace("\n", "")
    assert {path.name for path in folder.iterdir()} == FILES
    assert (tmp_path / "runs" / "latest").resolve() == folder
    run = load_run(folder)
    assert run.info["trace_sha256"] == json.loads((folder / "summary.json").read_text())["trace_sha256"]


def test_json_prints_the_summary_and_nothing_else(lab, quick, tmp_path) -> None:
    result = lab("run", "products-outage", *quick, "--json", "--out", "here")
    assert json.loads(result.stdout) == json.loads((tmp_path / "here" / "summary.json").read_text())
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [["scenarios"], ["runs", "--json"]])
def test_a_reader_that_has_seen_enough_does_not_change_the_exit_code(arguments) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "cqrs_lab", *arguments]
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_equal_seeds_give_equal_traces_and_another_seed_another(lab, quick) -> None:
    one, same, other = (
        json.loads(lab("run", "products-outage", *quick, "--seed", seed, "--json").stdout)["trace_sha256"]
        for seed in ("7", "7", "8")
    )
    assert one == same != other


def test_two_runs_in_one_second_get_folders_of_their_own(lab, quick, tmp_path) -> None:
    for _ in range(2):
        assert lab("run", "products-outage", *quick, "--set", "phases.run=6s").returncode in (0, 1, 3)
    folders = list((tmp_path / "runs" / "products-outage").iterdir())
    assert len(folders) == 2


def test_a_broken_expectation_fails_with_its_counter_examples(lab) -> None:
    result = lab("run", "summary-crash-direct")
    assert result.returncode == 1
    assert result.stdout.startswith("FAIL")
    assert "counter-example" in result.stdout


def test_what_is_broken_comes_with_the_one_line_that_breaks_it_again(lab, tmp_path) -> None:
    options = ("--seed", "7", "--set", "policy.join=carried", "--set", "phases.run=90s")
    result = lab("run", "summary-crash-direct", *options, "--out", "here")
    again = shlex.join(["cqrs-lab", "run", "summary-crash-direct", *options])
    assert f"What is broken is broken again by\n  {again}\n" in result.stdout
    for name in ("run.json", "verdict.json"):
        assert json.loads((tmp_path / "here" / name).read_text())["reproduce"] == again


def test_a_fault_that_never_fires_makes_the_verdict_unknown(lab, quick) -> None:
    result = lab("run", "products-outage", *quick, "--set", "load.orders=every(1h)")
    assert result.returncode == 3
    assert result.stdout.startswith("UNKNOWN")


def test_check_says_that_a_file_is_valid_and_runs_nothing(lab, tmp_path) -> None:
    result = lab("check", "products-outage")
    assert (result.returncode, result.stderr) == (0, "")
    assert "valid" in result.stdout
    assert leftovers(tmp_path) == []


def test_scenarios_lists_the_library_with_questions(lab) -> None:
    result = lab("scenarios")
    assert result.returncode == 0
    assert "products-outage" in result.stdout
    assert "what is lost?" in result.stdout


def test_presets_lists_each_preset_with_what_it_is(lab) -> None:
    result = lab("presets")
    assert (result.returncode, result.stderr) == (0, "")
    for name in presets.names():
        assert name in result.stdout
    assert "#" not in result.stdout


def test_the_run_folders_scenario_runs_again_to_the_same_trace(lab, quick, tmp_path) -> None:
    first = json.loads(lab("run", "products-outage", *quick, "--json", "--out", "one").stdout)
    again = json.loads(lab("run", "one/scenario.toml", "--json", "--out", "two").stdout)
    assert first["trace_sha256"] == again["trace_sha256"]
    assert (tmp_path / "one/scenario.toml").read_text() == (tmp_path / "two/scenario.toml").read_text()


# -- bad input -----------------------------------------------------------------------------------------

BAD_SETTINGS = {
    "policy.jion=wait": "join",
    "policy.join=wiat": "wait",
    "phases.run=-5s": "phases.run",
    "phases.run=5": "5",
    "load.orders=every(0s)": "every(0s)",
    "load.orders=poison(20/s)": "poisson",
    "fault.0.p=2": "p",
    "fault.0.on=store:product": "store:products",
}


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_an_impossible_value_is_one_message_and_exit_code_2(lab, tmp_path, setting: str) -> None:
    for command in ("run", "check"):
        result = lab(command, "products-outage", "--set", setting)
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1, result.stderr
        assert BAD_SETTINGS[setting] in result.stderr
    assert leftovers(tmp_path) == []


def test_a_missing_scenario_names_the_nearest(lab) -> None:
    result = lab("run", "products-outrage")
    assert result.returncode == 2
    assert '"products-outage"' in result.stderr


def test_a_malformed_file_says_where(lab, tmp_path) -> None:
    (tmp_path / "bad.toml").write_text('name = "x"\nphases = [\n')
    result = lab("check", "bad.toml")
    assert result.returncode == 2
    assert "bad.toml" in result.stderr
    assert "line" in result.stderr


def test_a_binary_file_is_no_scenario(lab, tmp_path) -> None:
    (tmp_path / "bad.toml").write_bytes(bytes(range(256)))
    result = lab("check", "bad.toml")
    assert result.returncode == 2
    assert "bad.toml" in result.stderr


def test_an_unwritable_folder_is_refused_before_anything_runs(lab, quick, tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = lab("run", "products-outage", *quick, "--out", "file/run")
    assert result.returncode == 2
    assert "file/run" in result.stderr
    assert leftovers(tmp_path) == [tmp_path / "file"]


def test_a_folder_that_is_there_is_not_written_over(lab, quick, tmp_path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    result = lab("run", "products-outage", *quick, "--out", "taken")
    assert result.returncode == 2
    assert "taken" in result.stderr
    assert leftovers(tmp_path) == [tmp_path / "taken", tmp_path / "taken" / "thesis.txt"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path, quick) -> None:
    """A limit on the size of files stands in for the disk: writing beyond it fails as on a full one."""
    program = (
        "import resource, signal, runpy, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "sys.argv[0] = 'cqrs-lab'\n"
        "runpy.run_module('cqrs_lab', run_name='__main__')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, "run", "products-outage", *quick],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 70
    assert result.stderr.strip().count("\n") == 0
    assert "nothing was kept" in result.stderr
    assert [path for path in leftovers(tmp_path) if path.is_file()] == []
    assert not (tmp_path / "runs" / "latest").exists()


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_folder(tmp_path, blow) -> None:
    long = ["--set", "phases.run=10h"]
    environment = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"}  # lets the progress bar show on a pipe
    with subprocess.Popen(
        [sys.executable, "-m", "cqrs_lab", "run", "products-outage", *long],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        try:
            assert process.stderr is not None
            seen = b""
            while b"simulating" not in seen:
                seen += process.stderr.read1()
            process.send_signal(blow)
            error = process.stderr.read().decode()
            assert process.wait(30) == 130
        finally:
            process.kill()
    assert "interrupted" in error
    assert "Traceback" not in error
    assert [path for path in leftovers(tmp_path) if path.is_file()] == []
    assert not list(tmp_path.rglob("*.partial"))
