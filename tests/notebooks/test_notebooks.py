"""The notebooks: each runs from top to bottom, shows what it says, and only calls the packages."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
BYTES_MAX = 700_000
CELL_TIMEOUT_S = 120


def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / name, as_version=4)


def code(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(name).cells if cell.cell_type == "code"]


def plain(source: str) -> str:
    """Without the lines that are IPython's own."""
    if source.startswith("%%"):
        return ""
    return "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))


def test_there_are_notebooks_and_each_has_the_next_number() -> None:
    assert [name[:2] for name in NOTEBOOKS] == [f"{number:02}" for number in range(len(NOTEBOOKS))] != []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "runs"))
    before = {path.name for path in folder.iterdir()}
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook(name), timeout=CELL_TIMEOUT_S, kernel_name="python3", resources=where).execute()
    assert {path.name for path in folder.iterdir()} - {"runs"} == before, "it leaves something behind"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_stored_with_its_outputs_small_and_free_of_errors(name: str) -> None:
    cells = code(name)
    assert (FOLDER / name).stat().st_size < BYTES_MAX
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert "error" not in kinds
    assert "display_data" in kinds or "execute_result" in kinds


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_figure_of_it_is_seen(name: str) -> None:
    for cell in code(name):
        for output in cell.outputs:
            shown = output.get("data", {})
            assert "image/png" in shown or "<Figure" not in shown.get("text/plain", ""), cell.source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_its_code_calls_the_packages_and_defines_nothing(name: str) -> None:
    for cell in code(name):
        defined = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.Lambda)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(plain(cell.source))))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_its_links_lead_to_files_that_are_there(name: str) -> None:
    prose = "\n".join(cell.source for cell in notebook(name).cells if cell.cell_type == "markdown")
    targets = [link for link in re.findall(r"\]\(([^)#\s]+)", prose) if not re.match(r"[a-z]+:", link)]
    assert [link for link in targets if not (FOLDER / link).exists()] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_says_nothing_of_the_machine_it_was_made_on(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"/(home|work|tmp|root|Users)/", text)
