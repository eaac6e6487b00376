"""Faults as the Consistency tab marks them: from the scenario, from a file, from the server."""

import time
from pathlib import Path
from typing import Any

import pytest
from front import front

from loadtest.users.faultmarks import FILE_VARIABLE, Mark, begun, in_file, on_load, on_server
from scenarios.scenario import Fault, Phases, Scenario


def test_faults_that_were_injected_into_the_server_are_marked_from_their_beginning_to_their_end() -> None:
    with front(admin=True) as lab:
        zero_unix_s = time.time()
        body: dict[str, Any] = {"kind": "unavailable", "on": "store:products"}
        assert on_server(lab.server.url, zero_unix_s) == []
        made = lab.http.post("/admin/faults", json=body)
        assert made.status_code == 201, made.text
        (mark,) = on_server(lab.server.url, zero_unix_s)
        assert (mark.kind, mark.on, mark.end_s) == ("unavailable", "store:products", None)
        assert -0.01 <= mark.start_s <= time.time() - zero_unix_s
        healed = lab.http.delete(made.headers["Location"], headers={"X-Requested-By": "a test"})
        assert healed.status_code == 200, healed.text
        (over,) = on_server(lab.server.url, zero_unix_s)
        assert over.start_s == mark.start_s
        assert over.end_s is not None
        assert over.end_s >= over.start_s


def test_a_server_that_tells_nothing_has_no_marks() -> None:
    with front() as lab:
        assert on_server(lab.server.url, 0.0) == []
    assert on_server(lab.server.url, 0.0) == []


@pytest.mark.parametrize("text", ["", "[{", '[{"kind": "cut"}]', "{}"])
def test_a_file_that_cannot_be_read_yet_has_no_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "faults.json"))
    assert in_file() == []
    (tmp_path / "faults.json").write_text(text, encoding="utf-8")
    assert in_file() == []


def test_the_marks_of_a_file_and_of_a_scenario_s_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "cut", "on": "a->b", "start_s": 1, "end_s": null}]', encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    assert in_file() == [Mark("cut", "a->b", 1.0, None)]
    faults = (
        Fault(kind="surge", on="load:orders", at=2.0, for_=3.0, by=2.0),
        Fault(kind="crash", on="summary", at=1.0, for_=1.0),
    )
    marks = on_load(Scenario(name="x", phases=Phases(run=4.0), faults=faults))
    assert marks == [Mark("surge", "load:orders", 2.0, 4.0)]
    assert begun(marks, 1.0) == []
    assert begun(marks, 3.0) == [Mark("surge", "load:orders", 2.0, None)]
