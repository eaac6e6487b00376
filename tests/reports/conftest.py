"""A run made by hand: its rows in a folder, written as a run writes them, or only in memory."""

import json

import pytest

from actors.trace import CLIENT_SCHEMA, NAME, SCHEMA, Recorder
from reports import load_run
from reports.evidence.frames import run_in_memory
from scenarios.file import dumps
from scenarios.scenario import Scenario

CONSUMERS = {"summary": ["orders"]}


def recorded(tables, schema=SCHEMA):
    """The trace with these rows in each table."""
    recorder = Recorder(schema)
    for table, rows in tables.items():
        kinds = schema[table].values()
        for row in rows:
            values = [recorder.intern(v) if kind == NAME else v for v, kind in zip(row, kinds, strict=True)]
            recorder.row(table)(tuple(values))
    return recorder


def about(scenario, consumers):
    """What run.json says of every run."""
    phases = scenario.phases
    return {
        "engine": "simulated",
        "scenario": scenario.name,
        "seed": scenario.seed,
        "phases": {"warm": phases.warm, "run": phases.run, "settle": phases.settle},
        "consumers": {name: list(sources) for name, sources in consumers.items()},
    }


@pytest.fixture(scope="session")
def in_memory():
    """Makes a run of the rows of each table, or of a trace, without a folder."""

    def make(tables, *, scenario=None, consumers=CONSUMERS):
        recorder = tables if isinstance(tables, Recorder) else recorded(tables)
        scenario = scenario or Scenario(name="by-hand")
        columns = {table: recorder.frame_columns(table) for table in SCHEMA}
        return run_in_memory(about(scenario, consumers), columns, scenario)

    return make


@pytest.fixture(scope="session")
def live_in_memory():
    """Makes a live run of the rows of each table, those of its clients among them, without a folder."""

    def make(tables, *, scenario, consumers=CONSUMERS, info=None):
        columns = {}
        for schema in (SCHEMA, CLIENT_SCHEMA):
            recorder = recorded({name: rows for name, rows in tables.items() if name in schema}, schema)
            columns |= {table: recorder.frame_columns(table) for table in schema}
        known = about(scenario, consumers) | {"engine": "live"} | (info or {})
        return run_in_memory(known, columns, scenario)

    return make


@pytest.fixture
def folder_of(tmp_path):
    """Writes the rows of each table (tuples in the order of the schema) into a folder and returns it."""

    def write(tables, *, scenario=None, consumers=CONSUMERS, info=None, name="run"):
        recorder = recorded(tables)
        scenario = scenario or Scenario(name="by-hand")
        folder = tmp_path / name
        (folder / "tables").mkdir(parents=True)
        recorder.write(folder / "tables")
        known = about(scenario, consumers) | {"trace_sha256": recorder.sha256()}
        (folder / "run.json").write_text(json.dumps(known | (info or {})), encoding="utf-8")
        (folder / "scenario.toml").write_text(dumps(scenario), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def run_of(folder_of):
    """The same folder, loaded."""

    def load(tables, **about):
        return load_run(folder_of(tables, **about))

    return load
