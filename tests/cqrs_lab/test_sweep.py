"""A sweep answers every seed once, as a run of its own would, whatever happens to the processes."""

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TINY, Deadly, Faulty, tiny

from cqrs_lab.experiment import judge_simulated, measure_simulated, run_simulated
from cqrs_lab.folder import FolderError
from cqrs_lab.source import Source
from cqrs_lab.sweeps.batch import work_off
from cqrs_lab.sweeps.folder import sweep_folder
from cqrs_lab.sweeps.replication import Replicated, Replication, replicate
from cqrs_lab.sweeps.stopping import SweepStopped
from cqrs_lab.sweeps.sweep import parse_seeds, run_all, sweep, tabulate
from scenarios.errors import ScenarioError


def worker_processes() -> list[psutil.Process]:
    """The pool's workers among the children of this process, which other tests' servers are too."""
    return [child for child in psutil.Process().children(recursive=True) if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return "LokyProcess" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it has ended
        return False


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=10)[1]


def plain(table: dict) -> dict:
    """The table as JSON gives it back."""
    return json.loads(json.dumps(table))


# -- what a seed comes to ------------------------------------------------------------------------------


def test_a_seed_in_memory_comes_to_what_its_run_folder_says(tmp_path: Path) -> None:
    scenario = tiny().read(5)
    outcome = run_simulated(scenario, out=tmp_path / "run", reproduce=tiny().command(5))
    result = replicate(Replication("5", tiny(), 5))
    assert plain(result.summary) == json.loads((tmp_path / "run" / "summary.json").read_text())
    kept = json.loads((tmp_path / "run" / "verdict.json").read_text())
    del kept["sentence"]
    assert plain(result.verdict) == kept
    assert result.code == outcome.verdict["exit_code"]
    assert kept["reproduce"] == json.loads((tmp_path / "run" / "run.json").read_text())["reproduce"]


def test_a_run_without_a_source_is_reproduced_from_its_own_folder(tmp_path: Path) -> None:
    run_simulated(tiny().read(5), out=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["reproduce"] == (
        f"cqrs-lab run {tmp_path / 'run' / 'scenario.toml'}"
    )


def test_a_verdict_can_be_had_alone() -> None:
    assert judge_simulated(tiny().read(5)) == measure_simulated(tiny().read(5))[1]


def test_a_scenario_that_cannot_be_read_is_the_users_error_and_stops_nothing() -> None:
    bad = tiny(settings=("policy.join=never",))
    result = replicate(Replication("1", bad, 1))
    assert (result.word, result.code) == ("error", 2)
    assert "never" in result.error


def test_what_breaks_the_lab_is_named_with_its_place() -> None:
    result = replicate(Replication("3", tiny(Faulty), 3))
    assert (result.word, result.code) == ("error", 70)
    assert "ZeroDivisionError: that was not foreseen (in read, line " in result.error


# -- executors -----------------------------------------------------------------------------------------


def test_every_executor_gives_the_same_table() -> None:
    seeds = range(1, 9)
    here = tabulate(tiny(), {seed: replicate(Replication(str(seed), tiny(), seed)) for seed in seeds})
    with ThreadPoolExecutor(3) as threads:
        assert sweep(tiny(), seeds, executor=threads) == here
    assert sweep(tiny(), seeds, jobs=2) == here
    assert {"pass", "fail"} <= {of_seed["verdict"] for of_seed in here["by_seed"].values()}


def test_progress_counts_every_seed_once() -> None:
    heard: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as threads:
        sweep(tiny(), range(5), executor=threads, on_progress=lambda *counts: heard.append(counts))
    assert heard == [(done, 5) for done in range(6)]


def answers(work: Callable[[Callable[[Replicated], object]], object]) -> dict[str, list[Replicated]]:
    """What was answered to each key."""
    found: dict[str, list[Replicated]] = {}
    work(lambda result: found.setdefault(result.key, []).append(result))
    return found


def replications(source: Source, seeds: range) -> list[Replication]:
    return [Replication(str(seed), source, seed) for seed in seeds]


def test_a_process_that_dies_costs_no_other_seed() -> None:
    seeds = range(1, 9)
    found = answers(lambda on_result: work_off(replications(tiny(Deadly), seeds), on_result, jobs=2))
    assert {key: len(results) for key, results in found.items()} == {str(seed): 1 for seed in seeds}
    assert [key for key, (result,) in found.items() if result.word == "error"] == ["3"]
    lost = found["3"][0]
    assert lost.code == 70
    assert "its process ended" in lost.error
    assert "cqrs-lab run tiny.toml --seed 3" in lost.error
    assert alive(worker_processes()) == []


def test_a_worker_that_is_killed_from_outside_costs_no_seed() -> None:
    killed: list[int] = []
    seen: list[Replicated] = []

    def on_result(result: Replicated) -> None:
        seen.append(result)
        if len(seen) == 3:
            victim = worker_processes()[0]
            killed.append(victim.pid)
            victim.kill()

    work_off(replications(tiny(), range(1, 13)), on_result, jobs=2)
    assert len(killed) == 1
    assert sorted(int(result.key) for result in seen) == list(range(1, 13))
    assert {result.word for result in seen} <= {"pass", "fail"}
    assert alive(worker_processes()) == []


def test_an_exception_leaves_no_process_behind() -> None:
    def on_progress(done: int, _all: int) -> None:
        if done == 2:
            started.extend(worker_processes())
            raise ZeroDivisionError

    started: list[psutil.Process] = []
    with pytest.raises(ZeroDivisionError):
        sweep(tiny(), range(200), jobs=2, on_progress=on_progress)
    assert started
    assert alive(started) == []
    assert multiprocessing.active_children() == []


def test_an_executor_that_breaks_is_said_of_each_seed_that_it_lost() -> None:
    import loky

    with loky.ProcessPoolExecutor(1) as pool:
        found = answers(
            lambda on_result: work_off(replications(tiny(Deadly), range(3, 6)), on_result, executor=pool)
        )
    assert {key: len(results) for key, results in found.items()} == {"3": 1, "4": 1, "5": 1}
    assert "the executor broke" in found["3"][0].error


# -- what the seeds come to together -------------------------------------------------------------------


def judged(word: str, code: int, **values: float) -> Replicated:
    """A result with this verdict and these summary numbers of one claim."""
    margin = values.get("margin", 1.0)
    claim = {"text": "x < 1", "when": "run", "held": margin > 0, "margin": margin, "limit": 1.0}
    because = ["a fault touched nothing"] if word == "unknown" else []
    verdict = {"verdict": word, "results": [claim], "unknown_because": because}
    return Replicated("k", 1, code, summary={}, verdict=verdict)


PASS, FAIL, UNKNOWN = judged("pass", 0), judged("fail", 1, margin=-1.0), judged("unknown", 3)
ERROR = Replicated("k", 1, 70, error="it broke")


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([PASS, PASS], 0),
        ([PASS, FAIL, UNKNOWN], 1),
        ([PASS, UNKNOWN], 3),
        ([FAIL, ERROR], 70),
    ],
)
def test_one_fail_fails_a_sweep_and_one_unknown_leaves_it_unknown(results: list, code: int) -> None:
    assert tabulate(tiny(), dict(enumerate(results)))["exit_code"] == code


def test_the_share_that_passes_is_of_the_seeds_that_could_be_judged() -> None:
    passed = tabulate(tiny(), dict(enumerate([PASS, PASS, FAIL, ERROR])))["passed"]
    assert (passed["count"], passed["of"]) == (2, 3)
    assert tabulate(tiny(), {1: ERROR})["passed"] is None


def test_the_worst_seeds_are_named_with_the_command_that_runs_them_again() -> None:
    source = tiny(settings=("policy.join=carried",))
    table = tabulate(source, {4: PASS, 5: UNKNOWN, 6: FAIL, 7: ERROR})
    assert [(named["seed"], named["why"]) for named in table["worst"]] == [
        (7, "it broke"),
        (6, "x < 1"),
        (5, "a fault touched nothing"),
    ]
    assert table["worst"][1]["reproduce"] == "cqrs-lab run tiny.toml --seed 6 --set policy.join=carried"


def test_if_all_pass_the_seed_with_the_least_room_is_the_worst() -> None:
    results = {1: judged("pass", 0, margin=0.5), 2: judged("pass", 0, margin=0.1), 3: PASS}
    (named,) = tabulate(tiny(), results)["worst"]
    assert (named["seed"], named["why"]) == (2, "closest to failing: x < 1")


def test_an_empty_sweep_is_not_asked_for() -> None:
    with pytest.raises(ScenarioError):
        parse_seeds("")


# -- seeds ---------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20)), min_size=1, max_size=5))
def test_ranges_of_seeds_are_read_as_they_are_written(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{first}..{first + more}" if more else str(first) for first, more in ranges)
    expected = [seed for first, more in ranges for seed in range(first, first + more + 1)]
    assert parse_seeds(text) == list(dict.fromkeys(expected))


@pytest.mark.parametrize("text", ["5..1", "a", "1...3", "-1", "1..", "1;2", "1..999999999", "1.5"])
def test_what_is_no_range_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="seed"):
        parse_seeds(text)


# -- sources -------------------------------------------------------------------------------------------


def test_a_source_needs_no_file_beside_it(tmp_path: Path) -> None:
    """It is read again after its file, and the data file beside that, are gone."""
    path = tmp_path / "mine.toml"
    path.write_text(TINY.replace('"poisson(10/s)"', '"trace(orders.csv)"', 1))
    (tmp_path / "orders.csv").write_text("0.5\n1.25\n")
    source = Source.find(str(path))
    here = source.read(4)
    path.unlink()
    (tmp_path / "orders.csv").unlink()
    assert source.read(4) == here


def test_a_sources_command_is_one_line_for_the_shell() -> None:
    source = tiny(settings=("time.summary=exp(5ms)", "question=what's up?"))
    assert source.command(3) == (
        "cqrs-lab run tiny.toml --seed 3 --set 'time.summary=exp(5ms)' --set 'question=what'\"'\"'s up?'"
    )


# -- folders -------------------------------------------------------------------------------------------


def test_a_continued_sweep_runs_only_what_is_missing_and_comes_to_the_same(tmp_path: Path) -> None:
    whole = sweep(tiny(), range(1, 7), jobs=1, folder=sweep_folder(tiny(), "x", out=tmp_path / "whole"))
    folder = sweep_folder(tiny(), "x", out=tmp_path / "part")
    with ThreadPoolExecutor(1) as threads:
        run_all(replications(tiny(), range(1, 4)), folder=folder, executor=threads)
        first = {path: path.stat().st_mtime_ns for path in (tmp_path / "part" / "results").iterdir()}
        (tmp_path / "part" / "results" / "2.json").write_text('{"seed": 2, "co')  # damaged
        heard: list[int] = []
        continued = sweep_folder(tiny(), "x", out=tmp_path / "part", resume=True)
        table = sweep(
            tiny(),
            range(1, 7),
            folder=continued,
            executor=threads,
            on_progress=lambda done, _all: heard.append(done),
        )
    assert table == whole
    assert heard[0] == 2
    for name in ("1.json", "3.json"):
        path = tmp_path / "part" / "results" / name
        assert path.stat().st_mtime_ns == first[path]
    files = [sorted(p.name for p in (tmp_path / name).rglob("*")) for name in ("whole", "part")]
    assert files[0] == files[1]
    assert json.loads((tmp_path / "part" / "sweep.json").read_text()) == plain(table)


def test_a_seed_that_broke_the_lab_is_run_again(tmp_path: Path) -> None:
    folder = sweep_folder(tiny(), "x", out=tmp_path / "sweep")
    with ThreadPoolExecutor(1) as threads:
        table = sweep(tiny(Faulty), range(2, 5), folder=folder, executor=threads)
        assert [error["seed"] for error in table["errors"]] == [3]
        assert table["exit_code"] == 70
        healed = sweep(tiny(), range(2, 5), folder=folder, executor=threads)
    assert healed["errors"] == []


def test_interrupted_work_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    folder = sweep_folder(tiny(), "x", out=tmp_path / "sweep")

    def on_progress(done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with (
        ThreadPoolExecutor(1) as threads,
        pytest.raises(KeyboardInterrupt, match=r"2 of 9 runs had ended and are kept; .* --resume "),
    ):
        sweep(tiny(), range(9), folder=folder, executor=threads, on_progress=on_progress)
    assert not (tmp_path / "sweep" / "sweep.json").exists()
    assert len(list((tmp_path / "sweep" / "results").iterdir())) == 2


def test_a_folder_that_can_no_longer_be_written_stops_the_sweep_and_keeps_what_it_has(tmp_path: Path) -> None:
    folder = sweep_folder(tiny(), "x", out=tmp_path / "sweep")

    def on_progress(done: int, _all: int) -> None:
        if done == 2:
            (tmp_path / "sweep" / "results").rename(tmp_path / "sweep" / "elsewhere")
            (tmp_path / "sweep" / "results").write_text("a file where the folder was")

    with ThreadPoolExecutor(1) as threads, pytest.raises(SweepStopped, match=r"2 of 9 runs .* --resume "):
        sweep(tiny(), range(9), folder=folder, executor=threads, on_progress=on_progress)
    assert sorted(path.name for path in (tmp_path / "sweep" / "elsewhere").iterdir()) == ["0.json", "1.json"]


def test_an_interrupt_before_anything_has_ended_leaves_nothing(tmp_path: Path) -> None:
    folder = sweep_folder(tiny(), "x", out=tmp_path / "sweep")

    def on_progress(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as threads, pytest.raises(KeyboardInterrupt, match="nothing was kept"):
        sweep(tiny(), range(9), folder=folder, executor=threads, on_progress=on_progress)
    assert list(tmp_path.iterdir()) == []


def other_version(path: Path) -> Source:
    request = json.loads((path / "request.json").read_text())
    (path / "request.json").write_text(json.dumps(request | {"version": "0.0.1"}))
    return tiny()


def other_text(path: Path) -> Source:
    assert path.is_dir()
    return replace(tiny(), text=TINY.replace("poisson(10/s)", "poisson(11/s)", 1))


def other_data(path: Path) -> Source:
    assert path.is_dir()
    return replace(tiny(), data={"orders.csv": (0.5,)})


def other_name(path: Path) -> Source:
    assert path.is_dir()
    return replace(tiny(), text=TINY.replace('name = "tiny"', 'name = "other"'))


def other_settings(path: Path) -> Source:
    assert path.is_dir()
    return tiny(settings=("policy.join=carried",))


REFUSED = {
    other_text: "has been changed since",
    other_data: "has been changed since",
    other_version: "made by cqrs-lab 0.0.1",
    other_name: "of tiny, not of other",
    other_settings: "not with --set policy.join=carried",
}


@pytest.mark.parametrize("other", REFUSED)
def test_a_folder_of_another_sweep_is_refused(tmp_path: Path, other: Callable[[Path], Source]) -> None:
    out = sweep_folder(tiny(), "x", out=tmp_path / "sweep").path
    source = other(out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for resume in (True, False):
        with pytest.raises(FolderError, match=REFUSED[other]):
            sweep_folder(source, "x", out=out, resume=resume)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_folder_of_other_designs_is_refused(tmp_path: Path) -> None:
    sweep_folder(tiny(), "x", [("policy.join=wait",)], out=tmp_path / "sweep")
    with pytest.raises(FolderError, match=r"of 1 designs \(policy.join=wait\), not of 1 designs"):
        sweep_folder(tiny(), "x", [("policy.join=carried",)], out=tmp_path / "sweep")


def test_two_sweeps_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    paths = {sweep_folder(tiny(), "seeds-1..3", root=tmp_path).path for _ in range(3)}
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path / "tiny"}
