"""The reference of the command line: each command, argument and option that there is, and no other."""

import itertools
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import PAGES, page
from typer.testing import CliRunner

from cqrs_lab.cli import app
from scenarios import file, library

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
REFERENCE = "docs/commands.md"


def spelled(parameter: Any) -> str:
    """As a user writes it: an argument by its metavar, an option by its longest name."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper()).rstrip(".")
    return max(parameter.opts, key=len)


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    headings = [line[3:] for line in page(REFERENCE).text.splitlines() if line.startswith("## `cqrs-lab ")]
    assert sorted(headings) == sorted(f"`cqrs-lab {name}`" for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_section_lists_what_the_command_takes(name: str) -> None:
    parameters = [one for one in COMMANDS[name].params if "--help" not in one.opts]
    takes = [spelled(one) for one in parameters]
    sections = page(REFERENCE).text.split(f"## `cqrs-lab {name}`\n")[1].split("\n## ")[0]
    rows = [line for line in sections.splitlines() if line.startswith("| `")]
    listed = [line.split("`")[1].split()[0].replace(r"\|", "|").rstrip(".") for line in rows]
    assert sorted(listed) == sorted(takes)


SHELL = [
    (name, line.split("#")[0].strip())
    for name in (*PAGES, "README.md")
    for block in page(name).blocks
    if block.language == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.startswith("cqrs-lab ")
]


@pytest.mark.parametrize(("name", "line"), SHELL)
def test_a_command_that_a_page_only_names_is_one_that_there_is(name: str, line: str) -> None:
    """What a page shows with its output is run; what it only names must at least be understood."""
    words = shlex.split(line)
    command = COMMANDS[words[1]]
    known = {spelling for parameter in command.params for spelling in parameter.opts}
    assert {word for word in words[2:] if word.startswith("-")} <= known
    if "--set" in words and words[2] in library.names():
        settings = [value for option, value in itertools.pairwise(words) if option == "--set"]
        file.read(library.find(words[2]), settings)


# -- what a page only names, on a short day ------------------------------------------------------------

SHORT = ("--set", "phases.run=100s", "--set", "phases.settle=20s")
ALONE = ("run", "cost", "vary", "runs", "open", "compare", "calibrate")
"""The commands that need neither a server nor minutes; the others have tests of their own."""

README_LINES = [line for name, line in SHELL if name == "README.md" and line.split()[1] in ALONE]


@pytest.fixture(scope="module")
def with_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with two runs of one seed below runs/, and what these are called."""
    made = []
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for join in ("wait", "carried"):
            done = CliRunner().invoke(
                app, ["run", "products-outage", "--set", f"policy.join={join}", *SHORT, "--json"]
            )
            assert done.exit_code == 0, done.output
            made.append(str(Path("runs/latest").resolve()))
    return folder, made


def test_readme_names_commands_that_can_be_tried() -> None:
    assert {line.split()[1] for line in README_LINES} == set(ALONE)


@pytest.mark.parametrize("line", README_LINES)
def test_a_command_of_the_readme_does_what_it_says(line, with_runs, monkeypatch) -> None:
    folder, (first, second) = with_runs
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BROWSER", "true")  # the program that does nothing
    words = line.replace("1..50", "1..2").replace("LIVE_RUN", first)
    words = words.replace(" RUN", f" {first}", 1).replace(" RUN", f" {second}", 1)
    more = SHORT if line.split()[1] in ("run", "cost", "vary") else ()
    done = CliRunner().invoke(app, [*shlex.split(words)[1:], *more], prog_name="cqrs-lab")
    assert done.exit_code == 0, done.output
    assert done.output
