"""The opening of the page: the verdict as a sentence, what is missing, the question and what was varied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reports.page.markup import Markup, joined, paragraph, section, table, tag
from reports.quantities import duration

if TYPE_CHECKING:
    from reports.page.told import Told

LONG = 240
"""A sentence of more letters is set smaller."""

ENGINES = {
    "simulated": "simulated in virtual time",
    "live": "run live: a real server, database and clients",
    "probe": "a probe: a system seen from outside, by its clients",
}


def verdict(told: Told) -> Markup:
    """The verdict, the sentence, the facts of the run, and what is missing."""
    word = str(told.verdict.get("verdict") or "unknown")
    sentence = str(told.verdict.get("sentence") or "This run has no verdict: it was not judged, or not kept.")
    return joined(
        [
            tag("h1", told.name),
            paragraph(
                tag("span", word.upper(), class_=f"word {word}"),
                " ",
                unbroken(sentence),
                class_="sentence long" if len(sentence) > LONG else "sentence",
            ),
            paragraph(*_facts(told), class_="facts"),
            *_notices(told),
        ]
    )


def unbroken(text: str) -> str:
    r"""The text with no line broken between a number and its unit.

    >>> unbroken("for 30 s, 5 % of 12 orders").split(" ")
    ['for', '30\xa0s,', '5\xa0%', 'of', '12', 'orders']
    """
    return re.sub(r"(?<=\d) (?=(?:s|ms|µs|min|h|%)(?!\w))", "\N{NO-BREAK SPACE}", text)


def _facts(told: Told) -> list[Markup]:
    info, phases = told.run.info, told.run.phases
    engine = ENGINES.get(str(info.get("engine")), str(info.get("engine", "by an unknown engine")))
    facts = [
        engine,
        f"seed {info['seed']}" if info.get("seed") is not None else "",
        f"warm {duration(phases.warm_s)}, run {duration(phases.run_s)}, settle {duration(phases.settle_s)}",
        _orders(told),
        str(info.get("started_at", "")).replace("T", " ").replace("+00:00", " UTC"),
    ]
    return [tag("span", fact, class_="fact") for fact in facts if fact]


def _orders(told: Told) -> str:
    orders = told.summary.get("orders") or {}
    counts = [f"{count:,} {what}" for what, count in orders.items() if count or what == "acknowledged"]
    return f"orders: {', '.join(counts)}" if counts else ""


def _notices(told: Told) -> list[Markup]:
    found = []
    if told.missing:
        lines = [tag("li", one) for one in told.missing]
        found.append(_notice("What this page cannot show, or only with care:", lines))
    unknown = [tag("li", str(one)) for one in told.verdict.get("unknown_because", ())]
    if unknown:
        found.append(_notice("It cannot be said whether this run passes:", unknown))
    failures = told.run.info.get("actor_failures") or []
    if failures:
        lines = [tag("li", _failure(one)) for one in failures[:8]]
        title = f"{len(failures):,} failures stopped an actor" + (
            ", the first:" if len(failures) > 8 else ":"
        )
        found.append(_notice(title, lines))
    return found


def _failure(failure: dict[str, Any]) -> str:
    return f"{failure.get('actor')} at {duration(failure.get('at_s'))}: {failure.get('error')}"


def _notice(title: str, lines: list[Markup]) -> Markup:
    return tag("div", tag("strong", title), tag("ul", *lines), class_="notice", role="note")


def question(told: Told) -> Markup:
    """What was asked, and what differs from the scenario that comes with the lab."""
    parts = [paragraph(told.question)] if told.question else []
    if told.is_probe:
        target = tag("code", str(told.run.info.get("target", "–")))
        return section("question", "The question", *parts, paragraph("Asked of ", target, class_="facts"))
    if told.varied is None:
        parts.append(paragraph("This scenario is not one of those that come with the lab.", class_="facts"))
    elif told.varied:
        rows = [(tag("code", one.key), _value(one.here), _value(one.there)) for one in told.varied]
        caption = f"What differs from {told.name} as it comes with the lab"
        parts.append(table(["key", "here", "in the library"], rows, caption))
    else:
        parts.append(paragraph("Run as it comes with the lab: nothing was varied.", class_="facts"))
    return section("question", "The question, and what was varied", *parts)


def _value(value: Any) -> Markup | str:
    return "–" if value is None else tag("code", str(value))
