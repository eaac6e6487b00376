"""The page as a whole: its parts in their order, and what stands in place of one that cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.evidence.frames import CONTRADICTIONS, RunError
from reports.page import clients, curves, expectations, faults, gaps, making, opening, worst
from reports.page.look import CSS
from reports.page.markup import Markup, html, joined, paragraph, section, tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.page.told import Told

SECTIONS: dict[str, Callable[[Told], Markup]] = {
    "question": opening.question,
    "expectations": expectations.expectations,
    "consistency": curves.consistency,
    "backlog": curves.backlog,
    "visibility": curves.visibility,
    "tail": curves.tail,
    "violations": curves.violations,
    "faults": faults.faults,
    "gaps": gaps.gaps,
    "worst": worst.worst,
    "clients": clients.clients,
    "letters": gaps.letters,
    "decisions": making.decisions,
    "reproduce": making.reproduce,
}
"""The parts of the page in their order. To add one, write a function and add its line."""

OUTSIDE = ("question", "expectations", "clients", "reproduce")
"""The parts of a page about a system that was only seen from outside."""


def page(told: Told) -> str:
    """The page as HTML; it needs nothing else, runs no script and asks no network."""
    keys = [key for key in SECTIONS if not told.is_probe or key in OUTSIDE]
    parts = [_part(told, key) for key in keys]
    word = str(told.verdict.get("verdict") or "unknown").upper()
    return whole(f"{word} {told.name}", opening.verdict(told), joined(parts))


def whole(title: str, header: Markup, main: Markup) -> str:
    """The HTML of a page that needs nothing but itself."""
    head = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            Markup('<link rel="icon" href="data:,">'),
            tag("title", f"{title} – cqrs-lab"),
            tag("style", Markup(CSS)),
        ]
    )
    body = joined(
        [
            tag("header", header),
            tag("main", main),
            tag("footer", paragraph("Written by cqrs-lab from the run's own tables.")),
        ]
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{html(head)}</head>\n<body>{html(body)}</body></html>\n'


POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may load for the page: nothing."""


def _part(told: Told, key: str) -> Markup:
    """One part of the page, or why it cannot be made of what the folder holds."""
    try:
        return SECTIONS[key](told)
    except RunError as error:
        why = str(error)
    except CONTRADICTIONS as error:
        why = f"the tables do not fit together ({type(error).__name__}: {error})"
    return section(key, key.capitalize(), paragraph(f"This cannot be shown: {why}.", class_="notice"))
