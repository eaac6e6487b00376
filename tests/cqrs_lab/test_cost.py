"""The cost of a fault is the difference that it makes, and nothing else changes with it."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TINY, tiny

from cqrs_lab.experiment import measure_simulated
from cqrs_lab.source import Source
from cqrs_lab.sweeps.cost import cost, difference
from cqrs_lab.sweeps.replication import Replication, replicate
from reports.comparing.replications import Value, main_measures
from scenarios.errors import ScenarioError
from simulation.run import simulate


@pytest.fixture(scope="module")
def table() -> dict:
    with ThreadPoolExecutor(1) as threads:
        return cost(tiny(), 5, executor=threads)


def test_there_is_a_run_with_all_without_each_and_without_any(table: dict) -> None:
    assert [run["without"] for run in table["runs"]] == [[], [0], [1], [0, 1]]


def test_each_cost_is_the_value_with_all_faults_minus_the_value_without_that_one(table: dict) -> None:
    def values(settings: tuple[str, ...]) -> dict[str, Value]:
        return main_measures(measure_simulated(tiny(settings=settings).read(5))[0])

    everything, without = values(()), values(("fault.0.enabled=false",))
    assert list(table["measures"]) == list(everything)
    for name, row in table["measures"].items():
        assert row["value"] == everything[name].value
        assert row["costs"][0]["difference"] == pytest.approx(
            everything[name].value - without[name].value, abs=1e-9
        )
    assert table["measures"]["lag.max{summary}"]["costs"][0]["difference"] > 0


def test_the_command_of_a_run_gives_its_verdict(table: dict) -> None:
    for run in table["runs"]:
        settings = run["reproduce"].split(" --set ")[1:]
        again = replicate(Replication("k", tiny(settings=tuple(settings)), 5))
        assert (again.word, [claim["text"] for claim in again.broken]) == (run["verdict"], run["broken"])


def test_a_fault_that_is_left_out_does_not_fail_the_claim_that_all_fired(table: dict) -> None:
    assert {run["verdict"] for run in table["runs"]} <= {"pass", "fail"}


@pytest.mark.parametrize("left_out", [0, 1])
def test_leaving_a_fault_out_moves_no_draw_of_the_others(left_out: int) -> None:
    """Two random faults on links that nobody else uses: each link's delays are the same with and without."""
    text = TINY.partition("[[fault]]")[0] + "".join(
        f'[[fault]]\nkind = "delay"\non = "{link}"\nby = "exp(50ms)"\n'
        'every = "exp(500ms)"\nfor = "exp(200ms)"\n'
        for link in ("orders->inventory", "orders->summary")
    )
    source = Source(name="random.toml", text=text)
    other = 1 - left_out

    def occurrences(settings: tuple[str, ...]) -> list[tuple[float, float]]:
        trace = simulate(replace(source, settings=settings).read(9)).recorder
        columns = [trace.column("faults", name) for name in ("fault", "start_s", "end_s")]
        return [(start, end) for fault, start, end in zip(*columns, strict=True) if fault == other]

    def lags(settings: tuple[str, ...]) -> dict:
        view = ("inventory", "summary")[other]
        return measure_simulated(replace(source, settings=settings).read(9))[0]["lag_s"][view]

    without = (f"fault.{left_out}.enabled=false",)
    assert occurrences(()) == occurrences(without) != []
    assert lags(()) == lags(without)


def test_a_disabled_fault_costs_nothing_and_is_not_listed() -> None:
    with ThreadPoolExecutor(1) as threads:
        table = cost(tiny(settings=("fault.0.enabled=false",)), 5, executor=threads)
    assert [fault["index"] for fault in table["faults"]] == [1]
    assert [run["without"] for run in table["runs"]] == [[], [1]]


def test_a_scenario_without_faults_has_nothing_to_cost() -> None:
    with pytest.raises(ScenarioError, match="has no faults"):
        cost(Source(name="calm.toml", text=TINY.partition("[[fault]]")[0]))


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.booleans(), st.booleans())
def test_a_bound_says_on_which_side_the_true_difference_lies(
    value: float, without: float, censored: bool, other_censored: bool
) -> None:
    found = difference(Value(value, censored), Value(without, other_censored))
    assert found.difference == pytest.approx(value - without, abs=1e-9)
    larger, smaller = value + 1.0, without + 1.0  # what a censored value may really be
    really = (larger if censored else value) - (smaller if other_censored else without)
    match found.bound:
        case "":
            assert not censored
            assert not other_censored
        case "≥":
            assert really >= found.difference - 1e-9
        case "≤":
            assert really <= found.difference + 1e-9
        case bound:
            assert bound == "?"
            assert censored
            assert other_censored


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_prints_a_table_that_is_narrow_and_json_on_request(lab, tiny_file) -> None:
    shown = lab("cost", "tiny.toml", "--seed", "5", "--jobs", "1")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("COST  Does a tiny shop keep up?")
    for part in ("with all faults", "0        delay orders->summary", "all 2", "lag.max{summary}", "+"):
        assert part in shown.stdout
    assert "cqrs-lab run tiny.toml --seed 5 --set fault.0.enabled=false" in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100
    table = json.loads(lab("cost", "tiny.toml", "--seed", "5", "--jobs", "1", "--json").stdout)
    assert [run["without"] for run in table["runs"]] == [[], [0], [1], [0, 1]]


def test_a_scenario_without_faults_is_one_message_and_exit_code_2(lab, tiny_file) -> None:
    result = lab("cost", "tiny.toml", "--set", "fault=[]")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "has no faults" in result.stderr
