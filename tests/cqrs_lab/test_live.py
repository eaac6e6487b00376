"""`cqrs-lab live`: a real server, a real database and real load leave the same run folder as virtual time."""

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from live_lab import PATIENCE_S, SHOP, Lab, interrupt, is_excused, lab_in, wait_until

from actors.trace import CLIENT_SCHEMA
from cqrs_lab.cli import BAD_USAGE, INTERRUPTED
from reports import load_run
from scenarios.file import loads, read

pytestmark = pytest.mark.timeout(300)  # on a machine with much else to do all of it takes its time

CHECKED = """
[[expect]]
when = "always"
that = ["no lost", "no phantom", "no doubled", "no reordered", "join right", "stock conserved", "in bounds",
    "converged within 5s"]
[[expect]]
that = ["lag.p99{summary} < 5s", "latency.p99{POST /orders} < 20s", "success{orders} >= 0.99"]
"""
OUTAGE = (
    SHOP
    + """
[[fault]]
kind = "unavailable"
on = "store:products"
at = "1s"
for = "3s"
[[expect]]
when = "always"
that = ["no lost", "faults fired"]
[[expect]]
that = ["lag.max{summary} > 2s", "lag.p99{inventory} < 5s", "success{orders} >= 0.99"]
"""
)
LOSSY = (
    SHOP
    + """
[policy]
publish = "direct"
[[fault]]
kind = "crash"
on = "summary"
at = "1s"
for = "3s"
[[fault]]
kind = "surge"
on = "load:orders"
by = 2
at = "2s"
for = "1s"
[[expect]]
when = "always"
that = ["no lost", "faults fired"]
"""
)
LONG = SHOP.replace('run = "6s"', 'run = "10m"')


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Not under pytest's own folders, which are closed to the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="cqrs-lab-test-"))
    folder.chmod(0o755)
    with lab_in(folder) as made:
        yield made
    shutil.rmtree(folder)


def is_served(lab: Lab) -> bool:
    """Whether orders were placed and seen: Locust's table says so."""
    tables = lab.folder.glob(".out.*/locust_stats.csv")
    return any("order->summary" in table.read_text(encoding="utf-8") for table in tables)


def test_a_healthy_system_passes_and_its_folder_has_what_server_and_clients_saw(lab: Lab) -> None:
    code, said = lab.run(SHOP + CHECKED)
    verdict, info, summary = lab.json("verdict"), lab.json("run"), lab.json("summary")
    assert all(result["held"] for result in verdict["results"]), said
    assert code == 0 or (code == 3 and is_excused(verdict)), said
    assert not lab.found()
    assert not list(lab.tmp.iterdir())

    run = load_run(lab.out)
    requests = run.tables["requests"]
    assert list(requests.columns) == list(CLIENT_SCHEMA["requests"])
    placed = requests[(requests.kind == "orders") & (requests.outcome == "ok")]
    told = run.commands[run.commands.outcome == "acknowledged"]
    assert set(placed.order_id) == set(told.order_id)
    assert set(run.tables["probes"].key) <= set(told.order_id)
    first = requests.intended_s.min()
    assert -1.0 <= first < 0.0
    assert placed.intended_s.max() < 6.0
    server_s = run.commands.set_index("order_id").arrived_s
    sent_s = placed.set_index("order_id").started_s
    assert np.median(server_s - sent_s) == pytest.approx(0.0, abs=0.5)  # both count from the same instant

    assert info["engine"] == "live"
    assert info["phases"]["warm"] == 1.0
    assert info["phases"]["run"] == 6.0
    assert info["generator"]["intended"] == ((requests.intended_s >= 0) & (requests.intended_s < 6)).sum()
    assert info["generator"]["wall_s"] == pytest.approx(6.0, abs=1.0)  # it accounts for the run phase alone
    assert "locust" in info["versions"]
    assert read(lab.out / "scenario.toml") == loads(SHOP + CHECKED, source="shop", folder=lab.folder)
    vantage = summary["client"]["vantage"]
    assert vantage["client"]["p50"] >= vantage["noticed_after"] - vantage["answered_after"]
    assert "as its client saw it" in said
    with (lab.out / "locust_stats.csv").open(encoding="utf-8") as file:
        rows = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(file)}
    assert rows["Aggregated"] == len(requests)
    assert (lab.out / "locust.html").stat().st_size > 0
    reads = run.reads[run.reads.kind != "page"]
    assert len(reads) == requests.kind.isin(["history", "own"]).sum()  # those of the probes are no reader's


def test_on_postgresql_an_outage_is_seen_from_both_sides_begins_in_time_and_ends(lab: Lab) -> None:
    code, said = lab.run(OUTAGE, "--store", "embedded-postgres", "--processes", "2")
    verdict, info, summary = lab.json("verdict"), lab.json("run"), lab.json("summary")
    assert all(result["held"] for result in verdict["results"]), said
    assert code == 0 or (code == 3 and is_excused(verdict)), said
    assert not lab.found()
    (fault,) = info["faults"]
    assert fault["start_s"] == pytest.approx(1.0, abs=0.5)
    assert fault["end_s"] == pytest.approx(4.0, abs=0.5)
    assert info["store"].startswith("PostgreSQL")
    assert len(info["generator"]["processes"]) == 2
    assert summary["faults"][0]["recovery_s"]["summary"] is not None
    vantage = summary["client"]["vantage"]
    assert vantage["server"]["max"] > 2.0
    assert vantage["client"]["max"] > 2.0
    assert vantage["client"]["max"] == pytest.approx(vantage["server"]["max"], abs=1.5)


def test_what_direct_publishing_loses_in_a_crash_fails_the_run(lab: Lab) -> None:
    code, said = lab.run(LOSSY)
    verdict, info, summary = lab.json("verdict"), lab.json("run"), lab.json("summary")
    lost = next(result for result in verdict["results"] if result["text"] == "no lost")
    assert lost["held"] is False, said
    assert lost["counter_examples"][0]["order_id"] > 0
    assert code == 1 or (code == 3 and is_excused(verdict)), said
    assert [fault["kind"] for fault in info["faults"]] == ["crash", "surge"]
    assert all(fault["hits"] > 0 for fault in summary["faults"])
    assert info["faults"][1]["planned_start_s"] == 2.0
    assert 2.0 < info["faults"][1]["start_s"] < 2.5  # as it was, not as it was to be
    probes = load_run(lab.out).tables["probes"]
    assert summary["client"]["lag_s"]["summary"]["censored"] > 0
    assert np.isnan(probes.seen_s).sum() > 0


def test_a_load_that_is_too_much_for_its_generator_leaves_the_verdict_unknown(lab: Lab) -> None:
    text = SHOP.replace("poisson(20/s)", "poisson(4000/s)").replace('"6s"', '"2s"', 1)
    code, said = lab.run(text + CHECKED)
    assert code == 3, said
    generator = lab.json("run")["generator"]
    assert not generator["kept_up"]
    assert any(
        reason.startswith("the load generator could not keep up")
        for reason in lab.json("verdict")["unknown_because"]
    )
    assert generator["dropped"] + generator["sent"] == generator["intended"]


def test_a_server_that_dies_leaves_what_clients_saw_and_no_verdict(lab: Lab) -> None:
    process = lab.start(LONG + CHECKED)
    wait_until(lambda: is_served(lab))
    (server,) = lab.found("loadtest.server.live_server")
    server.kill()
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3, said
    assert "the server was gone" in lab.json("run")["cut_short"]
    assert "SIGKILL" in lab.json("verdict")["unknown_because"][0]
    assert load_run(lab.out).tables["requests"] is not None
    assert not lab.found()


def test_an_interrupt_leaves_a_folder_with_what_was_measured(lab: Lab) -> None:
    process = lab.start(LONG + CHECKED)
    wait_until(lambda: is_served(lab))
    interrupt(process)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == INTERRUPTED, said
    assert "it was interrupted" in lab.json("run")["cut_short"]
    assert lab.json("verdict")["verdict"] == "unknown"
    run = load_run(lab.out)
    assert len(run.commands) > 0
    assert len(run.tables["requests"]) > 0
    assert not lab.found()
    assert not list(lab.tmp.iterdir())


def test_nothing_outlives_a_run_that_is_killed(lab: Lab) -> None:
    process = lab.start(LONG, "--store", "embedded-postgres")
    wait_until(lambda: is_served(lab))
    assert lab.found("postgres")
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not lab.found())
    wait_until(lambda: not list(lab.tmp.glob("cqrs-lab-live-*")))
    wait_until(lambda: not list(lab.folder.glob(".out.*")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--store", "postgresql://ann:secret@127.0.0.1:1/none"], "Connection refused"),
        (["--store", "sqlit:///x"], "sqlite"),
        (["--users", "5"], "--users 5 is for closed loads"),
    ],
)
def test_what_cannot_be_run_is_one_message_and_exit_code_2(
    lab: Lab, options: list[str], message: str
) -> None:
    code, said = lab.run(SHOP, *options)
    assert code == BAD_USAGE, said
    assert message in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert not lab.out.exists()
    assert not lab.found()


def test_stores_that_hold_orders_are_refused(lab: Lab) -> None:
    stores = f"sqlite:///{lab.folder}/kept"
    text = SHOP.replace('"6s"', '"1s"', 1)
    code, said = lab.run(text, "--store", stores)
    assert code in (0, 3), said
    shutil.rmtree(lab.out)
    code, said = lab.run(text, "--store", stores)
    assert code == BAD_USAGE, said
    assert "hold orders of an earlier run" in said
