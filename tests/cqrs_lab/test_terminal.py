"""What a run says in the terminal: whole names and numbers at 80 columns; and what a log hears."""

import dataclasses
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from cqrs_lab.experiment import Outcome, measure_simulated
from cqrs_lab.terminal import run as terminal
from cqrs_lab.terminal.run import Progressing, show
from reports.sentence import sentence
from scenarios import library
from scenarios.file import read

QUICK = ("phases.warm=5s", "phases.settle=20s")


def lines(name, *settings, width=80):
    """What a run of a scenario of the library says on a terminal of so many columns, line by line."""
    scenario = read(library.find(name), settings)
    measured = measure_simulated(scenario)
    said = sentence(measured.run, scenario, measured.summary, measured.verdict)
    verdict = dataclasses.asdict(measured.verdict) | {"reproduce": "cqrs-lab run again"}
    outcome = Outcome(Path("runs") / ("a-folder-whose-name-is-long" * 4), measured.summary, verdict, said)
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(show(outcome, scenario.question, width), crop=False)
    return captured.get().splitlines()


@pytest.fixture(scope="module")
def crashed():
    return lines("summary-crash-direct", *QUICK, "phases.run=70s")


def test_read_models_stand_in_one_line_each_with_all_their_numbers(crashed):
    rows = [line for line in crashed if line.startswith(("summary ", "products ", "inventory "))]
    heads = next(line for line in crashed if line.startswith("read model"))
    assert " ".join(heads.split()) == "read model events never lag p50 p95 p99 max backlog recovery"
    whole = [re.sub(r"≥ | (?=m?s\b)", "", row).split() for row in rows]
    assert [len(row) for row in whole] == [9] * 3


def test_a_recovery_that_was_cut_off_is_at_least_so_long(crashed):
    assert "≥" in next(line for line in crashed if line.startswith("summary "))


def test_counter_examples_are_told_in_words_with_units(crashed):
    text = " ".join(" ".join(crashed).split())
    assert "the first: replica summary, order id " in text
    assert " s, expected a row in the read model" in text
    assert "_s " not in text


def test_the_path_of_the_folder_is_never_broken(crashed):
    assert crashed[-1].startswith("Run folder: runs/")
    assert len(crashed[-1]) > 80


def test_every_copy_of_a_read_model_has_a_line():
    found = lines("replicas-monotonic-reads", *QUICK, "phases.run=10s")
    assert sum(line.startswith("summary") for line in found) == 3


def test_of_reads_the_share_is_of_those_that_can_be_judged():
    (browse,) = (line for line in lines("healthy", *QUICK, "phases.run=20s") if "reads of browse" in line)
    assert "that can be judged stale (" in browse or "none of the" in browse


def test_a_narrow_terminal_gets_fewer_numbers_and_whole_names():
    found = lines("summary-crash-direct", *QUICK, "phases.run=70s", width=60)
    assert " ".join(next(line for line in found if "lag p50" in line).split()) == (
        "model events never lag p50 p99 max recovery"
    )
    assert {"summary", "products", "inventory"} <= {line.split(" ")[0] for line in found}
    assert all(len(line) <= 60 for line in found if not line.startswith(("  cqrs-lab", "Run folder")))


def test_a_log_hears_now_and_then_how_far_a_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    with Progressing(Console(file=told), "shop") as on_progress:
        on_progress("run 4 s, 40 requests/s", 0.25)
        assert told.getvalue() == ""
        monkeypatch.setattr(terminal, "TELL_EVERY_S", 0.0)
        on_progress("run 5 s, [faults] 40 requests/s", 0.5)
    assert told.getvalue() == "shop: run 5 s, [faults] 40 requests/s (50%)\n"
