"""What each fault touched, and how long the read models took to recover from it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from reports.evidence.frames import RunError
from reports.measures.meanwhile import meanwhile
from reports.page.markup import Markup, html, joined, paragraph, section, table, tag
from reports.quantities import duration, quantity
from reports.read_models import called, shown_consumers
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
    heads = ["no.", "fault", "from", "to", "touched", *(called(name) for name in consumers)]
    rows = [_row(told, one, consumers) for one in found[:SHOWN]]
    first = f"; the first {SHOWN} of {len(found):,} occurrences" if len(found) > SHOWN else ""
    caption = (
        "When each fault lasted, how much it touched, and how long after its end each read model had "
        f"recovered{first}"
    )
    return section(
        "faults",
        "What each fault touched and cost",
        table(heads, rows, caption),
        *_unrecovered(found),
        _meanwhile(told, found, consumers),
        _meant(found),
        _cost(told),
    )


def _row(told: Told, one: Mapping[str, Any], consumers: list[str]) -> list[Content]:
    return [
        str(one["index"]),
        joined([tag("span", f"{one['kind']} {one['on']}", class_="whole"), _details(told, one["index"])]),
        duration(one["start_s"]),
        duration(one["end_s"]),
        f"{one['hits']:,}",
        *(_recovery(one, name) for name in consumers),
    ]


def _details(told: Told, index: int) -> Markup:
    """What the scenario says of the fault beside its kind, its target and its time."""
    given = told.faults.get(index, {})
    words = [f"{key} = {value}" for key, value in given.items() if key not in NAMED]
    return tag("div", tag("code", ", ".join(words)), class_="facts") if words else Markup("")


NAMED = ("kind", "on", "at", "for", "enabled")
"""What the other columns say of a fault."""


def _meanwhile(told: Told, found: list[Mapping[str, Any]], consumers: list[str]) -> Markup:
    """What lay in the time of each fault, beside the time without any; nothing if a table is missing."""
    try:
        times = meanwhile(told.run, SHOWN)
    except RunError:
        return Markup("")
    names = [*(f"{one['index']} {one['kind']} {one['on']}" for one in found), "without any fault"]
    rows: list[list[Content]] = [
        [
            tag("span", names[one.occurrence], class_="whole"),
            *(_largest(one.lag_s.get(name), never=name in one.never) for name in consumers),
            _part(one.stale, one.reads),
            _part(one.refused, one.orders),
        ]
        for one in (times[-1], *times[:-1])
    ]
    heads = ["meanwhile", *(called(name) for name in consumers), "stale reads", "orders refused"]
    caption = (
        "What happened while each fault lasted and was being recovered from: the largest lag of each read "
        "model, the shares of reads that were stale and of orders that were not accepted"
    )
    return table(heads, rows, caption)


def _largest(lag_s: float | None, *, never: bool) -> str:
    return f"{'≥ ' if never else ''}{duration(lag_s)}"


def _part(some: int, of: int) -> str:
    return quantity(some / of, "share") if of else "–"


def _recovery(one: Mapping[str, Any], consumer: str) -> str:
    took_s = one["recovery_s"].get(consumer)
    if took_s is not None:
        return duration(took_s)
    at_least_s = one.get("recovery_at_least_s", {}).get(consumer) or 0.0
    return f"≥ {duration(at_least_s)}" if at_least_s else "–"


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
        paragraph(tag("strong", kind), ": ", _with_code(KINDS[kind].meaning), ".", class_="facts")
        for kind in known
    )


def _with_code(text: str) -> Markup:
    """The text with what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html(text)))


def _cost(told: Told) -> Markup:
    """The command that says what each fault cost: the same seed without it."""
    again = shlex.split(str(told.verdict.get("reproduce", "")))
    if told.run.info.get("engine") != "simulated" or again[:2] != ["cqrs-lab", "run"]:
        return Markup("")
    command = shlex.join(["cqrs-lab", "cost", *again[2:]])
    return joined(
        [
            paragraph("What is due to each fault alone is said by the same seed without it:"),
            tag("pre", tag("code", command)),
        ]
    )
