"""`cqrs-lab serve`: it begins as it was asked to or says why not, and when it stops nothing is lost."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from front import ANN, BOB, order
from served import PATIENCE_S, ServedShop, serving

from cqrs_lab.cli import BAD_USAGE
from reports import load_run
from scenarios.file import read

CLIENTS = 8
KEY = {"Idempotency-Key": "5b9c1f0a"}
STORES = ("sqlite", "postgresql", "embedded-postgres")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not under pytest's own folders, which are closed to the user that PostgreSQL runs as."""
    path = Path(tempfile.mkdtemp(prefix="cqrs-lab-serve-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> list[str]:
    """The option that names the stores; the default, a SQLite folder, needs none."""
    match getattr(request, "param", "sqlite"):
        case "sqlite":
            return []
        case "postgresql":
            return ["--store", request.getfixturevalue("postgres").fresh_database()]
        case name:
            return ["--store", name]


def place_until_it_ends(shop: ServedShop, customer: int, acknowledged: list[int]) -> None:
    """Place orders until the server takes no more; note the numbers of those that it has taken."""
    with httpx.Client(base_url=shop.url, timeout=PATIENCE_S) as client:
        while True:
            try:
                answer = client.post("/orders", json=order(customer))
            except httpx.TransportError:
                return
            if answer.status_code != 201:
                assert answer.status_code == 503, answer.text
                return
            acknowledged.append(answer.json()["orderId"])


@pytest.mark.parametrize(
    ("store", "sign"),
    [
        ("sqlite", signal.SIGINT),
        ("sqlite", signal.SIGTERM),
        ("postgresql", signal.SIGTERM),
        ("embedded-postgres", signal.SIGINT),
    ],
    indirect=["store"],
)
def test_when_it_is_stopped_under_load_every_order_is_in_the_run_folder(folder, store, sign) -> None:
    acknowledged: list[int] = []
    with serving(folder, *store, "--record", "rec") as shop, ThreadPoolExecutor(CLIENTS) as clients:
        for customer in range(1, CLIENTS + 1):
            clients.submit(place_until_it_ends, shop, customer, acknowledged)
        deadline_s = time.monotonic() + PATIENCE_S
        while len(acknowledged) < 20 * CLIENTS:
            assert time.monotonic() < deadline_s, "the server takes no orders"
            time.sleep(0.01)
        code = shop.stop(sign)
    assert code == 0, "".join(shop.said)
    run = load_run(folder / "rec")
    assert run.info["engine"] == "live"
    assert sorted(run.orders["order_id"]) == sorted(acknowledged)
    summary = json.loads((folder / "rec" / "summary.json").read_text())
    assert summary["orders"]["acknowledged"] == len(acknowledged)
    assert json.loads((folder / "rec" / "verdict.json").read_text())["verdict"] == "pass"
    assert read(folder / "rec" / "scenario.toml").phases.run == run.info["phases"]["run"]
    assert any("run folder: rec" in line for line in shop.said)
    left = [one.info for one in psutil.process_iter(["cmdline"]) if str(folder) in str(one.info["cmdline"])]
    assert left == []


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_a_restart_finds_the_orders_and_knows_their_keys(folder, store) -> None:
    with serving(folder, *store) as shop:
        first = shop.http.post("/orders", json=order(p1=2), headers=KEY)
        placed = shop.http.get(first.headers["location"]).json()
        assert shop.stop() == 0
    with serving(folder, *store, "--record", "rec") as shop:
        again = shop.http.post("/orders", json=order(p1=2), headers=KEY)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert shop.http.get("/orders/1").json() == placed
        assert shop.http.post("/orders", json=order(p1=3), headers=KEY).status_code == 422
        assert shop.http.get("/orders/2").status_code == 404
        assert shop.stop() == 0
    gaps = json.loads((folder / "rec" / "summary.json").read_text())["gaps"]["summary"]
    assert {gaps[kind] for kind in ("missing", "extra", "doubled", "wrong")} == {0}, (
        "of what was there before"
    )


def test_it_serves_the_scenario_that_it_is_given(folder) -> None:
    settings = ["--set", "policy.stock=saga", "--set", "population.products=3"]
    with serving(folder, "--scenario", "products-outage", *settings, "--store", "memory://") as shop:
        assert shop.http.post("/orders", json=order()).status_code == 202
        assert len(shop.http.get("/products").json()) == 3
        assert shop.stop() == 0


def test_it_says_where_it_listens_and_what_it_stores_where(folder) -> None:
    with serving(folder, "--log-level", "info") as shop:
        assert shop.stop(signal.SIGINT) == 0
    said = "".join(shop.said)
    assert f"{shop.url}/docs" in said
    assert f"SQLite in {folder}/runs/store/sqlite" in said
    logged = [json.loads(line) for line in shop.said if line.startswith("{")]
    assert {"listening", "stopped"} <= {line["message"] for line in logged}


def test_a_password_is_not_shown(folder, postgres) -> None:
    url = postgres.fresh_database().replace("postgres@", "postgres:hunter2@")
    with serving(folder, "--store", url) as shop:
        assert shop.stop() == 0
    assert "postgresql://postgres@" in "".join(shop.said)
    assert "hunter2" not in "".join(shop.said)


def test_admin_is_off_unless_it_is_asked_for(folder) -> None:
    with serving(folder, "--store", "memory://") as shop:
        for path in ("/admin", "/admin/faults", "/admin/projections", "/admin/dead-letters"):
            assert shop.http.get(path).json()["type"] == "/docs#unknown-path"
        assert "/admin" not in shop.http.get("/openapi.json").text


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_a_second_server_on_the_same_stores_is_refused(folder, store) -> None:
    with serving(folder, *store) as shop:
        refused(folder, [*store, "--port", "0"], "another server uses these stores", "--store")
        assert shop.http.post("/orders", json=order(BOB)).status_code == 201
        shop.kill()
    with serving(folder, *store) as shop:
        assert shop.http.get("/orders/1").status_code == 200, "a server that was killed holds nothing"


def refused(folder: Path, arguments: list[str], *parts: str) -> None:
    """The command ends at once with exit code 2 and one message that has these parts."""
    ended = subprocess.run(
        [sys.executable, "-m", "cqrs_lab", "serve", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == BAD_USAGE, ended.stderr
    assert ended.stderr.count("cqrs-lab:") == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    for part in parts:
        assert part in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--host", "203.0.113.1"], ["203.0.113.1", "--host"]),
        (["--store", "mysql://db/shop"], ["mysql", "sqlite:///FOLDER"]),
        (["--store", "sqlite:////proc/shop"], ["/proc/shop", "another folder"]),
        (["--scenario", "product-outage"], ["products-outage"]),
        (["--set", "policy.stock=lots"], ["lots"]),
        (["--ready-lag", "10"], ["--ready-lag", "10s"]),
        (["--record", "full"], ["full is there already", "--record"]),
        (["--record", "file/x"], ["file/x", "--record"]),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_what_cannot_be_served_is_refused_with_its_cure(tmp_path, arguments, parts) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    refused(tmp_path, ["--port", "0", *arguments], *parts)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "runs") == ["file", "full"]


def test_a_port_that_is_taken_is_named(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(tmp_path, ["--port", port], port, "--port")


def test_a_database_that_nobody_serves_is_said_to_be_out_of_reach(tmp_path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"postgresql://u:hunter2@127.0.0.1:{closed.getsockname()[1]}/shop"
        refused(tmp_path, ["--port", "0", "--store", url], "reachable")


def test_a_waiting_reader_does_not_hold_up_the_end(folder) -> None:
    waits = ["--set", "policy.read=wait", "--set", "policy.read_timeout=30s", "--set", "policy.poll=1h"]
    with serving(folder, "--store", "memory://", *waits) as shop, ThreadPoolExecutor(1) as reader:
        token = shop.http.post("/orders", json=order()).headers["position"]
        answer = reader.submit(shop.http.get, f"/customer/{ANN}/orders", headers={"Position": token})
        assert shop.http.get("/livez").status_code == 200
        assert shop.stop() == 0
        assert answer.result().status_code == 200
