"""docs/scenario-format.md against the code: the same words and the same defaults."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pages import by_code, code, only, page

from actors import policy as policies
from scenarios import arrivals, distributions, names
from scenarios.faultkinds import COMMON, KINDS, NAMES
from scenarios.file import dumps
from scenarios.scenario import Scenario
from scenarios.section import toml

PAGE = page("docs/scenario-format.md")

WORDS = {
    "publish": policies.Publish,
    "stock": policies.StockCheck,
    "read": policies.Read,
    "join": policies.Join,
    "checkpoint": policies.CheckpointWhen,
    "on_error": policies.OnError,
    "then": policies.AfterRetries,
    "partition_by": policies.PartitionBy,
    "overflow": policies.Overflow,
}
"""The policies whose values are words."""

MINIMAL = 'name = "minimal"\n'


def defaults() -> dict[str, Any]:
    """Every default, as the file of the smallest scenario that is written out."""
    return tomllib.loads(dumps(Scenario(name="minimal")))


# -- sections and their keys ---------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["phases", "population", "load", "policy", "policy.retry"])
def test_each_section_lists_its_keys_with_their_defaults(section: str) -> None:
    expected = defaults()
    for step in section.split("."):
        expected = expected[step]
    rows = by_code(PAGE.table(f"`[{section}]`", "key", "default"), "key")
    shown = {key: row["default"] for key, row in rows.items()}
    if section == "policy":
        assert shown.pop("preset") == "none"
        assert shown.pop("retry") == "see below"
        expected.pop("retry")
    assert {key: only(default) for key, default in shown.items()} == {
        key: toml(value) for key, value in expected.items()
    }


def test_the_top_level_lists_its_keys_with_their_defaults() -> None:
    rows = by_code(PAGE.table("Top level", "key", "default"), "key")
    expected = defaults()
    tables = {"phases", "population", "load", "policy", "time", "link", "fault", "expect"}
    assert set(rows) == tables | (set(expected) - {"link"})
    for key in ("question", "seed", "expected_verdict"):
        assert only(rows[key]["default"]) == toml(expected[key])
    assert set(code(rows["expected_verdict"]["value"])[:3]) == set(names.VERDICTS)


def test_times_and_links_list_every_name() -> None:
    assert tuple(by_code(PAGE.table("`[time]`", "key"), "key")) == names.TIMES
    assert set(by_code(PAGE.table("`[link]`", "key"), "key")) == {*names.LINKS, "order"}


def test_names_are_those_of_the_system() -> None:
    rows = {row["what"]: tuple(code(row["names"])) for row in PAGE.table("Names and patterns", "what")}
    expected: dict[str, tuple[str, ...]] = {str(target): found for target, found in NAMES.items()}
    assert rows == expected | {"consumer": names.CONSUMERS}


# -- values --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the data file that examples name."""
    (tmp_path / "file.csv").write_text("0.25\n0.5\n", encoding="utf-8")
    return tmp_path


def test_every_form_of_a_distribution_is_listed_with_an_example_that_is_one(folder: Path) -> None:
    rows = PAGE.table("Distributions of a duration", "form", "example")
    assert [only(row["form"]) for row in rows if code(row["form"])] == list(distributions.FORMS)
    for row in rows:
        example = only(row["example"])
        assert str(distributions.parse(example, folder)) == example
        assert not code(row["form"]) or example.startswith(f"{only(row['form'])}(")


def test_every_form_of_arrivals_is_listed_with_an_example_that_is_one(folder: Path) -> None:
    rows = by_code(PAGE.table("Arrivals", "form", "example"), "form")
    assert list(rows) == [*arrivals.FORMS, "none"]
    for form, row in rows.items():
        example = only(row["example"])
        assert str(arrivals.parse(example, folder)) == example
        assert example.partition("(")[0] == form


# -- policies ------------------------------------------------------------------------------------------


def test_every_value_of_a_policy_is_listed() -> None:
    rows = PAGE.table("Values of the policies", "key", "value")
    listed = [(only(row["key"]), only(row["value"])) for row in rows]
    assert len(listed) == len(set(listed))
    assert set(listed) == {(key, word) for key, words in WORDS.items() for word in get_args(words)}


def test_sections_for_single_consumers_are_named() -> None:
    for consumer in names.CONSUMERS:
        assert f"`[policy.{consumer}]`" in PAGE.prose


# -- faults --------------------------------------------------------------------------------------------


def test_every_field_of_a_fault_is_listed() -> None:
    fields = {field for kind in KINDS.values() for field in kind.fields}
    rows = by_code(PAGE.table("`[[fault]]`", "key"), "key")
    assert set(rows) == fields
    assert tuple(rows)[: len(COMMON)] == COMMON
    forms = {form for kind in KINDS.values() for form in kind.forms}
    assert set(code(rows["form"]["value"])) == forms


def test_every_kind_of_fault_is_listed() -> None:
    assert set(by_code(PAGE.table("Kinds of fault", "kind"), "kind")) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_fault_is_as_the_page_says(kind: str) -> None:
    about, row = KINDS[kind], by_code(PAGE.table("Kinds of fault", "kind"), "kind")[kind]
    assert tuple(row["on"].split(", ")) == about.targets
    assert set(code(row["needs"])) == {*about.required, *about.any_of}
    assert (" or " in row["needs"]) == bool(about.any_of)
    assert set(code(row["may have"])) == set(about.optional)
    for key, unit in (("by", about.by), ("to", about.to)):
        if unit:
            assert f"`{key}` ({unit})" in row["needs"] + row["may have"]
    assert row["what happens"].startswith("pattern:") == about.pattern


# -- expectations --------------------------------------------------------------------------------------


def test_the_keys_of_an_expectation_are_listed() -> None:
    rows = by_code(PAGE.table("`[[expect]]`", "key"), "key")
    assert set(rows) == {"when", "that"}
    assert tuple(code(rows["when"]["value"])) == names.WHENS
