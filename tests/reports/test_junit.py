"""Verdicts as JUnit XML: what a reader of such files counts is what was judged."""

from dataclasses import asdict
from xml.etree import ElementTree as ET

import pytest

from cqrs_lab import interactive
from reports.junit import VALID, junit

QUICK = ("phases.warm=2s", "phases.run=20s", "phases.settle=5s")


def result(held, **more):
    known = {"text": "no lost", "when": "always", "held": held, "value": None, "limit": None}
    known |= {"sample_size": 3, "counter_examples": [], "count": 0, "reason": ""}
    return known | more


def parsed(*results, reasons=(), name="a run", **info):
    verdict = {"verdict": "fail", "results": list(results), "unknown_because": list(reasons)}
    return ET.fromstring(junit([(name, info, verdict)]).encode())


def test_each_expectation_is_a_case_and_each_outcome_is_counted():
    undecided = "no lost (always): the run ended first"
    suites = parsed(result(True), result(False), result(None, reason="the run ended first"))
    (suite,) = suites
    for counted in (suites, suite):
        assert {key: counted.get(key) for key in ("tests", "failures", "errors")} == {
            "tests": "3",
            "failures": "1",
            "errors": "1",
        }
    assert [case.get("name") for case in suite.iter("testcase")] == ["no lost (always)"] * 3
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [[], ["failure"], ["error"]]
    assert undecided.endswith(suite.find(".//error").get("message"))


def test_a_failure_has_its_counter_examples():
    examples = [{"order_id": 7, "committed_s": 1.5, "why": None}, {"order_id": 9, "committed_s": 2.5}]
    failure = parsed(result(False, counter_examples=examples, count=12)).find(".//failure")
    assert failure.get("message") == "12 counter-examples"
    assert failure.text.splitlines() == [
        "12 counter-examples",
        "order id 7, committed 1.500 s",
        "order id 9, committed 2.500 s",
        "and 10 more",
    ]


def test_a_broken_limit_says_what_was_found():
    broken = result(False, text="lag.max{summary} < 2s", when="run", value=3.0, limit=2.0)
    case = parsed(broken).find(".//testcase")
    assert case.get("name") == "lag.max{summary} < 2s"
    assert case.find("failure").get("message") == "found 3 s, limit 2 s (of 3)"


def test_an_experiment_that_was_not_valid_is_an_error_though_all_else_holds():
    suites = parsed(result(True), reasons=["fault 0 never fired"])
    assert suites.get("errors") == "1"
    case = suites.findall(".//testcase")[-1]
    assert case.get("name") == VALID
    assert case.find("error").text == "fault 0 never fired"


@pytest.mark.parametrize("text", ["a < b & \"c\" > 'd'", "bell \a and null \0", "snow ☃ and \ud800"])
def test_whatever_a_name_holds_the_document_can_be_read(text):
    (suite,) = parsed(result(True, text=text), name=text)
    assert len(suite.findall("testcase")) == 1


def test_a_run_that_loses_orders_fails_in_the_document_too():
    measured = interactive.run("summary-crash-direct", *QUICK, "fault.0.at=5s", "fault.0.for=5s")
    document = junit([("direct", measured.run.info, asdict(measured.verdict))])
    (suite,) = ET.fromstring(document.encode())
    assert len(suite.findall("testcase")) == len(measured.verdict.results)
    lost = next(case for case in suite.iter("testcase") if case.get("name").startswith("no lost"))
    assert "order id" in lost.find("failure").text
