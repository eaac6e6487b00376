"""The verdict: whether a run did what its scenario expects, as plain data for verdict.json.

It is `unknown` whenever the experiment was not valid, whatever the numbers say: a fault that never fired, a
claim with nothing to judge, a warm phase that was not steady, a load generator that could not keep up.
Otherwise it is `fail` if a claim did not hold, `unknown` if one cannot be decided, and `pass` if all held.

A claim about a sample with censored members is decided where both of its bounds agree: an event that was
never applied may prove that `lag.max < 1s` fails, and never that it holds.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reports.evidence.columns import names
from reports.evidence.following import of_consumer
from reports.evidence.frames import Run
from reports.judging.checked import NOTHING_TO_JUDGE, CounterExample, Question
from reports.judging.checkers import CHECKERS, unfired
from reports.measures.latency import waiting
from reports.measures.steadiness import growth_events
from reports.measures.table import MEASURES, Asked, Measured
from reports.quantities import claimed
from scenarios.expectations import Checker, Expectation
from scenarios.scenario import Scenario

Word = Literal["pass", "fail", "unknown"]

COMMANDS = {
    "carts": "additions to carts",
    "catalogue": "changes of products",
    "restock": "adjustments of stock",
}
"""What the commands of a kind are called, where not by its name."""

EXIT_CODES: Mapping[Word, int] = {"pass": 0, "fail": 1, "unknown": 3}


@dataclass(frozen=True)
class Result:
    """One claim: `held` is None if it cannot be said, and `reason` then says why.

    `margin` is the room left to the limit, negative where it is broken; durations are in seconds.
    `censored` of `sample_size` samples are known only by a bound.
    """

    text: str
    when: str
    held: bool | None
    value: float | None
    limit: float | None
    margin: float | None
    sample_size: int
    censored: int
    counter_examples: tuple[CounterExample, ...]
    count: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The verdict, the exit code that it stands for, every claim, and what made it unknown."""

    verdict: Word
    exit_code: int
    results: tuple[Result, ...]
    unknown_because: tuple[str, ...]


def judge(run: Run, scenario: Scenario, summary: Mapping[str, Any]) -> Verdict:
    """Judge every claim of the scenario over its phase.

    `summary` is what `reports.summary.summarise` made of the run.
    """
    claims = [(claim, expect.when) for expect in scenario.expect for claim in expect.that]
    results: dict[int, Result] = {}
    for index, (claim, when) in enumerate(claims):
        if isinstance(claim, Expectation):
            results[index] = _measure(Asked(run, scenario, run.phases.window(when), claim), when)
        elif claim.name != "faults fired":
            results[index] = _check(run, scenario, claim, when, ())
    empty = [result.text for result in results.values() if result.reason == NOTHING_TO_JUDGE]
    for index, (claim, when) in enumerate(claims):
        if isinstance(claim, Checker) and claim.name == "faults fired":
            results[index] = _check(run, scenario, claim, when, empty)
    ordered = tuple(results[index] for index in range(len(claims)))

    invalid = cut_short(run)  # whose consequences need no cure of their own
    if not invalid:
        invalid = [*_never_fired(scenario, summary), *_empty(empty), *_unsteady(run), *_outpaced(run)]
    return concluded(ordered, invalid)


def concluded(results: Sequence[Result], invalid: Sequence[str]) -> Verdict:
    """The verdict on these results; `invalid` is what forbids to say anything by them."""
    undecided = [
        f"{result.text}: {result.reason}"
        for result in results
        if result.held is None and result.reason != NOTHING_TO_JUDGE
    ]
    word: Word = "pass"
    if invalid:
        word = "unknown"
    elif any(result.held is False for result in results):
        word = "fail"
    elif undecided:
        word = "unknown"
    return Verdict(word, EXIT_CODES[word], tuple(results), (*invalid, *undecided))


def _measure(asked: Asked, when: str) -> Result:
    return measured_result(asked.expectation, MEASURES[asked.expectation.measure](asked), when)


def measured_result(claim: Expectation, found: Measured, when: str) -> Result:
    """The result of a claim for which this was measured."""
    measured = _rounded(found)
    held, reason = decide(claim, measured)
    margin = None
    if measured.value is not None:
        room = claim.value - measured.value
        margin = round(room if claim.op in ("<", "<=") else -room, 9)
    return Result(
        text=claim.text,
        when=when,
        held=held,
        value=measured.value,
        limit=claim.value,
        margin=margin,
        sample_size=measured.sample_size,
        censored=measured.censored,
        counter_examples=(),
        count=0,
        reason=reason,
    )


def decide(claim: Expectation, measured: Measured) -> tuple[bool | None, str]:
    """Whether the claim holds at both bounds of the measured value, and why not known if it is None."""
    if measured.value is None:
        return None, NOTHING_TO_JUDGE
    bounds = (measured.value, measured.value if measured.at_most is None else measured.at_most)
    decisions = {claim.holds(bound) for bound in bounds}
    if len(decisions) == 1:
        return decisions.pop(), ""
    at_least = claimed(claim.text, measured.value)
    what, cure = "samples had not ended with the run", "make settle longer"
    if claim.measure == "recovery":
        what = "recoveries were not reached before another fault or the end"
        cure = "put faults further apart or make settle longer"
    return None, (
        f"{measured.censored} of {measured.sample_size} {what}, so it is only known to be at least "
        f"{at_least}; {cure}"
    )


def _rounded(measured: Measured) -> Measured:
    """The value as it is written out, to the nanosecond: the limit is held against what can be read."""
    if measured.value is None:
        return measured
    at_most = measured.at_most
    if at_most is not None and math.isfinite(at_most):
        at_most = round(at_most, 9)
    return measured._replace(value=round(measured.value, 9), at_most=at_most)


def _check(run: Run, scenario: Scenario, claim: Checker, when: str, empty: Sequence[str]) -> Result:
    question = Question(run, scenario, run.phases.window(when), claim.within, empty)
    checked = CHECKERS[claim.name](question)
    return Result(
        text=claim.text,
        when=when,
        held=checked.held,
        value=None,
        limit=None,
        margin=None,
        sample_size=checked.sample_size,
        censored=0,
        counter_examples=checked.counter_examples,
        count=checked.count,
        reason=checked.reason,
    )


def _never_fired(scenario: Scenario, summary: Mapping[str, Any]) -> list[str]:
    hits: Counter[int] = Counter()
    for occurrence in summary["faults"]:
        hits[occurrence["index"]] += occurrence["hits"]
    return [
        f"fault {index} ({scenario.faults[index].kind} on {scenario.faults[index].on}) touched nothing; "
        "give it a target with traffic, or a longer time"
        for index in unfired(scenario, hits)
    ]


def _empty(texts: Sequence[str]) -> list[str]:
    return [
        f"{text}: {NOTHING_TO_JUDGE}; give the scenario load of this kind in this phase" for text in texts
    ]


def _unsteady(run: Run) -> list[str]:
    warm = run.phases.window("warm")
    growths = {consumer: growth_events(of_consumer(run, consumer), warm) for consumer in run.consumers}
    found = [
        f"the backlog of {consumer} kept growing, by {growth} events"
        for consumer, growth in growths.items()
        if growth
    ]
    for kind in names(run, "commands", "kind"):
        growth = growth_events(waiting(run, kind), warm)
        if growth:
            found.append(f"ever more {COMMANDS.get(kind, kind)} waited for their answers, {growth} more")
    return [
        f"warm was not steady: {what} at least from its second to its last quarter; lower the load or make "
        "warm longer"
        for what in found
    ]


def cut_short(run: Run) -> list[str]:
    """A live run that did not last as long as it was to says in run.json why (`cut_short`)."""
    reason = run.info.get("cut_short")
    return [f"the run was cut short: {reason}; run it again"] if reason else []


def _outpaced(run: Run) -> list[str]:
    """A live run says in run.json under `generator` whether its load generator kept up (`kept_up`)."""
    generator = run.info.get("generator")
    if not isinstance(generator, Mapping) or generator.get("kept_up", True):
        return []
    reason = f" ({generator['reason']})" if generator.get("reason") else ""
    return [f"the load generator could not keep up{reason}; lower the load or give it more processes"]
