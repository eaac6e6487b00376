"""Designs are compared under the same load and faults; what cannot be a design is refused by name."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny
from typer.testing import CliRunner

from cqrs_lab.cli import app
from cqrs_lab.sweeps.sweep import sweep
from cqrs_lab.sweeps.vary import MOST_DESIGNS, designs, parse_over, sources_of, vary
from scenarios.errors import ScenarioError

OVERS = ("policy.join=wait,carried", "policy.publish=outbox,direct")

plain_value = st.text("abcxyz0123456789.-", min_size=1, max_size=8)
values = st.one_of(
    plain_value,
    st.tuples(plain_value, plain_value).map("lognormal({0[0]}, p99 {0[1]})".format),
    st.tuples(plain_value, plain_value).map('{{ first = "{0[0]}", cap = "{0[1]}" }}'.format),
    plain_value.map('"a, {}"'.format),
)


@given(st.lists(values, min_size=1, max_size=5, unique=True))
def test_commas_inside_brackets_or_quotes_part_nothing(parts: list[str]) -> None:
    assert parse_over(f"time.summary={','.join(parts)}") == ("time.summary", tuple(parts))


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_designs_are_all_combinations_the_last_key_fastest(counts: list[int]) -> None:
    overs = [(f"k{at}", tuple(f"v{number}" for number in range(count))) for at, count in enumerate(counts)]
    expected = product(*([f"{key}={value}" for value in of_key] for key, of_key in overs))
    assert designs(overs) == list(expected)


def test_too_many_designs_are_refused() -> None:
    with pytest.raises(ScenarioError, match=f"more than {MOST_DESIGNS}"):
        designs([(f"k{at}", ("1", "2", "3")) for at in range(6)])


@pytest.fixture(scope="module")
def table() -> dict:
    combined = designs([parse_over(text) for text in OVERS])
    sources = {design: tiny(settings=design) for design in combined}
    with ThreadPoolExecutor(1) as threads:
        return vary(sources, [1, 2], executor=threads)


def test_each_design_comes_to_what_its_own_sweep_does(table: dict) -> None:
    assert [row["design"] for row in table["designs"]] == [
        ["policy.join=wait", "policy.publish=outbox"],
        ["policy.join=wait", "policy.publish=direct"],
        ["policy.join=carried", "policy.publish=outbox"],
        ["policy.join=carried", "policy.publish=direct"],
    ]
    row = dict(table["designs"][2])
    design = tuple(row.pop("design"))
    with ThreadPoolExecutor(1) as threads:
        assert row == sweep(tiny(settings=design), [1, 2], executor=threads)


def test_the_best_of_a_measure_has_the_best_mean_of_what_is_known(table: dict) -> None:
    assert table["best"]
    for name, best in table["best"].items():
        means = [row["measures"][name]["mean"] for row in table["designs"] if name in row["measures"]]
        known = [
            row["measures"][name]["mean"]
            for row in table["designs"]
            if name in row["measures"] and not row["measures"][name]["censored"]
        ]
        extreme = max(means) if name == "accepted" else min(known)
        assert {table["designs"][at]["measures"][name]["mean"] for at in best} == {extreme}
        assert len(set(means)) > 1


def test_a_design_that_is_not_valid_is_refused_by_name_before_anything_runs(tiny_file: Path) -> None:
    combined = designs([parse_over("policy.join=wait,wiat"), parse_over("policy.publish=outbox")])
    with pytest.raises(ScenarioError, match=r"the design policy.join=wiat policy.publish=outbox: .*wiat"):
        sources_of(str(tiny_file), (), combined)


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_prints_one_narrow_table_and_what_each_design_breaks(lab, tiny_file, tmp_path) -> None:
    options = [word for text in OVERS for word in ("--over", text)]
    shown = lab("vary", "tiny.toml", *options, "--seeds", "1..2", "--jobs", "1", "--out", "designs")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("DESIGNS  Does a tiny shop keep up?")
    for part in ("4 designs", "join", "publish", "carried", "direct", "lag.max", "pass", "*", "Sweep folder"):
        assert part in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100
    kept = json.loads((tmp_path / "designs" / "sweep.json").read_text())
    assert len(list((tmp_path / "designs" / "results").rglob("*.json"))) == 8
    again = lab("vary", "tiny.toml", *options, "--seeds", "1..2", "--resume", "designs", "--json")
    assert json.loads(again.stdout) == kept


def test_without_seeds_the_scenarios_own_is_taken(tiny_file, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--over", "policy.join=carried", "--set", "seed=7", "--jobs", "1", "--json"]
    result = CliRunner().invoke(app, ["vary", "tiny.toml", *options])
    assert json.loads(result.stdout)["seeds"] == [7]


MISUSES = {
    (): "--over",
    ("--over", "policy.join"): "is not a key with values",
    ("--over", "policy.join="): "is not a key with values",
    ("--over", "policy.join=wait,"): "is not a key with values",
    ("--over", "policy.join=wait,wait"): "twice",
    ("--over", "policy.join=wait", "--over", "policy.join=carried"): "twice",
    ("--over", "policy.join=wait,wiat"): "the design policy.join=wiat: ",
    ("--over", "policy.jion=wait"): "the design policy.jion=wait: ",
}


@pytest.mark.parametrize("options", MISUSES, ids=" ".join)
def test_a_misuse_is_refused_and_nothing_is_written(tiny_file, tmp_path, monkeypatch, options) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["vary", "tiny.toml", *options])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert MISUSES[options] in result.stderr
    assert list(tmp_path.iterdir()) == [tiny_file]
