"""Who follows the page on adding things gets a fault, a measure and a projection by what it shows alone."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pages import ROOT, Block, page

PACKAGES = ("actors", "scenarios", "simulation", "loadtest", "reports", "cqrs_lab")

SCENARIO = """
name = "extended"
[phases]
warm = "5s"
run = "20s"
settle = "10s"
[load]
orders = "poisson(20/s)"
[time]
sold = "exp(5ms)"
[[fault]]
kind = "every-other"
on = "orders->sold"
at = "5s"
for = "5s"
[[expect]]
that = ["bunched < 0.3", "lag.max{sold} < 10s"]
[[expect]]
when = "always"
that = ["faults fired", "converged"]
"""


def shown(word: str) -> str:
    """The code of the one block of the page that has this word, without its prompts."""
    (block,) = (block for block in page("docs/extending.md").blocks if word in block.text)
    return source(block)


def source(block: Block) -> str:
    if ">>>" not in block.text:
        return block.text
    return "".join(example.source for example in doctest.DocTestParser().get_examples(block.text))


def insert(path: Path, after: str, line: str) -> None:
    """Put the line after the first place that the pattern finds."""
    text = path.read_text(encoding="utf-8")
    found = re.search(after, text)
    assert found, f"{path.name} has no {after!r}; the page speaks of it"
    path.write_text(f"{text[: found.end()]}{line}{text[found.end() :]}", encoding="utf-8")


def extended(folder: Path) -> None:
    """A copy of the packages, with what the page shows where it says that it belongs."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # a fault
    (folder / "scenarios/faults/every_other.py").write_text(shown("class EveryOther"), encoding="utf-8")
    insert(
        folder / "scenarios/faults/__init__.py", r"from scenarios.faults import \(\n", "    every_other,\n"
    )
    insert(
        folder / "scenarios/faults/__init__.py", r"BEGIN\b.*= \{\n", '    "every-other": every_other.begin,\n'
    )
    kind = shown("kind = FaultKind(").partition("kind = ")[2].strip()
    insert(folder / "scenarios/faultkinds.py", r"KINDS: .*= \{\n", f'    "every-other": {kind},\n')
    # a measure
    measures = folder / "reports/measures/table.py"
    function = shown("def bunched").replace("from reports.measures.table import Measured\n", "")
    insert(measures, r"(?m)^(?=MEASURES: )", f"{function}\n\n")
    insert(measures, r"MEASURES: .*= \{\n", '    "bunched": bunched,\n')
    insert(
        folder / "scenarios/expectations.py",
        r"MEASURES: .*= \{\n",
        '    "bunched": Measure("share", None),\n',
    )
    # a projection
    projection = shown("class SoldProjection").replace("PROGRESS, Table", "PROGRESS, SOLD, SoldRow, Table")
    row, rest = re.split(r"(?=class SoldProjection)", projection)
    lines = [line for line in row.splitlines() if line.startswith(("import", "from"))]
    table = [line for line in row.splitlines() if line not in lines]
    (folder / "actors/projections/sold.py").write_text("\n".join([*lines, "", rest]), encoding="utf-8")
    insert(folder / "actors/tables.py", r"(?m)^(?=TABLES_OF_SERVICE: )", "\n".join([*table, "", ""]))
    insert(folder / "actors/tables.py", r"TABLES_OF_SERVICE: .*= \{.*\n", '    "sold": (SOLD, *PROGRESS),\n')
    topology = folder / "actors/topology.py"
    insert(topology, r"CONSUMERS: .*= \{\n", '    "sold": ("orders",),\n')
    insert(topology, r"NODES = \(", '"sold", ')
    insert(topology, r"SERVICES = \(", '"sold", ')
    system = folder / "actors/system.py"
    sold = "from actors.projections.sold import SoldProjection\n"
    insert(system, r"(?m)^(?=from actors\.projections\.summary)", sold)
    insert(system, r"WORKS: .*= \{\n", '    "sold": (Record,),\n')
    begin = "".join(f"    {line}\n" for line in shown("begin(\n    SoldProjection").splitlines())
    insert(system, r"(?m)^(?=    begin\(OrderActor)", begin)


def test_what_the_page_shows_takes_part_in_everything(tmp_path: Path) -> None:
    extended(tmp_path)
    (tmp_path / "extended.toml").write_text(SCENARIO, encoding="utf-8")
    command = [sys.executable, "-c", "from cqrs_lab.cli import main; main()", "run", "extended.toml"]
    done = subprocess.run(
        [*command, "--out", "out"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(?m)^sold +\d+", done.stdout)
    assert "every-other" in done.stdout
    written = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "every other message is lost" in written
    assert "cannot show" not in written
