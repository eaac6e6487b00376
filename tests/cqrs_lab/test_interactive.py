from pathlib import Path

import pytest

from cqrs_lab.interactive import compare_designs, run
from reports.comparing.replications import main_measures
from scenarios.errors import ScenarioError

SHORT = ("phases.warm=2s", "phases.run=10s", "phases.settle=5s", "fault.0.at=2s", "fault.0.for=3s")


def test_a_run_in_memory_has_its_frames_its_numbers_and_its_verdict_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    measured = run("products-outage", *SHORT, seed=4)
    assert measured.summary["seed"] == 4
    assert measured.verdict.verdict == "pass"
    acknowledged = measured.run.commands.query("outcome == 'acknowledged' and 0 <= arrived_s < 10")
    assert len(acknowledged) == measured.summary["orders"]["acknowledged"]
    assert list(tmp_path.iterdir()) == []


def test_designs_become_rows_that_say_what_each_run_alone_says() -> None:
    frame = compare_designs("products-outage", {"policy.join": "wait,carried"}, *SHORT)
    assert list(frame.index) == [("wait",), ("carried",)]
    for (join,), row in frame.iterrows():
        alone = main_measures(run("products-outage", *SHORT, f"policy.join={join}").summary)
        assert dict(row[list(alone)]) == pytest.approx({name: value.value for name, value in alone.items()})


def test_a_name_that_is_none_is_the_users_error() -> None:
    with pytest.raises(ScenarioError, match="products-outage"):
        run("products-outrage")
