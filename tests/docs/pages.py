"""A page of the documentation as data: its code blocks, its tables, its links.

Conventions that the tests rely on: the first word after the fence is the language, what follows are marks
(`fragment`); a table is found by the heading above it and the names of its columns.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "docs/tutorial.md",
    "docs/commands.md",
    "docs/report.md",
    "docs/compare.md",
    "docs/python.md",
    "docs/extending.md",
    "docs/scenario-format.md",
    "docs/measures.md",
    "docs/ground-truth.md",
    "docs/ablations.md",
    "docs/runtimes.md",
    "docs/live.md",
    "docs/probe.md",
    "docs/locust.md",
    "docs/http-api.md",
    "docs/operations.md",
)

_FENCE = re.compile(r"^```(\S+)?[ \t]*([^\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")


class Block(NamedTuple):
    """A code block: its language, its marks, its text, and the line of the page on which the text begins."""

    language: str
    marks: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True)
class Table:
    """A table: the heading above it and its rows, each by column."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


class Page:
    """One Markdown file, by its path below the repository's root."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = ROOT / name
        self.text = self.path.read_text(encoding="utf-8")
        self.blocks = [
            Block(
                match[1] or "", tuple(match[2].split()), match[3], self.text[: match.start(3)].count("\n") + 1
            )
            for match in _FENCE.finditer(self.text)
        ]
        self.prose = _FENCE.sub("", self.text)
        self.tables = list(_tables(self.prose))

    def table(self, heading: str, *columns: str) -> list[dict[str, str]]:
        """The rows of the one table below the heading that has these columns among its own."""
        found = [t for t in self.tables if t.heading == heading and set(columns) <= set(t.columns)]
        assert len(found) == 1, f"{self.name}: {len(found)} tables below {heading!r} with columns {columns}"
        return list(found[0].rows)

    def links(self) -> list[str]:
        """Where its links to other files of the repository lead, without anchors."""
        targets = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


@cache
def page(name: str) -> Page:
    """The page at this path below the repository's root."""
    return Page(name)


def code(cell: str) -> list[str]:
    """What stands in backticks, in its order."""
    return _CODE.findall(cell)


def only(cell: str) -> str:
    """The one word in backticks."""
    (word,) = code(cell)
    return word


def by_code(rows: list[dict[str, str]], column: str) -> dict[str, dict[str, str]]:
    """The rows by the word in backticks in this column; no word may stand there twice."""
    words = [only(row[column]) for row in rows]
    assert len(words) == len(set(words)), f"twice in one table: {words}"
    return dict(zip(words, rows, strict=True))


def _tables(prose: str) -> list[Table]:
    heading, found = "", []
    lines = prose.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", line):
            columns = tuple(_cells(lines[at - 1]))
            rows = []
            for row in lines[at + 1 :]:
                if not row.startswith("|"):
                    break
                rows.append(dict(zip(columns, _cells(row), strict=True)))
            found.append(Table(heading, columns, tuple(rows)))
    return found


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", inner)]  # `\|` is a character of a cell
