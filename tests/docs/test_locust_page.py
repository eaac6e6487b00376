"""docs/locust.md says what the locustfile has: its users, its shapes, its options and its variables."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from pages import ROOT, by_code, code, page

from loadtest.users.shapes import SCENARIO, SHAPES

PAGE = "docs/locust.md"
USERS = ROOT / "loadtest" / "users"


OPTIONS = """
import loadtest.locustfile
from locust.argument_parser import get_parser
print(*get_parser()._option_string_actions)
"""


def answer(*arguments: str) -> str:
    """What a Python of its own says: Locust would tamper with this one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST", "CQRS_LAB"))}
    command = [sys.executable, *arguments]
    found = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_the_users_are_those_of_the_locustfile() -> None:
    listed = answer("-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py"), "--list").split()[2:]
    assert sorted(by_code(page(PAGE).table("Who the users are", "user"), "user")) == sorted(listed)


def test_the_shapes_are_those_that_there_are() -> None:
    shown = by_code(page(PAGE).table("Shapes", "shape"), "shape")
    assert list(shown) == [*SHAPES, SCENARIO]


def test_the_variables_are_those_that_are_read() -> None:
    shown = by_code(page(PAGE).table("What is recorded", "variable"), "variable")
    read = {
        name
        for path in USERS.glob("*.py")
        for name in re.findall(r'= "(CQRS_LAB_\w+)"', path.read_text(encoding="utf-8"))
    }
    assert set(shown) == read


def test_every_option_of_a_command_or_in_the_text_is_one() -> None:
    lines = [
        line
        for block in page(PAGE).blocks
        if block.language == "sh"
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    words = [
        word for line in lines if line.startswith("locust ") for word in shlex.split(line, comments=True)
    ]
    named = [word.split()[0] for word in code(page(PAGE).prose) if word.startswith("-")]
    assert {word for word in [*words, *named] if word.startswith("-")} <= set(answer("-c", OPTIONS).split())
    assert len(lines) >= 5


def test_every_file_that_a_command_names_is_there() -> None:
    assert all(Path(ROOT / name).exists() for name in code(page(PAGE).prose) if name.endswith(".py"))
