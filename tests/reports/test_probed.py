"""A probe's measures and verdict, from tables made by hand."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.trace import CLIENT_SCHEMA, Recorder
from reports import RunError, load_run
from reports.evidence.frames import Run
from reports.measures.client_side import client_lags, resolution_s
from reports.probed import judge_probe, probe_sentence, summarise_probe
from scenarios.probe import Probe
from scenarios.probefile import loads

NAN = math.nan

PROBE = """
name = "by-hand"
target.base_url = "http://127.0.0.1"
phases = { warm = "10s", run = "100s", settle = "20s" }
write = { path = "/w", rate = "every(1s)" }
[[view]]
name = "list"
path = "/r"
visible = { status = 200 }
"""

KEPT_UP = {"kept_up": True, "reason": "", "cpu_s": 1.0, "wall_s": 100.0, "dropped": 0, "late_s": {"p99": 0.0}}

WRITES = [
    # to be sent, sent, ended, status, outcome
    (-5.0, -5.0, -4.0, 201, "ok"),
    (0.0, 0.5, 1.0, 201, "ok"),
    (1.0, 1.0, 2.0, 201, "ok"),
    (2.0, 2.0, 2.5, 422, "rejected"),
    (3.0, 3.0, 8.0, 0, "failed"),
    (4.0, NAN, 4.0, -1, "dropped"),
    (99.0, 99.0, 103.0, 201, "ok"),
]
PROBES = [
    # of the write, acknowledged, missed, seen, given up, reads
    (1, -4.0, NAN, -3.0, NAN, 1),
    (2, 1.0, 1.5, 2.0, NAN, 3),
    (3, 2.0, 21.0, NAN, 22.0, 9),
    (7, 103.0, NAN, 104.0, NAN, 1),
]


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Run]:
    """The run of these writes and probes; keys say what run.json has instead."""

    def keep(writes: Any = WRITES, probes: Any = PROBES, **info: Any) -> Run:
        recorder = Recorder(CLIENT_SCHEMA)
        intern, request, probe = recorder.intern, recorder.row("requests"), recorder.row("probes")
        for number, (intended_s, started_s, ended_s, status, outcome) in enumerate(writes, 1):
            of_write = (intern("write"), intern("POST /w"), 7, -1, number, -1)
            request((*of_write, intended_s, started_s, ended_s, status, intern(outcome)))
        for row in probes:
            probe((intern("write"), intern("list"), *row))
        (tmp_path / "tables").mkdir()
        recorder.write(tmp_path / "tables")
        said = {
            "engine": "probe",
            "scenario": "by-hand",
            "seed": 1,
            "consumers": {},
            "phases": {"warm": 10.0, "run": 100.0, "settle": 20.0},
            "generator": KEPT_UP,
            "answers": {"write": {"201": 4}},
            "unwatchable": {},
            "gone_since_s": None,
            "interrupted_s": None,
            "bounded_s": None,
        }
        (tmp_path / "run.json").write_text(json.dumps(said | info))
        return load_run(tmp_path)

    return keep


def claiming(*claims: str, when: str = "run") -> Probe:
    expect = f'\n[[expect]]\nwhen = "{when}"\nthat = {json.dumps(claims)}\n' if claims else ""
    return loads(PROBE + expect, source="by-hand.toml", folder=Path())


@pytest.mark.parametrize(
    ("claim", "value", "at_most", "held"),
    [
        ("lag.p50{list} < 2s", 1.0, False, True),
        ("lag.max{list} < 19s", 20.0, True, False),
        ("lag.max{list} < 21s", 20.0, True, None),
        ("visible_within(1s){list} >= 0.6", 2 / 3, False, True),
        ("visible_within(30s){list} >= 0.9", 2 / 3, True, None),
        ("success{write} >= 0.6", 3 / 5, False, True),
        ("latency.max{write} < 5s", 4.0, False, True),
        ("latency.p50{write} <= 1s", 1.0, False, True),
    ],
)
def test_each_measure_is_as_defined(kept, claim, value, at_most, held) -> None:
    (result,) = judge_probe(kept(), claiming(claim)).results
    assert result.value == pytest.approx(value, abs=1e-9)
    assert result.held is held
    assert not at_most or result.censored == 1


def test_the_warm_phase_counts_by_itself(kept) -> None:
    claims = ("lag.max{list} <= 1s", "success{write} >= 1", "latency.max{write} <= 1s")
    results = judge_probe(kept(), claiming(*claims, when="warm")).results
    assert [(result.value, result.sample_size) for result in results] == [(1.0, 1)] * 3


def test_a_write_that_is_acknowledged_after_the_run_phase_is_not_left_out(kept) -> None:
    run = kept()
    summary = summarise_probe(run)
    assert summary["client"]["lag_s"]["list"]["count"] == 3
    assert client_lags(run, "list", run.phases.window("settle")).count == 1


def test_both_latencies_stand_side_by_side(kept) -> None:
    latency = summarise_probe(kept())["client"]["latency_s"]["POST /w"]
    assert latency["from_intended"]["mean"] == pytest.approx((1.0 + 1.0 + 4.0) / 3)
    assert latency["from_sent"]["mean"] == pytest.approx((0.5 + 1.0 + 4.0) / 3)


def test_what_ended_how_is_counted(kept) -> None:
    client = summarise_probe(kept())["client"]
    assert client["requests"]["POST /w"] == {"ok": 3, "rejected": 1, "failed": 1, "dropped": 1}
    assert client["statuses"]["POST /w"] == {"none": 1, "201": 3, "422": 1}


def test_a_lag_is_known_to_the_time_since_the_look_that_missed_or_the_acknowledgement(kept) -> None:
    run = kept()
    assert resolution_s(run, "list", run.phases.window("always")).tolist() == [0.5, 1.0, 1.0]


def test_a_view_that_only_fails_is_judged_and_said_to_fail(kept) -> None:
    unseen = [(2, 1.0, 21.0, NAN, 22.0, 9)]
    run = kept(probes=unseen, answers={"list": {"503": 8, "none": 1}}, unread=["list"])
    verdict = judge_probe(run, claiming("lag.p50{list} < 2s"))
    assert verdict.verdict == "fail"
    said = probe_sentence(summarise_probe(run), verdict)
    assert "none of 1 writes was seen through list, from which 503 or no answer came" in said.lower()


# -- verdict -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "because"),
    [
        ({"generator": KEPT_UP | {"kept_up": False, "reason": "it slept"}}, "could not keep up (it slept)"),
        ({"interrupted_s": 5.0}, "interrupted 15 s after its start"),
        ({"gone_since_s": 20.0}, "was gone in the end, and gave no answer from 30 s after its start on"),
        ({"bounded_s": 0.0}, "bounds.writes had been made 10 s after its start"),
        ({"unwatchable": {"answers had nothing at header:X": 3}}, "3 answers had nothing at header:X"),
        (
            {"answers": {"write": {"201": 4}, "list": {"401": 3, "403": 1}}},
            "list was refused with 401 or 403",
        ),
        (
            {"answers": {"write": {"201": 4}, "list": {"200": 1, "404": 9}}, "unread": ["list"]},
            "no answer of list told of a write, what came was 200 without JSON or 404",
        ),
    ],
)
def test_nothing_is_said_by_a_probe_that_is_not_valid(kept, info, because) -> None:
    run = kept(**info)
    verdict = judge_probe(run, claiming("lag.p50{list} < 2s"))
    assert (verdict.verdict, verdict.exit_code) == ("unknown", 3)
    (told,) = verdict.unknown_because
    assert because in told
    assert probe_sentence(summarise_probe(run), verdict).endswith(f"because {told.partition(';')[0]}.")


def test_a_view_that_refuses_only_some_is_judged(kept) -> None:
    run = kept(answers={"write": {"201": 4}, "list": {"200": 3, "403": 1}})
    assert judge_probe(run, claiming("lag.p50{list} < 2s")).verdict == "pass"


def test_no_write_at_all_is_told_in_the_words_of_the_answers(kept) -> None:
    run = kept(writes=[(1.0, 1.0, 2.0, 422, "rejected")], probes=[], answers={"write": {"422": 1}})
    verdict = judge_probe(run, claiming("lag.p50{list} < 2s"))
    assert "what came was 422" in verdict.unknown_because[0]
    assert "lag.p50{list} < 2s: there was nothing to judge" in verdict.unknown_because[1]


def test_the_sentence_says_how_soon_and_what_is_broken(kept) -> None:
    run = kept()
    said = probe_sentence(summarise_probe(run), judge_probe(run, claiming("lag.max{list} < 19s")))
    assert said == (
        "Half of 3 writes could be read through list within 1 s, and 1 was never seen; 1 of 5 POST /w "
        "rejected, 1 of 5 POST /w failed – which breaks 1 of 1 expectations (lag.max{list} < 19s)."
    )


# -- folder --------------------------------------------------------------------------------------------


def test_a_probe_has_the_tables_of_clients_and_no_others(kept) -> None:
    run = kept()
    assert set(run.tables) == set(CLIENT_SCHEMA)
    assert len(run.probes) == len(PROBES)
    assert run.folder is not None
    (run.folder / "tables" / "probes.parquet").write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"probes\.parquet is damaged"):
        _ = load_run(run.folder).probes
