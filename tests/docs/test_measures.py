"""docs/measures.md against the code, and against a run that has something of everything in it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import by_code, code, only, page

from actors.trace import SCHEMA
from cqrs_lab.cli import BAD_USAGE, BROKEN, INTERRUPTED
from cqrs_lab.experiment import run_simulated
from reports.judging.checkers import MOST_EXAMPLES
from reports.judging.verdict import EXIT_CODES
from reports.measures.recovery import EXCEEDED_SHARE, FLOOR_S, HOLD_S
from scenarios import expectations
from scenarios.expectations import CHECKERS, MEASURES, PARTS, Checker, Expectation
from scenarios.file import loads

PAGE = page("docs/measures.md")

EVERYTHING = """
name = "everything"
[phases]
warm = "1s"
run = "4s"
settle = "1s"
[load]
orders = "poisson(50/s)"
checkouts = "poisson(5/s)"
history = "poisson(50/s)"
own_read = "exp(10ms)"
stock = "poisson(10/s)"
browse = "poisson(10/s)"
restock = "poisson(5/s)"
catalogue = "poisson(5/s)"
[policy]
publish = "direct"
[[fault]]
kind = "crash"
on = "summary"
at = "1s"
for = "1s"
[[fault]]
kind = "unavailable"
on = "store:summary"
at = "1500ms"
for = "1s"
[[fault]]
kind = "delay"
on = "orders->inventory"
at = "3500ms"
by = "1h"
[[expect]]
that = ["no lost", "lag.max{inventory} < 1s"]
[[expect]]
when = "settle"
that = ["success{orders} > 0.5"]
"""
"""It loses orders, an actor fails, events and a claim have no end, so that every list has an item."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with something of everything in it."""
    described = loads(EVERYTHING, source="everything.toml", folder=Path())
    return run_simulated(described, out=tmp_path_factory.mktemp("runs") / "everything").folder


# -- measures and checkers -----------------------------------------------------------------------------


def test_every_measure_is_listed_and_defined() -> None:
    for heading, column in (("Expectations", "written"), ("Definitions", "definition")):
        assert list(by_code(PAGE.table(heading, "measure", column), "measure")) == list(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_written_as_the_page_says(name: str) -> None:
    measure = MEASURES[name]
    row = by_code(PAGE.table("Expectations", "measure", "written"), "measure")[name]
    parsed = expectations.parse(only(row["written"]))
    assert isinstance(parsed, Expectation)
    assert parsed.measure == name
    assert row["unit"] == measure.unit
    assert tuple(code(row["statistics"])) == measure.statistics
    phrase = {
        None: "–",
        "projection": "a consumer",
        "read": "a kind of read",
        "load": "a kind of load",
        "endpoint": "a kind of load, `own`, or an endpoint",
    }
    assert row["braces name"] == phrase[measure.parts]


def test_what_stands_in_braces_is_listed() -> None:
    rows = {row["braces name"]: tuple(code(row["one of"])) for row in PAGE.table("Expectations", "one of")}
    assert rows == {
        "a consumer": PARTS["projection"],
        "a kind of read": PARTS["read"],
        "a kind of load": PARTS["load"],
        "an endpoint": tuple(expectations.ENDPOINTS),
    }


def test_the_columns_that_measures_are_computed_from_exist() -> None:
    for row in PAGE.table("Definitions", "measure", "computed from"):
        columns = code(row["computed from"])
        assert columns
        for column in columns:
            table, _, name = column.partition(".")
            assert name in SCHEMA[table], column


def test_every_checker_is_listed() -> None:
    rows = by_code(PAGE.table("Checkers", "checker"), "checker")
    assert tuple(rows) == CHECKERS
    for name in rows:
        assert isinstance(expectations.parse(name), Checker)


def test_the_constants_that_it_names_are_those_of_the_code() -> None:
    definition = by_code(PAGE.table("Definitions", "measure"), "measure")["recovery"]["definition"]
    assert f"{100 * EXCEEDED_SHARE:g} % of the next {HOLD_S:g} s" in definition
    assert f"{1000 * FLOOR_S:g} ms" in definition
    assert f"up to {MOST_EXAMPLES} counter-examples" in PAGE.prose


def test_every_verdict_and_exit_code_is_listed() -> None:
    rows = PAGE.table("Verdict and exit code", "verdict", "exit code")
    verdicts = {only(row["verdict"]): int(row["exit code"]) for row in rows if code(row["verdict"])}
    assert verdicts == dict(EXIT_CODES)
    codes = [int(row["exit code"]) for row in rows]
    assert codes == sorted({*EXIT_CODES.values(), BAD_USAGE, BROKEN, INTERRUPTED})


# -- tables --------------------------------------------------------------------------------------------


def test_every_table_of_the_trace_is_described() -> None:
    headings = [table.heading for table in PAGE.tables if "column" in table.columns]
    assert headings == [f"`{name}`" for name in SCHEMA]


@pytest.mark.parametrize("table", SCHEMA)
def test_every_column_of_a_table_is_described_in_its_order(table: str) -> None:
    rows = by_code(PAGE.table(f"`{table}`", "column"), "column")
    assert [(name, row["kind"]) for name, row in rows.items()] == list(SCHEMA[table].items())


# -- the run folder ------------------------------------------------------------------------------------


def test_every_file_of_the_run_folder_is_listed(folder: Path) -> None:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    files = {"figures/*.svg" if path.parent.name == "figures" else path.as_posix() for path in found}
    assert set(by_code(PAGE.table("The run folder", "file"), "file")) == files


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The path of each value in a JSON document: names joined by dots, `[]` for the items of a list."""
    if isinstance(value, dict):
        for key, inner in value.items() or [("{}", None)]:
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value or [None]:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path


def documented(name: str) -> list[re.Pattern[str]]:
    """The paths that the page gives for a JSON file, `*` standing for one name."""
    paths = [
        ".".join([*code(row["key"]), key])
        for row in PAGE.table(name, "key", "holds")
        for key in code(row["holds"])
    ]
    return [re.compile(re.escape(path).replace(r"\*", r"[^.\[\]]+")) for path in paths]


@pytest.mark.parametrize("name", ["summary.json", "verdict.json", "run.json"])
def test_every_key_of_a_file_is_listed_and_every_listed_key_is_there(folder: Path, name: str) -> None:
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    # What a counter-example holds depends on its checker.
    real = {re.sub(r"(counter_examples\[\]).*", r"\1", path) for path in leaves(content)}
    listed = documented(name)
    assert sorted(path for path in real if not any(p.fullmatch(path) for p in listed)) == []
    assert sorted(p.pattern for p in listed if not any(p.fullmatch(path) for path in real)) == []
