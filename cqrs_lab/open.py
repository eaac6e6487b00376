"""A run's report in the browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

from cqrs_lab.report import PAGE, write_report
from reports.evidence.frames import folder_of

if TYPE_CHECKING:
    from pathlib import Path


def report_of(run: str) -> Path:
    """The report of the run; it is written if there is none.

    Raises:
        RunError: there is no such run, or nothing can be said of it.

    """
    folder = folder_of(run)
    page = folder / PAGE
    return page if page.is_file() else write_report(folder)


def show_in_browser(page: Path) -> bool:
    """Open the page with the user's browser; False if there is none."""
    return webbrowser.open(page.resolve().as_uri())
