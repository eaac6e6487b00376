"""The reference of the command line: each command, argument and option that there is, and no other."""

from typing import Any

import pytest
import typer
from pages import page

from cqrs_lab.cli import app

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
