"""What the processes of a live run leave, put together: clients' tables, faults on the load, the generator.

Each process of the load leaves files of its own; a run has one table of requests and one of probes.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.trace import CLIENT_SCHEMA, Recorder
from loadtest.keeping_up import percentiles, shortfall
from loadtest.users.plan import Plan
from scenarios.randomness import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from scenarios.scenario import Phases, Scenario


def merge(record: Path, tables: Path) -> dict[str, pa.Table]:
    """Write the clients' tables, from all parts that are in the folder; also if there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    Recorder(CLIENT_SCHEMA).write(tables)
    merged = {}
    for name, instant in (("requests", "intended_s"), ("probes", "acknowledged_s")):
        parts = [pq.read_table(path) for path in sorted(record.glob(f"{name}-*.parquet"))]
        if parts:
            table = pa.concat_tables(parts).unify_dictionaries().sort_by(instant)
            pq.write_table(table, tables / f"{name}.parquet")
        merged[name] = pq.read_table(tables / f"{name}.parquet")
    return merged


def add_load_faults(record: Path, tables: Path) -> None:
    """Add the faults on loads, which each process of the load carries out on its part, to all others.

    An occurrence begins where the first process begins it, and ends where the last one does.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(record.glob("faults-*.json")):
        times: Counter[int] = Counter()
        for row in sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda row: row["start_s"]):
            times[row["fault"]] += 1
            found[row["fault"], times[row["fault"]]].append(row)
    if not found:
        return
    recorder = Recorder()
    add = recorder.row("faults")
    for (index, _), parts in found.items():
        begun_s, ended_s = min(one["start_s"] for one in parts), max(one["end_s"] for one in parts)
        kind, on = (recorder.intern(parts[0][name]) for name in ("kind", "on"))
        add((index, kind, on, begun_s, ended_s, sum(one["hits"] for one in parts)))
    path = tables / "faults.parquet"
    added = pa.table(dict(recorder.frame_columns("faults", copied=True)))
    merged = pa.concat_tables([pq.read_table(path), added]).unify_dictionaries().sort_by("start_s")
    pq.write_table(merged, path)


def punctuality(scenario: Scenario, tables: Path) -> list[dict[str, Any]]:
    """When (s) each occurrence of a fault was to begin and end, and when it did; None: it never has."""
    import pyarrow.parquet as pq

    actual: dict[int, list[tuple[float | None, float | None]]] = defaultdict(list)
    for row in pq.read_table(tables / "faults.parquet").sort_by("start_s").to_pylist():
        actual[row["fault"]].append((row["start_s"], row["end_s"]))
    found = []
    for index, planned_start_s, planned_end_s in planned(scenario):
        fault, there = scenario.faults[index], actual[index]
        start_s, end_s = there.pop(0) if there else (None, None)
        found.append(
            {
                "index": index,
                "kind": fault.kind,
                "on": fault.on,
                "planned_start_s": planned_start_s,
                "planned_end_s": planned_end_s,
                "start_s": start_s,
                "end_s": end_s,
            }
        )
    return found


def planned(scenario: Scenario) -> Iterator[tuple[int, float, float]]:
    """The fault's index, the start and the end (s) of each occurrence of a fault."""
    streams = Streams(scenario.seed)
    for index, fault in enumerate(scenario.faults):
        when = streams.stream(f"fault/{index}/occurrences")
        for start_s, end_s in fault.occurrences(when, scenario.phases.run):
            yield index, start_s, end_s


def generator(
    record: Path, requests: pa.Table, scenario: Scenario, phases: Phases, processes: int
) -> dict[str, Any]:
    """Whether the load was made as it was to be: `kept_up`, why not, and the numbers, over `run`.

    `phases` are as long as they were. `cpu_s` and `wall_s` are those of its busiest process in `run`.
    How late a request was sent is known of open loads; a user of a closed one has no instant to miss. Of
    requests that a process took with it when it was killed nobody knows: they are `unrecorded`.
    """
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(record.glob("generator-*.json"))]
    intended_s, started_s = (
        requests[name].to_numpy(zero_copy_only=False) for name in ("intended_s", "started_s")
    )
    in_run = (intended_s >= 0.0) & (intended_s < phases.run)
    is_dropped = np.isnan(started_s[in_run])
    late_s = (started_s - intended_s)[in_run][~is_dropped]
    late_s = late_s[late_s > 0.0]
    none: dict[str, Any] = {}
    busiest = max(parts, key=lambda one: float(one["cpu_s"] / max(one["wall_s"], 1e-9)), default=none)
    gone = processes - sum(one["is_over"] for one in parts)
    unrecorded = _unrecorded(scenario, phases, intended_s[in_run]) if gone else 0
    found: dict[str, Any] = {
        "processes": parts,
        "intended": int(in_run.sum()) + unrecorded,
        "sent": int((~is_dropped).sum()),
        "dropped": int(is_dropped.sum()),
        "unrecorded": unrecorded,
        "late_s": percentiles(late_s.tolist()),
        "cpu_s": busiest.get("cpu_s", 0.0),
        "wall_s": busiest.get("wall_s", 0.0),
    }
    died = ""
    if gone:
        died = f"{gone} of its {processes} processes did not live to the end, and of {unrecorded:,} requests "
        died += "nothing is known"
    reason = ", ".join(part for part in (died, shortfall(found)) if part)
    return {"kept_up": not reason, "reason": reason} | found


def _unrecorded(scenario: Scenario, phases: Phases, intended_s: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """How many instants of open loads there are in `run` at which no request is known to have been meant."""
    due_s = np.array([one.at_s for one in Plan(scenario).rest() if 0.0 <= one.at_s < phases.run])
    return int((~np.isin(due_s, intended_s)).sum())
