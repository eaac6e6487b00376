"""Measures as tidy frames say the same as the measures themselves, on one run with a fault in it."""

import numpy as np
import pytest

from cqrs_lab import interactive
from reports.evidence.following import of_consumer
from reports.measures import backlog, gaps, tidy
from reports.measures.lag import lags
from reports.measures.reads import staleness
from reports.measures.time_behind import time_behind

SHORT = ("phases.warm=2s", "phases.run=20s", "phases.settle=10s", "fault.0.at=5s", "fault.0.for=5s")


@pytest.fixture(scope="module")
def run():
    return interactive.run("products-outage", *SHORT).run


def test_there_is_one_lag_for_each_event_and_consumer(run):
    window = run.phases.window("run")
    frame = tidy.lag(run, window)
    assert list(frame.columns) == [
        *("consumer", "source", "position", "type", "committed_s", "applied_s", "lag_s", "at_least_s")
    ]
    for consumer in run.consumers:
        mine = frame[frame["consumer"] == consumer]
        assert sorted(mine["at_least_s"]) == pytest.approx(
            lags(of_consumer(run, consumer), window).at_least_s
        )


def test_an_event_that_was_never_applied_has_an_infinite_lag(in_memory):
    frame = tidy.lag(in_memory({"events": [("orders", 1, "OrderPlaced", 7, 1, 0.25)]}))
    assert frame["lag_s"].tolist() == [np.inf]
    assert np.isnan(frame["applied_s"][0])
    assert frame["at_least_s"][0] == in_memory({}).phases.end_s - 0.25


def test_the_steps_of_the_backlog_are_those_of_the_measure(run):
    frame = tidy.backlog(run)
    for consumer in run.consumers:
        mine = frame[frame["consumer"] == consumer]
        counted = backlog.at(of_consumer(run, consumer), mine["at_s"].to_numpy())
        assert mine["backlog_events"].tolist() == counted.tolist()
        assert mine["at_s"].is_monotonic_increasing


def test_the_highest_ramp_is_the_largest_time_behind(run):
    frame = tidy.time_behind(run)
    for consumer in run.consumers:
        mine = frame[frame["consumer"] == consumer]
        largest = time_behind(of_consumer(run, consumer), run.phases.window("always")).maximum
        assert mine["high_s"].max() == pytest.approx(largest)
    assert (frame["end_s"] - frame["start_s"]).to_numpy() == pytest.approx(frame["high_s"] - frame["low_s"])


def test_visibility_rises_with_time_to_all_events(run):
    frame = tidy.visibility(run, window=run.phases.window("run"))
    for _, curve in frame.groupby("consumer", observed=True):
        assert curve["visible_share"].is_monotonic_increasing
        assert curve["visible_share"].iloc[-1] == 1.0


def test_stale_reads_are_those_of_the_measure(run):
    frame = tidy.reads(run)
    for kind in ("history", "own"):
        mine = frame[frame["kind"] == kind]
        assert mine["stale"].sum() == staleness(run, kind, run.phases.window("always")).stale > 0


def test_the_last_count_of_gaps_is_what_is_left_for_good(run):
    frame = tidy.gaps(run)
    last = frame.groupby("kind").last()["count"]
    assert {kind: last[kind] for kind in gaps.KINDS} == gaps.counts(run)
    assert frame[frame["kind"] == "missing"]["count"].max() > 0


def test_commands_and_handlings_have_their_durations(run):
    commands, handlings = tidy.commands(run, run.phases.window("run")), tidy.handlings(run)
    assert (commands["latency_s"] == commands["answered_s"] - commands["arrived_s"]).all()
    assert commands["arrived_s"].between(0.0, 20.0).all()
    assert (handlings["service_s"] >= 0.0).all()
