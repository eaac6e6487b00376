"""The examples in docstrings do what they show."""

import doctest
import importlib
import pkgutil
import sys

import pytest

PACKAGES = ("actors", "scenarios", "simulation", "reports", "loadtest", "cqrs_lab")

WITHOUT_LOCUST = ("clock", "consistency", "faultmarks", "plan", "recording", "shapes")
"""The modules of the load's users that do not import Locust, which would change this process's threads."""


def needs_locust(name: str) -> bool:
    package, _, module = name.rpartition(".")
    return name == "loadtest.locustfile" or (package == "loadtest.users" and module not in WITHOUT_LOCUST)


def modules() -> list[str]:
    """Every module of the packages but `__main__`, which runs when it is imported."""
    names = list(PACKAGES)
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        names += [found.name for found in pkgutil.walk_packages(folder, f"{package}.")]
    return sorted(name for name in names if not name.endswith("__main__") and not needs_locust(name))


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_do_what_they_show(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0, capsys.readouterr().out


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    counts = [len(test.examples) for name in modules() for test in finder.find(importlib.import_module(name))]
    assert sum(counts) > 50


def test_no_module_of_the_examples_has_brought_locust_here() -> None:
    assert "locust" not in sys.modules
