"""The scenarios that come with the lab: one TOML file each, named like the scenario."""

from pathlib import Path

from scenarios.errors import ScenarioError, nearest, quoted


def folder() -> Path:
    """Where they lie."""
    return Path(__file__).resolve().parent


def names() -> list[str]:
    """Their names, in alphabetical order."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def find(name_or_file: str) -> Path:
    """The file of a scenario of the library, or the file at that path.

    Raises:
        ScenarioError: neither is there; names the nearest.

    """
    known = names()
    if name_or_file in known:
        return folder() / f"{name_or_file}.toml"
    path = Path(name_or_file)
    if path.is_file():
        return path
    near = f"; the nearest is {quoted(nearest(path.stem, known))}" if known else ""
    raise ScenarioError(
        f"{name_or_file}: is neither a scenario of the library nor a file{near}. "
        "Write a name that `cqrs-lab scenarios` lists, or the path of a scenario file."
    )
