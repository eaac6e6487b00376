"""The page about a run: one self-contained HTML file that explains itself."""

from reports.page.page import page
from reports.page.told import Change, Told

__all__ = ["Change", "Told", "page"]
