"""What each checker makes of replicas, dead letters, repeats and statuses, in runs made by hand."""

import dataclasses

import pytest

from actors.policy import ConsumerPolicy, Policy, Retry
from reports.judging.checked import Question
from reports.judging.checkers import CHECKERS
from reports.judging.verdict import judge
from reports.measures import gaps
from reports.measures.handling import handling
from reports.measures.table import MEASURES, Asked
from reports.sentence import sentence
from reports.summary import summarise
from scenarios.expectations import Checker, parse
from scenarios.scenario import Expect, Phases, Scenario

REPLICAS = {"summary": ["orders"], "summary/2": ["orders"]}
COMMITTED = {1: (7, 1.0), 2: (7, 2.0), 3: (8, 3.0)}


def row(order_id, replica="summary", status="confirmed"):
    return replica, order_id, COMMITTED.get(order_id, (7, 0.0))[0], 100, 0, status


def handled(position, at_s, outcome="applied", consumer="summary", attempts=1):
    return consumer, "orders", position, at_s - 0.5, at_s, attempts, outcome


def tables(**changes):
    """Three orders, each followed by both replicas within a second."""
    return {
        "events": [("orders", n, "OrderPlaced", c, n, t) for n, (c, t) in COMMITTED.items()],
        "commands": [
            ("orders", c, n, n, t - 0.5, t, "acknowledged", "", -1, -1) for n, (c, t) in COMMITTED.items()
        ],
        "applied": [handled(n, n + 1.0, consumer=name) for name in REPLICAS for n in COMMITTED],
        "orders": [(n, c, 100, 0, "confirmed") for n, (c, _) in COMMITTED.items()],
        "summaries": [row(n, name) for name in REPLICAS for n in COMMITTED],
    } | changes


@pytest.fixture
def run_with(in_memory):
    def make(changes=None, policy=None, claims=(), consumers=REPLICAS):
        scenario = Scenario(
            name="x",
            phases=Phases(warm=0.0, run=10.0, settle=5.0),
            policy=policy or Policy(),
            expect=(Expect(when="always", that=tuple(map(parse, claims))),) if claims else (),
        )
        return in_memory(tables(**(changes or {})), scenario=scenario, consumers=consumers), scenario

    return make


@pytest.fixture
def checked(run_with):
    def checked(name, changes=None, policy=None):
        run, scenario = run_with(changes, policy)
        claim = parse(name)
        assert isinstance(claim, Checker)
        return CHECKERS[claim.name](Question(run, scenario, run.phases.window("always"), claim.within))

    return checked


@pytest.mark.parametrize("name", ["no lost", "no phantom", "no doubled", "no reordered", "converged"])
def test_where_both_replicas_are_right_every_checker_holds(checked, name):
    assert checked(name).held is True


def without(table, **fields):
    """The rows that differ in some field, by its place."""
    return [r for r in table if any(r[int(place[1:])] != value for place, value in fields.items())]


def test_an_order_that_one_replica_lacks_is_lost_there(checked):
    rows = without(tables()["summaries"], _0="summary/2", _1=2)
    found = checked("no lost", {"summaries": rows})
    assert (found.held, found.count) == (False, 1)
    assert found.counter_examples[0]["replica"] == "summary/2"
    assert found.counter_examples[0]["found"] == "no row, although its event ended as applied at 3 s"


@pytest.mark.parametrize("outcome", ["skipped", "stopped"])
def test_an_order_whose_event_was_skipped_or_stopped_the_consumer_is_lost(checked, outcome):
    changes = {
        "summaries": without(tables()["summaries"], _0="summary", _1=2),
        "applied": [*without(tables()["applied"], _0="summary", _2=2), handled(2, 4.0, outcome)],
    }
    (example,) = checked("no lost", changes).counter_examples
    assert example["found"] == f"no row, although its event ended as {outcome} at 4 s"
    (example,) = checked("converged", changes).counter_examples
    assert (example["consumer"], example["found"]) == ("summary", f"ended as {outcome} at 4 s")


@pytest.mark.parametrize(
    ("claim", "applied_s", "held"),
    [
        ("converged within 2s", 11.0, True),
        ("converged within 2s", 13.0, False),
        ("converged within 5s", 99.0, False),
        ("converged within 6s", 13.0, True),
        ("converged within 6s", 99.0, None),  # settle is over after 5 s: it may have taken 6 s
    ],
)
def test_of_more_time_to_converge_than_settle_lasts_it_can_be_said_only_that_it_sufficed(
    checked, claim, applied_s, held
):
    late = handled(2, applied_s, consumer="summary")
    found = checked(claim, {"applied": [*without(tables()["applied"], _0="summary", _2=2), late]})
    assert found.held is held
    assert ("settle lasts 5 s of the 6 s" in found.reason) is (held is None)


def test_a_dead_letter_keeps_an_order_from_being_lost_in_its_replica_alone(checked):
    changes = {
        "summaries": without(without(tables()["summaries"], _0="summary", _1=2), _0="summary/2", _1=2),
        "applied": [*tables()["applied"][:1], handled(2, 4.0, "parked"), handled(2, 5.0, "duplicate")],
    }
    found = checked("no lost", changes)
    assert [example["replica"] for example in found.counter_examples] == ["summary/2"]


def test_an_order_that_was_acknowledged_and_never_stored_is_lost(checked):
    told = ("orders", 7, -1, 0, 4.0, 4.5, "acknowledged", "", -1, -1)
    found = checked("no lost", {"commands": [*tables()["commands"], told]})
    assert found.counter_examples[0]["found"] == "not among the command side's orders either"


def test_two_rows_of_an_order_are_doubled_only_within_one_replica(checked):
    found = checked("no doubled", {"summaries": [*tables()["summaries"], row(2, "summary/2")]})
    assert (found.held, found.count) == (False, 1)
    assert (found.counter_examples[0]["replica"], found.counter_examples[0]["order_id"]) == ("summary/2", 2)


def test_a_row_without_an_order_is_a_phantom_and_nothing_else(checked):
    rows = [*tables()["summaries"], row(9), row(9)]
    assert checked("no phantom", {"summaries": rows}).count == 2
    assert checked("no doubled", {"summaries": rows}).held is True


def test_what_follows_from_one_customers_orders_keeps_its_order_in_each_replica(checked):
    late = [*without(tables()["applied"], _0="summary/2", _2=1), handled(1, 9.0, consumer="summary/2")]
    (example,) = checked("no reordered", {"applied": late}).counter_examples
    assert (example["replica"], example["position"], example["found"]) == (
        "summary/2", 1, "applied after position 2",
    )  # fmt: skip


def test_an_event_that_takes_effect_again_is_not_reordered_by_that(checked):
    assert checked("no reordered", {"applied": [*tables()["applied"], handled(1, 9.0)]}).held is True


@pytest.mark.parametrize(
    ("on_error", "attempts", "most"), [("retry", 0, 9), ("retry", 2, 3), ("park", 0, 1), ("skip", 5, 1)]
)
def test_an_event_is_tried_no_more_often_than_the_policy_says(checked, on_error, attempts, most):
    overrides = {"summary": ConsumerPolicy(on_error=on_error, retry=Retry(attempts=attempts))}
    policy = Policy(overrides=overrides)
    allowed = [handled(1, 2.0, consumer="summary/2", attempts=most)]
    assert checked("in bounds", {"applied": allowed}, policy).held is True
    if most < 9:
        too_often = [handled(1, 2.0, consumer="summary/2", attempts=most + 1)]
        (example,) = checked("in bounds", {"applied": too_often}, policy).counter_examples
        assert (example["consumer"], example["position"]) == ("summary/2", 1)


def test_no_more_messages_wait_at_a_node_than_the_inboxes_of_its_replicas_hold(checked):
    policy = Policy(overrides={"summary": ConsumerPolicy(inbox=5, replicas=2)})
    depths = [("summary", 1.0, 10), ("orders", 1.0, 999)]
    assert checked("in bounds", {"queues": depths}, policy).held is True
    (example,) = checked("in bounds", {"queues": [("summary", 2.0, 11)]}, policy).counter_examples
    assert example == {
        "node": "summary",
        "at_s": 2.0,
        "expected": "at most 10 messages waiting",
        "found": "11 messages",
    }


def test_the_gaps_of_all_replicas_are_counted_together(run_with):
    rows = [row(1), row(3), row(1, "summary/2"), row(2, "summary/2"), row(3, "summary/2", status="pending")]
    run, _ = run_with({"summaries": rows})
    assert gaps.counts(run) == {
        "missing": 1, "extra": 0, "doubled": 0, "wrong": 1, "pending": 0, "parked": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("statistic", "value"), [("missing", 1.0), ("wrong", 0.0), ("doubled", 1.0)])
def test_a_gap_of_the_customers_view_is_a_measure(run_with, statistic, value):
    run, scenario = run_with({"summaries": [row(1), row(1), row(3)]}, consumers={"summary": ["orders"]})
    asked = Asked(run, scenario, run.phases.window("run"), parse(f"gaps.{statistic}{{summary}} <= 0"))
    assert MEASURES["gaps"](asked) == (value, 3, 0, None)


def test_a_measure_of_a_replicated_consumer_is_that_of_its_worst_replica(run_with):
    late = [*without(tables()["applied"], _0="summary/2", _2=2), handled(2, 9.0, consumer="summary/2")]
    run, scenario = run_with({"applied": late})

    def measured(text):
        asked = Asked(run, scenario, run.phases.window("run"), parse(text))
        return MEASURES[asked.expectation.measure](asked)

    assert measured("lag.max{summary} < 1s").value == 7.0
    assert measured("lag.max{summary} < 1s").sample_size == 6
    assert measured("visible_within(2s){summary} > 0.9").value == pytest.approx(2 / 3)
    never = [*without(tables()["applied"], _0="summary/2", _2=2)]
    run, scenario = run_with({"applied": never})
    lag = measured("lag.max{summary} < 1s")
    assert (lag.value, lag.censored, lag.at_most) == (13.0, 1, float("inf"))
    assert measured("lag.max{inventory} < 1s").value is None


def test_a_dead_letter_grows_old_until_it_is_replayed(run_with):
    parked = [handled(1, 2.0, "parked"), handled(2, 3.0, "parked"), handled(3, 4.0)]
    run, _ = run_with({"applied": parked})
    done = handling(run, "summary", run.phases.window("run"))
    assert (done.dead_letters, done.oldest_dead_letter_s) == (2, 13.0)
    run, _ = run_with({"applied": [*parked, handled(1, 5.0)]})
    assert handling(run, "summary", run.phases.window("run")).oldest_dead_letter_s == 12.0
    assert summarise(run)["applied"]["summary"]["oldest_dead_letter_s"] == 12.0


def test_a_read_that_was_marked_as_old_is_judged_like_any_other(run_with):
    reads = [("history", 7, 7, 4.0, 4.0, 1, "stale"), ("history", 7, 7, 5.0, 5.0, 2, "ok")]
    run, _ = run_with({"reads": reads})
    made = summarise(run)
    assert made["reads"]["history"] == {
        "count": 2, "failed": 0, "marked_stale": 1, "judged": 2, "stale": 1, "stale_ratio": 0.5,
        "mean_versions_behind": 0.5,
    }  # fmt: skip
    assert made["session"]["read_your_writes"] == {"opportunities": 2, "violations": 1}
    assert made["session"]["monotonic_reads"] == {"opportunities": 1, "violations": 0}


def test_the_sentence_names_the_replica_that_lost_an_order(run_with):
    changes = {
        "summaries": without(tables()["summaries"], _0="summary/2", _1=2),
        "applied": without(tables()["applied"], _0="summary/2", _2=2),
    }
    run, scenario = run_with(changes, claims=("no lost",))
    summary = summarise(run)
    said = sentence(run, scenario, summary, judge(run, scenario, summary))
    assert said.startswith("With nothing failing, 1 of 3 orders was lost to copy 2 of the summary for good;")


def test_the_sentence_says_what_the_saga_turned_down_and_what_has_no_name(run_with):
    orders = [(1, 7, 100, 0, "confirmed"), (2, 7, 100, 0, "rejected"), (3, 8, 100, 0, "confirmed")]
    rows = [row(1), row(2, status="rejected"), row(3)]
    run, scenario = run_with(
        {"orders": orders, "summaries": rows, "items": [(0, 1, 1, 5, 1)]}, consumers={"summary": ["orders"]}
    )
    summary = summarise(run)
    said = sentence(run, scenario, summary, judge(run, scenario, summary))
    assert "1 order was shown without the name of a product" in said
    assert "1 order was accepted and rejected later" in said


def test_a_checker_never_changes_what_it_judges(run_with):
    run, scenario = run_with()
    before = {name: table.copy() for name, table in run.tables.items()}
    for name in CHECKERS:
        CHECKERS[name](Question(run, scenario, run.phases.window("run")))
    assert all(table.equals(before[name]) for name, table in run.tables.items())
    fresh = dataclasses.replace(run, memory={})
    for name in CHECKERS:
        question = Question(run, scenario, run.phases.window("run"))
        assert CHECKERS[name](question) == CHECKERS[name](question._replace(run=fresh))
