"""What each fault touched, and how long the read models took to recover from it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from reports.figures.style import called, shown_consumers
from reports.page.markup import Markup, joined, paragraph, section, table, tag
from reports.quantities import duration
from reports.recovery import RUN_ENDED
from scenarios.faultkinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.page.markup import Content
    from reports.page.told import Told

SHOWN = 40
"""So many occurrences at most have a line."""


def faults(told: Told) -> Markup:
    """A line for each occurrence."""
    found = told.summary.get("faults")
    if found is None:
        return section(
            "faults", "Faults", paragraph("The run does not say which faults it had.", class_="facts")
        )
    if not found:
        return section("faults", "Faults", paragraph("Nothing failed in this run."))
    consumers = [name for name in shown_consumers(told.run) if name in found[0]["recovery_s"]]
    heads = ["fault", "from", "to", "touched", *(called(name) for name in consumers)]
    rows = [_row(one, consumers) for one in found[:SHOWN]]
    caption = "How much each fault touched; under each read model how long after its end that had recovered"
    if len(found) > SHOWN:
        caption += f"; the first {SHOWN} of {len(found):,} occurrences"
    return section(
        "faults", "What each fault touched and cost", table(heads, rows, caption), _meant(found), _cost(told)
    )


def _row(one: Mapping[str, Any], consumers: list[str]) -> list[Content]:
    return [
        tag("span", f"{one['kind']} {one['on']}", class_="whole"),
        duration(one["start_s"]),
        duration(one["end_s"]),
        f"{one['hits']:,}",
        *(_recovery(one, name) for name in consumers),
    ]


def _recovery(one: Mapping[str, Any], consumer: str) -> str:
    took_s = one["recovery_s"].get(consumer)
    if took_s is not None:
        return duration(took_s)
    at_least_s = one.get("recovery_at_least_s", {}).get(consumer) or 0.0
    ended = one.get("recovery_censored", {}).get(consumer) == RUN_ENDED
    return f"≥ {duration(at_least_s)}{' (the end)' if ended else ''}" if at_least_s else "–"


def _unrecovered(found: list[Mapping[str, Any]]) -> list[Markup]:
    """What ≥ and – mean, if they occur."""
    if not any(one.get("recovery_censored") for one in found):
        return []
    words = (
        "≥: not yet recovered when the next fault began or the run ended; –: another fault was still active."
    )
    return [paragraph(words, class_="facts")]


def _meant(found: list[Mapping[str, Any]]) -> Markup:
    kinds = dict.fromkeys(one["kind"] for one in found)
    known = [kind for kind in kinds if kind in KINDS]
    return joined(
        paragraph(tag("strong", kind), f": {KINDS[kind].meaning}.", class_="facts") for kind in known
    )


def _cost(told: Told) -> Markup:
    """The command that says what each fault cost: the same seed without it."""
    again = shlex.split(str(told.verdict.get("reproduce", "")))
    if told.run.info.get("engine") != "simulated" or again[:2] != ["cqrs-lab", "run"]:
        return Markup("")
    command = shlex.join(["cqrs-lab", "cost", *again[2:]])
    return joined(
        [
            paragraph("What each fault cost, in every measure, is said by the same seed without it:"),
            tag("pre", tag("code", command)),
        ]
    )
