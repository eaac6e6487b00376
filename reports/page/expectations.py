"""The expectations: what was claimed, what was found, how much room was left, and who speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.page.markup import Markup, joined, paragraph, section, table, tag
from reports.quantities import claimed, fact, name_of_fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.page.markup import Content
    from reports.page.told import Told

HEADS = ("expected", "in", "result", "found", "limit", "margin", "samples")


def expectations(told: Told) -> Markup:
    """Every claim with value, limit and margin."""
    results = told.verdict.get("results") or ()
    if not told.verdict:
        return section(
            "expectations", "Expectations", paragraph("This run was not judged, or it is not known.")
        )
    if not results:
        return section("expectations", "Expectations", paragraph("Nothing was expected of this run."))
    rows = [_row(result) for result in results]
    caption = "A margin is the room that was left to the limit; it is negative where the limit was broken."
    return section("expectations", "Expectations", table(HEADS, rows, caption), _reasons(results))


def _row(result: Mapping[str, Any]) -> list[Content]:
    text = result["text"]
    censored = result.get("censored") or 0
    samples = f"{result['sample_size']:,}" + (f" ({censored:,} had not ended)" if censored else "")
    return [
        tag("code", text),
        str(result["when"]),
        _mark(result["held"]),
        _found(result),
        claimed(text, result["limit"]),
        claimed(text, result["margin"]),
        samples,
    ]


def _mark(held: bool | None) -> Markup:
    words = {True: ("✓ held", "held"), False: ("✗ broken", "broken"), None: ("? unknown", "unknown")}
    text, kind = words[held]
    return tag("span", text, class_=kind)


def _found(result: Mapping[str, Any]) -> str:
    if result["value"] is not None:
        return claimed(result["text"], result["value"])
    if result["count"]:
        return "1 counter-example" if result["count"] == 1 else f"{result['count']:,} counter-examples"
    return "" if result["reason"] else "no counter-example"


def _reasons(results: Sequence[Mapping[str, Any]]) -> Markup:
    return joined(
        paragraph(tag("code", result["text"]), f": {result['reason']}.", class_="facts")
        for result in results
        if result["reason"]
    )


def counter_examples(told: Told) -> list[Markup]:
    """A table of the counter-examples of each claim that has some."""
    return [_examples(result) for result in told.verdict.get("results") or () if result["counter_examples"]]


def _examples(result: Mapping[str, Any]) -> Markup:
    shown = result["counter_examples"]
    heads = list(dict.fromkeys(key for example in shown for key in example))
    rows = [[fact(key, example.get(key)) for key in heads] for example in shown]
    caption = f"Against “{result['text']}”: "
    caption += "all there are" if len(shown) == result["count"] else f"{len(shown)} of {result['count']:,}"
    return table([name_of_fact(head) for head in heads], rows, caption)
