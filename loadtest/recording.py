"""Recording: what a server leaves behind for the reports, as a simulated run does.

The clients' part of the trace is what the facade has been asked and has answered.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import metadata
from itertools import count
from typing import TYPE_CHECKING, Any

from actors.messages import InventoryUpdated
from actors.outbox import said_of_product
from actors.tables import ORDERS, RESERVATIONS, SUMMARIES
from actors.topology import consumers, replicas
from actors.trace import name_number
from scenarios.file import write as write_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors.messages import Record
    from actors.stores.port import Store
    from loadtest.livesystem import LiveSystem
    from loadtest.serving import Served

READ_AT_ONCE = 10_000


def record_start(system: LiveSystem) -> None:
    """Write down what the catalogue and the inventory have said before anything happens."""
    recorder = system.runtime.recorder
    catalogue_row, level_row = recorder.row("catalogue"), recorder.row("levels")
    for record in _log(system.bare["catalog"]):
        catalogue_row(record.position, *said_of_product(record.event))
    for record in _log(system.bare["inventory"]):
        if isinstance(record.event, InventoryUpdated):
            level_row(record.position, record.event.product_id, record.event.available)


def _log(store: Store) -> Iterator[Record]:
    after = 0
    while records := store.read_log(after, READ_AT_ONCE):
        yield from records
        after = records[-1].position


def record_end(system: LiveSystem) -> None:
    """Write down what the command side and the read model hold at the end, for the two to be compared."""
    recorder, stores = system.runtime.recorder, system.bare
    intern, number_of = recorder.intern, cache(name_number)
    order_row, reserved_row = recorder.row("orders"), recorder.row("reserved")
    for order in stores["orders"].scan(ORDERS):
        order_row(order.order_id, order.customer_id, order.total_minor, order.lines, intern(order.status))
    for reservation in stores["inventory"].scan(RESERVATIONS):
        for line in reservation.lines:
            reserved_row(line.product_id, line.quantity)
    summary_row, item_row = recorder.row("summaries"), recorder.row("items")
    rows = count()
    for replica in replicas(system.policy, "summary"):
        replica_id = intern(replica)
        for summary in stores[replica].scan(SUMMARIES):
            ids = (replica_id, summary.order_id, summary.customer_id, summary.total_minor)
            summary_row(*ids, len(summary.items), intern(summary.status))
            row = next(rows)
            for item in summary.items:
                name = number_of(item.product_name)
                item_row(row, item.product_id, item.quantity, name, int(item.pending))


def write(served: Served, folder: Path) -> None:
    """Write the scenario, run.json and the tables of a recorded server into a folder that is there.

    Instants count from the server's start; `run` ends, and `settle` begins, when it stops to listen.
    """
    scenario = served.scenario
    (folder / "tables").mkdir(exist_ok=True)
    served.recorder.write(folder / "tables")
    write_scenario(folder / "scenario.toml", scenario)
    info: dict[str, Any] = {
        "engine": "live",
        "scenario": scenario.name,
        "seed": scenario.seed,
        "phases": {"warm": 0.0, "run": served.run_s, "settle": served.settle_s},
        "consumers": {name: list(sources) for name, sources in consumers(scenario.policy).items()},
        "store": served.where,
        "trace_sha256": served.recorder.sha256(),
        "trace_rows": served.recorder.rows,
        "actor_failures": [
            {"at_s": at_s, "actor": name, "error": f"{type(error).__name__}: {error}"}
            for at_s, name, error in served.failures
        ],
        "versions": {"cqrs-lab": metadata.version("cqrs-lab")},
        "command_line": sys.argv,
        "started_at": served.started_at,
    }
    text = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
    (folder / "run.json").write_text(text, encoding="utf-8")
