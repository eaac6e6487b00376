"""A data file of a scenario: one number a line, in seconds, beside the scenario file or in a folder below it.

It must not lie elsewhere, so that a scenario and its data can be copied together, as into a run folder.
"""

import math
from pathlib import Path, PurePosixPath

from scenarios.errors import ScenarioError, quoted


def read_numbers(file: str, folder: Path) -> tuple[float, ...]:
    """The finite numbers in the file, in its order; empty lines do not count.

    Raises:
        ScenarioError: no such file, a path that leads out of the folder, no numbers, or something else.

    """
    if not file or PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
        raise ScenarioError(
            f"the data file {quoted(file)} does not lie beside the scenario file; "
            'copy it there and write its name alone, such as "file.csv".'
        )
    path = folder / file
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ScenarioError(
            f"the data file {quoted(str(path))} cannot be read ({reason}); put it beside the scenario file."
        ) from None
    numbers = []
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ScenarioError(
                f"the data file {quoted(str(path))} has {quoted(text)} in line {line}, not a number; "
                "write one number of seconds a line, such as 0.25, and no heading."
            )
        numbers.append(number)
    if not numbers:
        raise ScenarioError(
            f"the data file {quoted(str(path))} is empty; write one number of seconds a line, such as 0.25."
        )
    return tuple(numbers)


def write_numbers(file: str, folder: Path, numbers: tuple[float, ...]) -> None:
    """Put the numbers into the file, unless it holds them already.

    Raises:
        ScenarioError: the file is there and holds other numbers.

    """
    path = folder / file
    if path.exists():
        if read_numbers(file, folder) != numbers:
            raise ScenarioError(
                f"the data file {quoted(str(path))} holds other numbers than the scenario; "
                "write the scenario into another folder."
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{number!r}\n" for number in numbers), encoding="utf-8")
