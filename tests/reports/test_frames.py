"""A run folder is read back as it was recorded; what it lacks is said, and its use refused with the cure."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.trace import CLIENT_SCHEMA, SCHEMA, Recorder
from reports import RunError, load_run, load_runs
from reports.measures import tidy
from scenarios.scenario import Phases, Scenario

EVENT = ("orders", 1, "OrderPlaced", 7, 1, 0.25)
APPLIED = ("summary", "orders", 1, 0.3, 0.5, 1, "applied")


@pytest.fixture
def folder(folder_of):
    return folder_of({"events": [EVENT], "applied": [APPLIED]})


def test_what_was_recorded_is_read_back(folder):
    run = load_run(folder)
    assert set(run.tables) == set(SCHEMA)
    assert tuple(run.events.iloc[0]) == EVENT
    assert tuple(run.applied.iloc[0]) == APPLIED
    assert all(list(run.tables[name].columns) == list(SCHEMA[name]) for name in SCHEMA)
    assert run.consumers == {"summary": ("orders",)}
    assert run.info["engine"] == "simulated"


def test_a_missing_instant_and_an_empty_table_survive(run_of):
    run = run_of({"commands": [("orders", 7, -1, -1, 0.5, math.nan, "unanswered", "", -1, -1)]})
    assert math.isnan(run.commands["answered_s"].iloc[0])
    assert len(run.reads) == 0


def test_time_zero_is_the_start_of_run(run_of):
    run = run_of({}, scenario=Scenario(name="short", phases=Phases(warm=3.0, run=10.0, settle=2.0)))
    assert run.phases.window("warm") == (-3.0, 0.0)
    assert run.phases.window("run") == (0.0, 10.0)
    assert run.phases.window("settle") == (10.0, 12.0)
    assert run.phases.window("always") == (-3.0, 12.0)
    assert run.scenario().phases.run == 10.0


def test_latest_leads_to_the_folder_it_points_to(folder):
    (folder.parent / "latest").symlink_to(folder.name)
    assert load_run("latest", folder.parent).folder == folder
    assert load_run(folder.name, folder.parent).folder == folder


def test_no_run_at_all_says_how_to_get_one(tmp_path):
    with pytest.raises(RunError, match="run a scenario first"):
        load_run("latest", tmp_path)
    with pytest.raises(RunError, match="no run folder nowhere"):
        load_run("nowhere", tmp_path)
    with pytest.raises(RunError, match="no run folder matches"):
        load_runs("*/*", tmp_path)


def test_a_pattern_finds_each_finished_run_once(folder_of, tmp_path):
    for name in ("a", "b", ".c.partial"):
        folder_of({}, name=name)
    (tmp_path / "latest").symlink_to("b")
    assert [run.folder.name for run in load_runs("*", tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("table", ["events", "reads"])
def test_without_a_table_the_others_are_there_and_its_use_is_refused(folder, table):
    (folder / "tables" / f"{table}.parquet").unlink()
    run = load_run(folder)
    assert run.missing == (f"tables/{table}.parquet is missing",)
    assert tuple(run.applied.iloc[0]) == APPLIED
    assert table not in run.tables
    for use in (lambda: getattr(run, table), lambda: run.tables[table], lambda: run.numbers(table, "key")):
        with pytest.raises(RunError, match=rf"{table}.parquet is missing; run the scenario again"):
            use()


@pytest.mark.parametrize("keep", [0, 3, 200])
def test_a_cut_off_table_is_named(folder, keep):
    path = folder / "tables" / "events.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    run = load_run(folder)
    assert "events.parquet is damaged" in run.missing[0]
    with pytest.raises(RunError, match=r"events.parquet is damaged") as caught:
        _ = run.events
    assert str(type(caught.value)(*caught.value.args)) == str(caught.value)


def test_of_a_table_of_another_version_the_columns_that_fit_are_there(folder):
    path = folder / "tables" / "events.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["committed_s"]), path)
    run = load_run(folder)
    assert run.missing == ("tables/events.parquet has no column 'committed_s', so another version wrote it",)
    assert run.events["position"].tolist() == [1]
    with pytest.raises(RunError, match=r"no column 'committed_s'.*run the scenario again"):
        run.numbers("events", "committed_s")
    text = pa.array(["soon"])
    pq.write_table(table.set_column(table.schema.get_field_index("committed_s"), "committed_s", text), path)
    assert "a column 'committed_s' that holds dictionary" in load_run(folder).missing[0]


def test_a_measure_of_what_is_missing_is_refused_in_the_users_words(folder):
    (folder / "tables" / "applied.parquet").unlink()
    with pytest.raises(RunError, match=r"applied.parquet is missing; run the scenario again"):
        tidy.lag(load_run(folder))


def test_a_probe_has_the_tables_of_clients_alone(folder):
    for table in SCHEMA:
        (folder / "tables" / f"{table}.parquet").unlink()
    clients = Recorder(CLIENT_SCHEMA)
    clients.write(folder / "tables")
    info = json.loads((folder / "run.json").read_text()) | {"engine": "probe"}
    del info["consumers"]
    (folder / "run.json").write_text(json.dumps(info))
    run = load_run(folder)
    assert set(run.tables) == set(CLIENT_SCHEMA)
    assert len(run.missing) == 1
    assert "sees a system from outside" in run.missing[0]
    with pytest.raises(RunError, match="a probe sees a system from outside and has no table 'events'"):
        _ = run.events


def test_a_live_run_has_the_tables_of_clients_too(folder):
    info = json.loads((folder / "run.json").read_text()) | {"engine": "live"}
    (folder / "run.json").write_text(json.dumps(info))
    assert load_run(folder).missing == ()  # a server that recorded itself
    (folder / "run.json").write_text(json.dumps(info | {"generator": {}}))
    assert load_run(folder).missing == tuple(f"tables/{name}.parquet is missing" for name in CLIENT_SCHEMA)


def test_a_folder_without_its_scenario_says_so(folder):
    (folder / "scenario.toml").unlink()
    run = load_run(folder)
    assert run.missing == ("scenario.toml is missing, so it cannot be said what was run",)
    with pytest.raises(RunError, match=r"scenario.toml is missing"):
        run.scenario()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "not an object"),
        ("{}", "has no 'phases'"),
        (json.dumps({"phases": {"warm": 0, "run": "long", "settle": 0}}), "'phases' is not as expected"),
        (json.dumps({"phases": {"warm": 0, "run": 1, "settle": -1}}), "shorter than 0 s"),
        (json.dumps({"phases": {"warm": 0, "run": 1, "settle": 0}}), "has no 'consumers'"),
    ],
)
def test_a_damaged_run_json_is_named(folder, content, said):
    (folder / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=said) as caught:
        load_run(folder)
    assert "run.json" in str(caught.value)
    assert str(type(caught.value)(*caught.value.args)) == str(caught.value)


def test_a_folder_without_run_json_is_not_a_finished_run(folder):
    (folder / "run.json").unlink()
    with pytest.raises(RunError, match="no finished run"):
        load_run(folder)


def test_a_table_that_a_run_does_not_have_is_told_with_those_it_has(folder):
    with pytest.raises(AttributeError, match="its tables are commands, events"):
        _ = load_run(folder).evnets
