"""Verdicts as JUnit XML, which systems for continuous integration read.

A run is a test suite, and each of its expectations a test case: one that does not hold is a failure with its
counter-examples, one that cannot be decided an error. What made the whole run unknown, such as a fault that
never fired, is an error of a case of its own, `the experiment is valid`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reports.quantities import claimed, fact, name_of_fact

Named = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""A run's name, what run.json says of it, and its verdict.json."""

VALID = "the experiment is valid"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold."""


def junit(runs: Iterable[Named]) -> str:
    """The document; a time is that which a run has taken, in seconds."""
    suites = Element("testsuites", name="cqrs-lab")
    for name, info, verdict in runs:
        _suite(suites, name, info, verdict)
    counts = {key: sum(int(suite.get(key, "0")) for suite in suites) for key in _COUNTS}
    for key, count in counts.items():
        suites.set(key, str(count))
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


_COUNTS = ("tests", "failures", "errors")


def _suite(suites: Element, name: str, info: Mapping[str, Any], verdict: Mapping[str, Any]) -> None:
    suite = SubElement(suites, "testsuite", name=_clean(name))
    results, reasons = verdict["results"], _invalid(verdict)
    suite.set("tests", str(len(results) + bool(reasons)))
    suite.set("failures", str(sum(result["held"] is False for result in results)))
    suite.set("errors", str(sum(result["held"] is None for result in results) + bool(reasons)))
    suite.set("skipped", "0")
    suite.set("time", f"{float(info.get('wall_time_s', 0.0)):.3f}")
    if "started_at" in info:
        suite.set("timestamp", str(info["started_at"])[:19])
    properties = SubElement(suite, "properties")
    for key, value in (
        ("verdict", verdict["verdict"]),
        ("engine", info.get("engine", "")),
        ("reproduce", verdict.get("reproduce", "")),
    ):
        SubElement(properties, "property", name=key, value=_clean(value))
    for result in results:
        _case(suite, name, result)
    if reasons:
        case = SubElement(suite, "testcase", name=VALID, classname=_clean(name), time="0")
        SubElement(case, "error", message=_clean(reasons[0]), type="unknown").text = _clean(
            "\n".join(reasons)
        )


def _invalid(verdict: Mapping[str, Any]) -> list[str]:
    """Why the run is unknown, without what is said of an expectation alone."""
    of_results = [f"{result['text']}: " for result in verdict["results"] if result["held"] is None]
    return [
        reason for reason in verdict["unknown_because"] if not any(map(str(reason).startswith, of_results))
    ]


def _case(suite: Element, name: str, result: Mapping[str, Any]) -> None:
    text = result["text"] if result["when"] == "run" else f"{result['text']} ({result['when']})"
    case = SubElement(suite, "testcase", name=_clean(text), classname=_clean(name), time="0")
    if result["held"] is True:
        return
    if result["held"] is None:
        said = result["reason"] or "it cannot be said"
        SubElement(case, "error", message=_clean(said), type="unknown").text = _clean(said)
        return
    lines = [_found(result), *(_example(example) for example in result["counter_examples"])]
    more = result["count"] - len(result["counter_examples"])
    if result["counter_examples"] and more > 0:
        lines.append(f"and {more:,} more")
    SubElement(case, "failure", message=_clean(lines[0]), type="broken").text = _clean("\n".join(lines))


def _found(result: Mapping[str, Any]) -> str:
    if result["counter_examples"]:
        return f"{result['count']:,} counter-example{'s' if result['count'] > 1 else ''}"
    if result["value"] is None:
        return str(result["reason"] or "it does not hold")
    value, limit = (claimed(result["text"], result[key]) for key in ("value", "limit"))
    return f"found {value}, limit {limit} (of {result['sample_size']:,})"


def _example(example: Mapping[str, Any]) -> str:
    facts = {key: value for key, value in example.items() if value not in (None, "")}
    return ", ".join(f"{name_of_fact(key)} {fact(key, value)}" for key, value in facts.items())


def _clean(text: object) -> str:
    return _FORBIDDEN.sub("�", str(text))
