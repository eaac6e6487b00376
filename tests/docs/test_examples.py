"""What a page shows is what happens: its scenarios are read, its sessions run, its links lead somewhere.

The blocks of one page form one session in one empty folder, from top to bottom: each whole scenario lies
there as `<name>.toml`, console blocks run `cqrs-lab` and `make demo`, Python blocks share their names. `...`
in shown output stands for anything. A TOML block is a scenario, a `fragment` of one, or a `probe`.
"""

import doctest
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pages import PAGES, ROOT, Block, Page, page
from typer.testing import CliRunner

from cqrs_lab.cli import app
from cqrs_lab.experiment import measure_simulated
from reports.figures import consistency, svg, words_of
from scenarios import library, probefile
from scenarios.file import loads, read
from scenarios.section import toml, toml_key

ALL_PAGES = (*PAGES, "README.md")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BROKEN = 70
MARKS = {"toml": {"fragment", "probe"}, "python": {"fragment"}}

DEMO = "cqrs-lab run products-outage"
"""What `make demo` comes to once the virtual environment is there."""

MINIMAL = """
name = "minimal"
[phases]
run = "10m"
[load]
orders = "poisson(1/s)"
"""
"""What fragments are merged into."""


class Step(NamedTuple):
    """A command of a console block, and what it shows."""

    command: str
    output: str


def test_every_page_of_the_folder_is_held_to_this() -> None:
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("name", ALL_PAGES)
def test_every_link_to_a_file_leads_to_one(name: str) -> None:
    broken = [link for link in page(name).links() if not (page(name).path.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("name", ALL_PAGES)
def test_every_block_has_marks_that_mean_something(name: str) -> None:
    for block in page(name).blocks:
        assert set(block.marks) <= MARKS.get(block.language, set()), (name, block.line)


def test_make_demo_is_the_run_that_the_tests_take_it_for() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ndemo: $(READY)" in makefile
    assert "\n\t$(BIN)/cqrs-lab run $(SCENARIO)\n" in makefile
    assert f"\nSCENARIO ?= {DEMO.rsplit(maxsplit=1)[-1]}\n" in makefile


def test_the_figure_of_the_readme_is_that_of_its_run() -> None:
    """If it is not: `make demo`, and take figures/consistency.svg of the run folder in its place."""
    scenario = read(library.find(DEMO.rsplit(maxsplit=1)[-1]))
    figure = consistency(measure_simulated(scenario).run)
    shown = (ROOT / "docs" / "figures" / "products-outage.svg").read_text(encoding="utf-8")
    assert f"![{words_of(figure)}](docs/figures/products-outage.svg)" in page("README.md").text
    assert re.findall(r"<text[^>]*>([^<]*)<", shown) == re.findall(r"<text[^>]*>([^<]*)<", svg(figure))


# -- scenarios -----------------------------------------------------------------------------------------


def scenario_text(block: Block) -> str:
    """The whole scenario that the block is, or that it makes of the minimal one."""
    if "fragment" not in block.marks:
        return block.text
    merged = merge(tomllib.loads(MINIMAL), tomllib.loads(block.text))
    return "\n".join(f"{toml_key(key)} = {toml(value)}" for key, value in merged.items())


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables in one, table by table; where they differ, `over` counts."""
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@pytest.mark.parametrize("name", ALL_PAGES)
def test_every_scenario_is_valid(name: str) -> None:
    for block in page(name).blocks:
        if block.language == "toml":
            reads = probefile.loads if "probe" in block.marks else loads
            reads(scenario_text(block), source=f"{name}:{block.line}", folder=Path())


# -- sessions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_PAGES)
def test_every_session_goes_as_shown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(name)
    write_scenarios(shown, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example"}
    for block in shown.blocks:
        where = f"{name}:{block.line}"
        if block.language == "console":
            run_console(block, where)
        elif block.language == "python" and "fragment" not in block.marks:
            run_python(block, names, where)


def write_scenarios(shown: Page, folder: Path) -> None:
    for block in shown.blocks:
        if block.language == "toml" and "fragment" not in block.marks:
            described = tomllib.loads(block.text)
            (folder / f"{described['name']}.toml").write_text(block.text, encoding="utf-8")


def run_python(block: Block, names: dict[str, Any], where: str) -> None:
    if ">>>" not in block.text:
        exec(compile(block.text, where, "exec"), names)
        return
    examples = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line - 1)
    found: list[str] = []
    results = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=found.append, clear_globs=False)
    names.update(examples.globs)
    assert results.failed == 0, "".join(found)


def steps(text: str) -> list[Step]:
    """The commands of a console block, each after `$ `, and the lines that follow it; `\\` joins lines."""
    found: list[Step] = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], ""))
        elif found:
            found[-1] = Step(found[-1].command, f"{found[-1].output}{line}\n")
    return found


def run_console(block: Block, where: str) -> None:
    """Run every `cqrs-lab` of the block; `echo $?` after one shows its exit code."""
    code: int | None = None
    for command, expected in steps(block.text):
        words = shlex.split(command, comments=True)
        if words == ["echo", "$?"] and code is not None:
            assert expected.strip() == str(code), f"{where}: the exit code is {code}, not {expected.strip()}"
        code = None
        if words == ["make", "demo"] and expected:
            words = shlex.split(DEMO)
        if words[:1] == ["cqrs-lab"]:
            code, output = run_lab(words[1:])
            assert code != BROKEN, f"{where}: $ {command}\n{output}"
            same = doctest.OutputChecker().check_output(trimmed(expected), trimmed(output), doctest.ELLIPSIS)
            assert same or not expected, f"{where}: $ {command}\nshown:\n{expected}\nreal:\n{output}"


def trimmed(text: str) -> str:
    """The lines without what is blank at their ends, and without blank lines around them all."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()).strip("\n") + "\n"


def run_lab(arguments: list[str]) -> tuple[int, str]:
    """What the command line answers, as on a terminal that is 80 columns wide: exit code and all output.

    It runs in this process, which spares each command the start of another; `tests/cqrs_lab` starts them.
    """
    result = CliRunner().invoke(app, arguments, prog_name="cqrs-lab", env={"COLUMNS": "80", "TERM": "dumb"})
    return result.exit_code, result.output
