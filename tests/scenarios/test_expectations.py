import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.expectations import CHECKERS, MEASURES, OPERATORS, Checker, Expectation, parse


@st.composite
def claims(draw: st.DrawFn) -> Expectation | Checker:
    if draw(st.booleans()):
        name = draw(st.sampled_from(CHECKERS))
        within = draw(st.none() | st.floats(min_value=0, max_value=1e6)) if name == "converged" else None
        return Checker(name, within)
    name = draw(st.sampled_from(sorted(MEASURES)))
    measure = MEASURES[name]
    most = 1 if measure.unit == "share" else 1e12
    return Expectation(
        measure=name,
        part=draw(st.sampled_from(measure.names)) if measure.parts else None,
        op=draw(st.sampled_from(sorted(OPERATORS))),
        value=draw(st.floats(min_value=0, max_value=most)),
        statistic=draw(st.sampled_from(measure.statistics)) if measure.statistics else None,
        argument=draw(st.floats(min_value=0, max_value=1e6)) if measure.argument else None,
    )


@given(claims())
def test_the_text_of_a_claim_reads_back_as_the_same(claim: Expectation | Checker) -> None:
    assert parse(claim.text) == claim


@pytest.mark.parametrize(
    "text",
    [
        "lag.p99{summary} < 2s",
        "lag.max{inventory} < 10s",
        "backlog.max{summary} < 5000",
        "time_behind.max{summary} < 40s",
        "stale_reads{history} < 0.01",
        "visible_within(2s){summary} >= 0.99",
        "read_your_writes < 0.05",
        "monotonic_reads <= 0",
        "recovery{summary} < 30s",
        "oversold <= 0",
        "dead_letters <= 0",
        "gaps.wrong{summary} <= 0",
        "success{orders} >= 0.999",
        "latency.p99{POST /orders} < 200ms",
        "latency.mean{GET /customer/{id}/orders} < 200ms",
        "age_of_information.mean{summary} < 1m",
        *CHECKERS,
        "converged within 20s",
    ],
)
def test_every_form_of_the_format_is_understood_and_written_as_it_was(text: str) -> None:
    assert parse(text).text == text


def test_spaces_do_not_matter() -> None:
    assert parse(" lag.p99{ summary }<2s ") == parse("lag.p99{summary} < 2s")
    assert parse("no  lost") == Checker("no lost")


def test_a_limit_holds_as_its_operator_says_and_never_for_what_is_not_known() -> None:
    assert parse("oversold <= 0").holds(0.0)  # type: ignore[union-attr]
    assert not parse("lag.p99{summary} < 2s").holds(2.0)  # type: ignore[union-attr]
    assert not parse("success{orders} >= 0.9").holds(math.nan)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("lagg.p99{summary} < 2s", 'the nearest is "lag"'),
        ("lag.p98{summary} < 2s", 'the nearest is "p99"'),
        ("lag.p99{sumary} < 2s", 'the nearest is "summary"'),
        ("lag.p99{summary} < 2", 'write "2s"'),
        ("lag.p99{summary} < ", 'has no limit; write it like "lag.p99{summary} < 2s"'),
        ("lag.p99{summary}", "is not an expectation"),
        ("lag.p99{summary} == 2s", 'Write one of "<", "<=", ">", ">="'),
        ("lag.p99 < 2s", 'write "lag.p99{inventory} < 2s"'),
        ("lag < 2s", 'write "lag.max{inventory} < 2s"'),
        ("lag{summary} < 2s", 'write "lag.max{summary} < 2s"'),
        ("latency.p99 < 200ms", 'write "latency.p99{orders} < 200ms"'),
        ("gaps.wrong <= 0", 'write "gaps.wrong{summary} <= 0"'),
        ("gaps.wrong{inventory} <= 0", 'Write one of "summary"'),
        ("gaps.late{summary} <= 0", 'Write one of "missing", "extra"'),
        ("gaps.wrong{summary} < 5s", "is a count"),
        ("oversold{summary} <= 0", 'has no parts; write "oversold <= 0"'),
        ("oversold.max <= 0", 'has no statistics; write "oversold <= 0"'),
        ("oversold <= 2s", "is a count"),
        ("stale_reads{history} < 5%", '"stale_reads{history} < 0.01"'),
        ("stale_reads{history} < 5", "at most 1"),
        ("stale_reads{summary} < 0.1", "is not a part of stale_reads"),
        ("visible_within{summary} >= 0.99", 'write "visible_within(2s){summary} >= 0.99"'),
        ("lag.max(2s){summary} < 1s", 'takes no argument; write "lag.max{summary} < 1s"'),
        ("no losses", 'the nearest is "no lost"'),
        ("no lost within 20s", 'write "no lost"'),
        ("converged within 20", 'write "20s"'),
        ("", "is not a checker"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused_with_its_cure(text: str, cure: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert cure in str(caught.value)


@given(st.text(alphabet="lag.p9{}<>= summary()2sno t", max_size=30))
def test_any_text_is_a_claim_or_a_scenario_error(text: str) -> None:
    try:
        claim = parse(text)
    except ScenarioError:
        return
    assert parse(claim.text) == claim
