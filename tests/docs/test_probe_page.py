"""docs/probe.md against the code: the same keys and defaults, the same limits, and an example that runs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from front import front
from pages import by_code, only, page

from cqrs_lab.probe import run_probe
from loadtest import keeping_up
from scenarios.answer import TESTS, parse_spot
from scenarios.expectations import parse_measured
from scenarios.probe import GIVEN
from scenarios.probefile import dumps, loads, measures_of, read
from scenarios.section import toml

PAGE = page("docs/probe.md")
EXAMPLES = {
    described["name"]: block.text
    for block in PAGE.blocks
    if "probe" in block.marks and (described := tomllib.loads(block.text))
}

MINIMAL = """
name = "minimal"
target.base_url = "http://127.0.0.1"
write = { path = "/", rate = "every(1s)" }
[[view]]
name = "one"
path = "/"
visible = { status = 200 }
"""


def defaults(section: str) -> dict[str, Any]:
    """Every default of the section, as the file of the smallest probe that is written out."""
    written = tomllib.loads(dumps(loads(MINIMAL, source="minimal.toml", folder=Path())))
    table: dict[str, Any] = written["view"][0] if section == "[[view]]" else written[section.strip("[]")]
    return table


@pytest.mark.parametrize("section", ["[target]", "[phases]", "[write]", "[[view]]", "[bounds]"])
def test_each_section_lists_its_keys_with_their_defaults(section: str) -> None:
    expected = defaults(section)
    rows = by_code(PAGE.table(f"`{section}`", "key", "default"), "key")
    for key, row in rows.items():
        if row["default"] == "none":
            assert key not in expected
        elif row["default"] not in ("needed", "that of `settle`"):
            assert only(row["default"]) == toml(expected.pop(key)), key
        else:
            del expected[key]
    assert expected == {}


def test_what_is_filled_in_is_listed() -> None:
    places = list(by_code(PAGE.table("What is filled in", "place"), "place"))
    assert sorted(places) == sorted(["{NAME}", "${NAME}", *(f"{{{name}}}" for name in GIVEN)])


def test_spots_and_tests_are_listed() -> None:
    assert {parse_spot(only(row["spot"])).source for row in PAGE.table("Spots in an answer", "spot")} == {
        *("json", "header", "body")
    }
    assert [only(row["test"]).partition(" ")[0] for row in PAGE.table("Visible", "test")] == list(TESTS)


def test_every_measure_is_listed_with_an_example_that_is_one() -> None:
    measures = measures_of(["summary"])
    rows = PAGE.table("What is measured", "measure", "definition")
    assert {parse_measured(only(row["measure"]), measures).measure for row in rows} == set(measures)


def test_the_limits_of_the_prober_are_told() -> None:
    prose = " ".join(PAGE.prose.split())
    assert f"more than {keeping_up.DROPPED_SHARE_MAX:.1%}".replace("%", " %") in prose
    assert f"more than {keeping_up.LATE_P99_MAX_S * 1000:.0f} ms late" in prose
    assert f"more than {keeping_up.CPU_SHARE_MAX:.0%}".replace("%", " %") in prose


def test_the_example_measures_the_labs_own_shop(tmp_path: Path) -> None:
    file = tmp_path / "shop-orders.toml"
    file.write_text(EXAMPLES["shop-orders"], encoding="utf-8")
    with front() as lab:
        settings = (f"target.base_url={lab.server.url}", "phases.run=3s", "write.rate=every(50ms)")
        outcome = run_probe(read(file, settings), file, out=tmp_path / "run")
    client = json.loads((tmp_path / "run" / "summary.json").read_text())["client"]
    assert client["requests"] == {"POST /orders": {"ok": 60, "rejected": 0, "failed": 0, "dropped": 0}}
    for view in ("summary", "inventory"):
        assert client["lag_s"][view]["count"] == 60
        assert client["lag_s"][view]["censored"] == 0
    assert [result["text"] for result in outcome.verdict["results"] if result["value"] is None] == []
