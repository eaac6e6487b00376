"""docs/runtimes.md against the port."""

import inspect

from pages import by_code, code, page

from actors.runtime.port import Runtime

PAGE = page("docs/runtimes.md")
HEADING = "What the port offers"


def test_the_methods_of_the_port_are_listed() -> None:
    methods = {
        name for name, _ in inspect.getmembers(Runtime, inspect.isfunction) if not name.startswith("_")
    }
    assert set(by_code(PAGE.table(HEADING, "method"), "method")) == methods


def test_the_arguments_of_start_are_listed() -> None:
    parameters = inspect.signature(Runtime.start).parameters.values()
    named = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    rows = by_code(PAGE.table(HEADING, "argument"), "argument")
    assert set(rows) == named
    required = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    assert {name for name, row in rows.items() if row["default"] == "required"} == required


def test_what_to_do_instead_exists() -> None:
    for row in PAGE.table("What it must not do", "do not", "instead"):
        for text in code(row["instead"]):
            if text.startswith("runtime."):
                assert hasattr(Runtime, text.removeprefix("runtime.").partition("(")[0]), text
