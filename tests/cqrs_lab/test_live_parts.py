"""What the processes of a live run leave, put together: also of processes that did not live to the end."""

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actors.trace import CLIENT_SCHEMA, Recorder
from cqrs_lab.live import parts as live_parts
from scenarios.arrivals import Every
from scenarios.scenario import Fault, Load, Phases, Scenario

SHOP = Scenario(name="x", phases=Phases(warm=0.0, run=1.0, settle=1.0), load=Load(history=Every(0.1)))
DROPPED_AT_S = 0.2


def leave(record: Path, pid: int, numbers: range, **account: object) -> None:
    """The files of a process that has made these of the ten requests."""
    recorder = Recorder(CLIENT_SCHEMA)
    intern, row = recorder.intern, recorder.row("requests")
    for number in numbers:
        at_s = 0.1 * number
        is_dropped = at_s == pytest.approx(DROPPED_AT_S)
        started_s, status = (math.nan, -1) if is_dropped else (at_s + 0.001, 200)
        ended = intern("dropped" if is_dropped else "ok")
        who = (intern("history"), intern("GET /x"), 1, -1, -1, -1)
        row((*who, at_s, started_s, at_s + 0.002, status, ended))
    recorder.write(record)
    (record / "requests.parquet").rename(record / f"requests-{pid}.parquet")
    (record / "probes.parquet").rename(record / f"probes-{pid}.parquet")
    said = {"cpu_s": 0.1, "wall_s": 1.0, "is_over": True} | account
    (record / f"generator-{pid}.json").write_text(json.dumps(said))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    record, tables = tmp_path / "record", tmp_path / "tables"
    record.mkdir()
    tables.mkdir()
    return record, tables


def test_the_busiest_process_and_every_drop_is_told(folders: tuple[Path, Path]) -> None:
    record, tables = folders
    leave(record, 1, range(0, 10, 2), cpu_s=0.95)
    leave(record, 2, range(1, 10, 2))
    requests = live_parts.merge(record, tables)["requests"]
    found = live_parts.generator(record, requests, SHOP, SHOP.phases, 2)
    assert (found["intended"], found["sent"], found["dropped"], found["unrecorded"]) == (10, 9, 1, 0)
    assert found["reason"] == "1 of 10 requests were not sent, it used 95% of a core"


def test_what_a_process_took_with_it_when_it_was_killed_is_counted(folders: tuple[Path, Path]) -> None:
    record, tables = folders
    leave(record, 1, range(3, 10, 2))
    leave(record, 2, range(0, 2, 2), is_over=False)
    requests = live_parts.merge(record, tables)["requests"]
    found = live_parts.generator(record, requests, SHOP, SHOP.phases, 2)
    assert (found["intended"], found["sent"], found["unrecorded"]) == (10, 5, 5)
    assert not found["kept_up"]
    assert found["reason"].startswith("1 of its 2 processes did not live to the end, and of 5 requests")


def test_a_fault_on_the_load_is_one_whoever_carries_it_out_and_lasts_from_first_to_last(
    folders: tuple[Path, Path],
) -> None:
    record, tables = folders
    Recorder().write(tables)
    surge = {"fault": 0, "kind": "surge", "on": "load:history"}
    for pid, late_s in ((1, 0.01), (2, 0.02)):
        rows = [
            surge | {"start_s": at_s + late_s, "end_s": at_s + 0.1 + late_s, "hits": 3} for at_s in (0.5, 0.2)
        ]
        (record / f"faults-{pid}.json").write_text(json.dumps(rows))
    live_parts.add_load_faults(record, tables)
    found = pq.read_table(tables / "faults.parquet").to_pylist()
    assert [(row["start_s"], row["end_s"], row["hits"]) for row in found] == [
        (pytest.approx(0.21), pytest.approx(0.32), 6),
        (pytest.approx(0.51), pytest.approx(0.62), 6),
    ]


def test_a_fault_that_never_began_has_no_instants(folders: tuple[Path, Path]) -> None:
    _, tables = folders
    Recorder().write(tables)
    outage = Scenario(
        name="x", phases=SHOP.phases, faults=(Fault(kind="unavailable", on="store:products", at=0.2),)
    )
    (found,) = live_parts.punctuality(outage, tables)
    assert (found["planned_start_s"], found["start_s"], found["end_s"]) == (0.2, None, None)
