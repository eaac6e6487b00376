"""Real Locust, in processes of its own, against a real server in another one: what it leaves is the truth."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psutil
import pytest
from locust_target import group, target

from actors.trace import CLIENT_SCHEMA
from loadtest.users.plan import Plan
from scenarios.file import read

LOCUSTFILE = Path(__file__).parents[2] / "loadtest" / "locustfile.py"
PATIENCE_S = 60.0
STEP_S = 0.05

SHOP = """
name = "shop"
[phases]
warm = "1s"
run = "3s"
settle = "2s"
[population]
customers = 50
products = 10
"""
BUSY = (
    SHOP
    + """
[load]
orders = "poisson(20/s)"
checkouts = "poisson(4/s)"
history = "poisson(10/s)"
stock = "closed(4, exp(200ms))"
browse = "poisson(5/s)"
restock = "poisson(2/s)"
catalogue = "poisson(2/s)"
own_read = "exp(50ms)"
"""
)
FEW = SHOP + '[load]\norders = "every(250ms)"\n'


class Left(NamedTuple):
    """What a run has left."""

    exit_code: int
    output: str
    table: dict[tuple[str, str], dict[str, str]]
    html: str
    requests: pd.DataFrame
    probes: pd.DataFrame
    generators: list[dict[str, Any]]
    faults: list[dict[str, Any]]

    def rows(self, kind: str) -> dict[str, dict[str, str]]:
        """The rows of Locust's table of this type, by name."""
        return {name: row for (found, name), row in self.table.items() if found == kind}


def locust(*options: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST", "CQRS_LAB"))}
    return command, kept | environment


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def what_is_left(folder: Path, exit_code: int, output: str) -> Left:
    with (folder / "out_stats.csv").open(encoding="utf-8") as file:
        table = {(row["Type"], row["Name"]): row for row in csv.DictReader(file)}
    parts = {
        name: [pd.read_parquet(path) for path in sorted(folder.glob(f"{name}-*.parquet"))]
        for name in CLIENT_SCHEMA
    }
    html = folder / "out.html"
    jsons = {
        name: [json.loads(path.read_text()) for path in sorted(folder.glob(f"{name}-*.json"))]
        for name in ("generator", "faults")
    }
    return Left(
        exit_code,
        output,
        table,
        html.read_text(encoding="utf-8") if html.exists() else "",
        pd.concat(parts["requests"], ignore_index=True),
        pd.concat(parts["probes"], ignore_index=True),
        jsons["generator"],
        [row for rows in jsons["faults"] for row in rows],
    )


def files_of(folder: Path) -> list[str]:
    return ["--csv", str(folder / "out"), "--html", str(folder / "out.html"), "--only-summary"]


def wait_until(holds: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "it never came to hold"
        time.sleep(STEP_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "record"
    made.mkdir()
    return made


@pytest.fixture
def run(tmp_path: Path, folder: Path, url: str) -> Iterator[Callable[..., Left]]:
    """Runs Locust on a server of the scenario, on the store of the test, until it ends."""
    with contextlib.ExitStack() as opened:

        def run_once(text: str, *options: str, fault: tuple[str, ...] = (), **environment: str) -> Left:
            path = tmp_path / "scenario.toml"
            path.write_text(text, encoding="utf-8")
            server = opened.enter_context(target(url, path, *fault))
            ports = ["--master-bind-port", port, "--master-port", port] if (port := free_port()) else []
            chosen = [] if "--shape" in options else ["--shape", "scenario"]
            command, variables = locust(
                "--headless",
                *("-H", server, "--scenario", str(path), *chosen, *ports, *files_of(folder), *options),
                CQRS_LAB_RECORD=str(folder),
                **environment,
            )
            with group(command, env=variables) as process:
                output, _ = process.communicate(timeout=PATIENCE_S)
            return what_is_left(folder, process.returncode, output)

        yield run_once


def counted(left: Left) -> None:
    """Every row of Locust's tables says what was recorded request by request."""
    sent = left.requests[left.requests.status != -1]
    by_request = Counter(sent.request)
    requests = {
        f"{kind} {name}": int(row["Request Count"])
        for (kind, name), row in left.table.items()
        if kind in ("GET", "POST", "PUT", "PATCH")
    }
    assert requests == dict(by_request)
    assert int(left.table["", "Aggregated"]["Request Count"]) == len(sent)
    lag = left.table["LAG", "order->summary"]
    assert int(lag["Request Count"]) == len(left.probes)
    assert int(lag["Failure Count"]) == left.probes.given_up_s.notna().sum()
    assert sum(one["sent"] for one in left.generators) == len(sent)
    assert sum(one["intended"] for one in left.generators) == len(left.requests)


def as_planned(left: Left, text: str, tmp_path: Path) -> None:
    """The intended instants are the scenario's arrivals, and each request was sent at its own or later."""
    planned = list(Plan(read(tmp_path / "scenario.toml")).rest())
    for kind in ("orders", "history", "browse", "restock", "catalogue"):
        intended = sorted(left.requests.intended_s[left.requests.kind == kind])
        assert intended == [one.at_s for one in planned if one.kind == kind], kind
    sent = left.requests[left.requests.status != -1]
    assert (sent.started_s >= sent.intended_s - 1e-6).all()
    assert (sent.ended_s >= sent.started_s).all()


@pytest.mark.parametrize(("url", "processes"), [("sqlite", 1), ("postgres", 2)], indirect=["url"])
def test_the_load_is_the_scenario_s_and_every_table_tells_the_same(
    run: Callable[..., Left], tmp_path: Path, processes: int
) -> None:
    left = run(BUSY, *(["--processes", str(processes)] if processes > 1 else []))
    assert left.exit_code == 0, left.output
    assert "loadtest/users" not in left.output  # as it is in the traceback of what has failed here
    assert list(left.requests.columns) == list(CLIENT_SCHEMA["requests"])
    assert list(left.probes.columns) == list(CLIENT_SCHEMA["probes"])
    assert len(left.generators) == processes
    as_planned(left, BUSY, tmp_path)
    counted(left)
    assert set(left.requests.outcome) == {"ok"}
    assert set(left.requests.kind) == {
        *("orders", "checkouts", "carts", "history", "own", "stock", "browse", "restock", "catalogue")
    }
    orders = left.requests[left.requests.kind.isin(["orders", "checkouts"])]
    assert orders.order_id.is_unique
    assert (orders.order_id > 0).all()
    assert orders.position.is_unique
    assert len(left.requests[left.requests.kind == "own"]) == len(orders)
    intended = left.rows("INTENDED")
    assert int(intended["POST /orders"]["Request Count"]) == (left.requests.kind == "orders").sum()
    assert float(intended["POST /orders"]["Average Response Time"]) >= float(
        left.table["POST", "/orders"]["Average Response Time"]
    )
    assert "order-\\u003esummary" in left.html or "order->summary" in left.html
    assert "INTENDED" in left.html
    assert left.probes.key.isin(orders.order_id).all()
    assert (left.probes.seen_s > left.probes.acknowledged_s).all()
    assert not (left.probes.missed_s > left.probes.seen_s).any()
    assert 10 <= len(left.probes) <= 4 * 5 + 4


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_order_that_is_not_visible_at_its_deadline_is_censored_and_counted(
    run: Callable[..., Left],
) -> None:
    left = run(FEW, "--deadline", "1.5", fault=("unavailable", "store:products"))
    counted(left)
    assert len(left.probes) >= 12
    assert left.probes.seen_s.isna().all()
    waited_s = left.probes.given_up_s - left.probes.acknowledged_s
    assert (waited_s >= 1.5).all()
    assert (left.probes.reads > 10).all()
    lag = left.table["LAG", "order->summary"]
    assert float(lag["Min Response Time"]) >= 1500
    assert int(left.table["", "Aggregated"]["Failure Count"]) == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_nobody_looks_at_an_order_after_the_scenario_is_over(run: Callable[..., Left]) -> None:
    left = run(FEW + 'own_read = "3s"\n')
    counted(left)
    orders, own = (left.requests[left.requests.kind == kind] for kind in ("orders", "own"))
    answered_s = orders.ended_s[orders.ended_s + 3.0 < 5.0]
    assert 0 < len(own) == len(answered_s) < len(orders)
    assert (own.intended_s < 5.0).all()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_requests_for_which_there_is_no_room_are_dropped_and_counted(
    run: Callable[..., Left], tmp_path: Path
) -> None:
    text = SHOP + '[load]\norders = "poisson(300/s)"\n'
    left = run(text, "--pool", "1", "--watch-rate", "1")
    as_planned(left, text, tmp_path)
    counted(left)
    dropped = left.requests[left.requests.outcome == "dropped"]
    assert len(dropped) > 0
    assert (dropped.status == -1).all()
    assert dropped.started_s.isna().all()
    assert (dropped.session > 0).all()
    assert int(left.rows("DROPPED")["POST /orders"]["Failure Count"]) == len(dropped)
    assert sum(one["dropped"] for one in left.generators) == len(dropped)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_surge_is_carried_out_by_the_processes_together_and_reported(
    run: Callable[..., Left], tmp_path: Path
) -> None:
    surge = '[[fault]]\nkind = "surge"\non = "load:orders"\nby = 3\nat = "1s"\nfor = "1s"\n'
    left = run(SHOP + '[load]\norders = "poisson(20/s)"\n' + surge, "--processes", "2")
    plan = Plan(read(tmp_path / "scenario.toml"))
    planned = [one.at_s for one in plan.rest()]
    assert sorted(left.requests.intended_s) == planned
    assert [(row["kind"], row["on"]) for row in left.faults] == [("surge", "load:orders")] * 2
    for row in left.faults:  # when they did, which is no sooner than when they were to
        assert 1.0 <= row["start_s"] < 1.5
        assert 2.0 <= row["end_s"] < 2.5
    assert sum(row["hits"] for row in left.faults) == plan.occurred[0].hits > 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_users_of_a_shape_do_what_their_tags_say(run: Callable[..., Left]) -> None:
    left = run(SHOP, "--shape", "spike", "-t", "4s", "-u", "10", "--tags", "read")
    assert {kind for kind, _ in left.table if kind} == {"GET"}
    assert set(left.requests.kind) <= {"browse", "history", "stock"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_probe_keeps_its_rate_beside_the_users_of_a_shape(run: Callable[..., Left]) -> None:
    left = run(SHOP, "--shape", "step", "-t", "6s", "-u", "10")
    assert left.exit_code == 0, left.output
    assert len(left.probes) >= 15
    gaps_s = np.diff(np.sort(left.probes.acknowledged_s))
    assert np.median(gaps_s) == pytest.approx(0.2, abs=0.1)
    assert {"orders", "browse", "history"} <= set(left.requests.kind)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_load_that_is_cut_short_leaves_what_was_measured(tmp_path: Path, folder: Path, url: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(BUSY.replace('run = "3s"', 'run = "300s"'), encoding="utf-8")
    with target(url, path) as server:
        options = ["--headless", "-H", server, "--shape", "scenario", "--scenario", str(path)]
        command, variables = locust(*options, *files_of(folder), CQRS_LAB_RECORD=str(folder))
        with group(command, env=variables) as process:
            wait_until(lambda: (folder / "out_stats.csv").exists())
            wait_until(lambda: "order->summary" in (folder / "out_stats.csv").read_text(encoding="utf-8"))
            os.kill(process.pid, signal.SIGTERM)
            output, _ = process.communicate(timeout=PATIENCE_S)
    left = what_is_left(folder, process.returncode, output)
    assert "loadtest/users" not in output
    assert len(left.requests) > 20
    assert len(left.probes) > 0
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_workers_join_a_master_and_divide_its_load(tmp_path: Path, folder: Path, url: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(BUSY, encoding="utf-8")
    port, record = free_port(), {"CQRS_LAB_RECORD": str(folder)}
    with target(url, path) as server, contextlib.ExitStack() as opened:
        chosen = ["-H", server, "--shape", "scenario", "--scenario", str(path)]
        as_master = ["--headless", "--master", "--expect-workers", "2", "--master-bind-port", port]
        command, variables = locust(*as_master, *chosen, *files_of(folder), **record)
        master = opened.enter_context(group(command, env=variables))
        for _ in range(2):
            command, variables = locust("--worker", "--master-port", port, **record)
            opened.enter_context(group(command, env=variables))
        output, _ = master.communicate(timeout=PATIENCE_S)
        left = what_is_left(folder, master.returncode, output)
    assert left.exit_code == 0, output
    assert len(left.generators) == 2
    assert min(one["sent"] for one in left.generators) > 20
    as_planned(left, BUSY, tmp_path)
    counted(left)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scenario", "helthy"], "neither a scenario of the library nor a file"),
        (["--shape", "scenario"], "name one with --scenario"),
        (["--shape", "triangle"], "invalid choice: 'triangle'"),
        (["DirectBuyer", "--shape", "scenario", "--scenario", "healthy"], "leave the names of users out"),
        (["--tags", "wriet"], "nobody has anything to do"),
        (["--pool", "0"], "--pool 0 is too small; make it 1 or more"),
    ],
)
def test_a_wrong_option_is_one_message_and_exit_code_2(options: list[str], message: str) -> None:
    command, variables = locust("--headless", *options)
    with group(command, env=variables) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert message in output
    assert "Traceback" not in output


def test_what_is_listened_at_and_talked_to_is_this_machine_unless_it_is_said() -> None:
    _, variables = locust()
    asking = (
        "import sys; from locust.argument_parser import get_parser; import locust;"
        f"sys.path.insert(0, {str(LOCUSTFILE.parents[1])!r}); import loadtest.locustfile;"
        "found = get_parser().parse_args([]);"
        "print(found.host, found.web_host, found.master_bind_host, found.shape)"
    )
    found = subprocess.run(
        [sys.executable, "-c", asking], env=variables, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert found.stdout.split() == ["http://127.0.0.1:8000", "127.0.0.1", "127.0.0.1", "ramp"], found.stderr


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_nothing_is_left_of_a_test_that_fails() -> None:
    child = 0

    def fails() -> None:
        nonlocal child
        with group([sys.executable, "-c", PARENT]) as process:
            assert process.stdout is not None
            child = int(process.stdout.readline())
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
