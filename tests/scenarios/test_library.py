import doctest
import importlib
from pathlib import Path

import pytest

from scenarios import library
from scenarios.errors import ScenarioError
from scenarios.file import dumps, loads, read


def test_every_scenario_of_the_library_is_read_and_named_like_its_file() -> None:
    for name in library.names():
        path = library.find(name)
        found = read(path)
        assert found.name == name
        assert found.question
        assert loads(dumps(found), source=name, folder=path.parent) == found


def test_a_path_is_found_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"')
    assert library.find(str(path)) == path


def test_a_name_of_the_library_is_found_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "products-outage.toml").write_text('name = "products-outage"')
    monkeypatch.setattr(library, "folder", lambda: tmp_path)
    assert library.names() == ["products-outage"]
    assert library.find("products-outage") == tmp_path / "products-outage.toml"
    with pytest.raises(ScenarioError) as caught:
        library.find("product-outage")
    assert '"products-outage"' in str(caught.value)
    assert "cqrs-lab scenarios" in str(caught.value)


def test_the_library_lies_inside_the_package() -> None:
    assert library.folder().name == "library"
    assert library.folder() == Path(library.__file__).resolve().parent


@pytest.mark.parametrize(
    "module",
    [
        "arrivals",
        "data",
        "distributions",
        "errors",
        "expectations",
        "faultkinds",
        "file",
        "names",
        "needs",
        "population",
        "randomness",
        "scenario",
        "section",
        "terms",
        "values",
    ],
)
def test_the_examples_in_the_documentation_are_true(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"scenarios.{module}")).failed == 0
