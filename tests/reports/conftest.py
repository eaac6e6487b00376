"""A run folder made by hand: rows recorded by `actors.trace.Recorder`, written as a run writes them."""

import json

import pytest

from actors.trace import NAME, SCHEMA, Recorder
from reports import load_run
from scenarios.file import dumps
from scenarios.scenario import Scenario

CONSUMERS = {"summary": ["orders"]}


@pytest.fixture
def folder_of(tmp_path):
    """Writes the rows of each table (tuples in the order of the schema) into a folder and returns it."""

    def write(tables, *, scenario=None, consumers=CONSUMERS, info=None, name="run"):
        recorder = Recorder()
        for table, rows in tables.items():
            kinds = SCHEMA[table].values()
            for row in rows:
                values = [
                    recorder.intern(v) if kind == NAME else v for v, kind in zip(row, kinds, strict=True)
                ]
                recorder.row(table)(*values)
        scenario = scenario or Scenario(name="by-hand")
        folder = tmp_path / name
        (folder / "tables").mkdir(parents=True)
        recorder.write(folder / "tables")
        phases = scenario.phases
        about = {
            "engine": "simulated",
            "scenario": scenario.name,
            "seed": scenario.seed,
            "phases": {"warm": phases.warm, "run": phases.run, "settle": phases.settle},
            "consumers": consumers,
            "trace_sha256": recorder.sha256(),
        }
        (folder / "run.json").write_text(json.dumps(about | (info or {})), encoding="utf-8")
        (folder / "scenario.toml").write_text(dumps(scenario), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def run_of(folder_of):
    """The same folder, loaded."""

    def load(tables, **about):
        return load_run(folder_of(tables, **about))

    return load
