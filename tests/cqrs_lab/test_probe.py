"""`cqrs-lab probe`: the lag of systems that know nothing of the lab, through HTTP alone."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from other_shop import TOKEN, OtherShop, other_shop, until

from cqrs_lab.experiment import Outcome
from cqrs_lab.probe import read_probe, run_probe
from loadtest.probing import http as probing_http
from reports import Run, load_run
from scenarios.errors import ScenarioError
from scenarios.probefile import read

sys.path.insert(0, str(Path(__file__).parents[1] / "loadtest"))

from front import STOCK, Front, front

CLOCKS_S = 0.02
"""By how much two clocks of one machine may be apart."""

PROBE = """
name = "things"
question = "How soon can a thing be read?"

[target]
base_url = "http://127.0.0.1:1/api"

[phases]
run = "1500ms"
settle = "2s"

[write]
path = "/things"
headers = { Idempotency-Key = "{uuid}" }
body = { owner = "{key}", note = "number {n}" }
rate = "every(50ms)"
keys = 5
capture = { id = "json:$.created.id", location = "header:Location", version = "header:X-Version" }

[[view]]
name = "list"
path = "/things?owner={key}"
visible = { in = "json:$.things[*].id", equals = "{id}" }
poll = "20ms"

[[view]]
name = "one"
path = "{location}"
visible = { status = 200 }
poll = "20ms"

[[view]]
name = "version"
path = "/things?owner={key}"
visible = { in = "header:X-Version", at_least = "{version}" }
poll = "20ms"
"""

SHOP = """
name = "shop-orders"
question = "How soon does a customer see an order?"

[target]
base_url = "http://127.0.0.1:8000"

[phases]
run = "4s"
settle = "6s"

[write]
path = "/orders"
body = { customerId = "{key}", items = [{ productId = 1, quantity = 1 }], shippingAddress = "Quay {n}" }
rate = "every(50ms)"
capture = { id = "json:$.orderId", position = "header:Position" }

[[view]]
name = "summary"
path = "/customer/{key}/orders?limit=100"
visible = { in = "json:$[*].orderId", equals = "{id}" }

[[view]]
name = "inventory"
path = "/inventory/products/1"
headers = { Position = "{position}" }
visible = { in = "header:Position-Stale", equals = "?0" }

[[expect]]
that = ["lag.max{summary} < 200ms", "success{write} >= 1"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "things.toml"
    path.write_text(PROBE)
    return path


def probed(file: Path, shop: OtherShop, *settings: str, claims: list[str] | None = None) -> Outcome:
    """The outcome of the probe on this shop, in the folder `run` beside the file."""
    if claims:
        file.write_text(f"{file.read_text()}\n[[expect]]\nthat = {json.dumps(claims)}\n")
    probe = read(file, (f"target.base_url={shop.url}/api", *settings))
    return run_probe(probe, file, out=file.parent / "run")


def is_as_expected(outcome: Outcome, word: str) -> bool:
    """Whether this is the verdict; on a machine that is too busy for the prober, only `unknown` can be."""
    run = load_run(outcome.folder)
    return outcome.verdict["verdict"] == (word if run.info["generator"]["kept_up"] else "unknown")


def written(outcome: Outcome) -> int:
    """How many of the 30 writes were sent: all, unless the machine is too busy for the prober."""
    generator = load_run(outcome.folder).info["generator"]
    assert generator["intended"] == 30
    assert generator["sent"] == 30 or (not generator["kept_up"] and generator["sent"] > 0)
    return int(generator["sent"])


@contextmanager
def started(file: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; however the block ends, it has ended too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cqrs_lab", "probe", str(file), "--out", str(file.parent / "run"), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


# -- what is measured ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0.0, 0.2, 1.0])
def test_each_write_became_visible_between_the_look_that_missed_it_and_the_one_that_saw_it(
    file, lag_s
) -> None:
    with other_shop(lag_s=lag_s) as shop:
        outcome = probed(file, shop)
        shown_at = {int(thing["note"].split()[1]): thing["shown_at"] for thing in shop.posted()}
    run = load_run(outcome.folder)
    count = written(outcome)
    assert len(shown_at) == count
    for view in ("list", "one", "version"):
        probes = run.probes[run.probes["view"] == view]
        assert sorted(probes["key"]) == sorted(shown_at)
        shown_s = probes["key"].map(shown_at) - run.info["zero_unix_s"]
        if view != "version":  # that of a later thing shows an earlier one, too
            assert (probes["seen_s"] >= shown_s - CLOCKS_S).all()
            assert not (probes["missed_s"] > shown_s + CLOCKS_S).any()
        assert probes["given_up_s"].isna().all()
        lag = outcome.summary["client"]["lag_s"][view]
        assert (lag["count"], lag["censored"]) == (count, 0)
        assert lag["p50"] >= 0.8 * lag_s
    assert is_as_expected(outcome, "pass")


def test_what_is_never_seen_is_censored_and_none_of_it_is_dropped(file) -> None:
    claims = ["visible_within(500ms){one} >= 0.5", "lag.p50{one} < 10s", "lag.p50{one} < 400ms"]
    with other_shop(lag_s=60.0) as shop:
        outcome = probed(file, shop, "view.1.deadline=600ms", claims=claims)
    lag = outcome.summary["client"]["lag_s"]["one"]
    assert lag["censored"] == lag["count"] == written(outcome)
    assert lag["p50"] >= 0.6
    held = {result["text"]: result["held"] for result in outcome.verdict["results"]}
    assert held == dict(zip(claims, [False, None, False], strict=True))
    assert is_as_expected(outcome, "fail")


def test_both_latencies_are_told_and_the_one_from_the_intended_instant_is_the_longer(file) -> None:
    with other_shop(write_s=0.1) as shop:
        outcome = probed(file, shop)
    latency = outcome.summary["client"]["latency_s"]["POST /things"]
    assert latency["from_intended"]["count"] == latency["from_sent"]["count"] == written(outcome)
    for name in ("mean", "p50", "p99", "max"):
        assert latency["from_intended"][name] >= latency["from_sent"][name] >= 0.1


def test_equal_seeds_write_at_equal_instants_for_equal_keys_but_never_under_the_same_id(file) -> None:
    with other_shop() as shop:
        runs = []
        for name in ("one", "two"):
            (file.parent / name).mkdir()
            path = file.parent / name / "probe.toml"
            path.write_text(PROBE)
            outcome = probed(path, shop, "write.rate=poisson(20/s)")
            runs.append(load_run(outcome.folder).requests.sort_values("order_id"))
        posted = shop.posted()
    one, two = runs
    assert np.array_equal(one["intended_s"], two["intended_s"])
    assert np.array_equal(one["session"], two["session"])
    sent = sum(int((requests["outcome"] != "dropped").sum()) for requests in runs)
    assert len({thing["key"] for thing in posted}) == len(posted) == sent > 0


def test_writes_are_filled_in_with_numbers_where_a_place_stands_alone(file) -> None:
    with other_shop() as shop:
        outcome = probed(file, shop)
        posted = shop.posted()
    notes = {thing["note"] for thing in posted}
    assert len(notes) == len(posted) == written(outcome)
    assert notes <= {f"number {n}" for n in range(1, 31)}
    assert {thing["owner"] for thing in posted} <= {1, 2, 3, 4, 5}


def test_users_of_a_closed_load_wait_for_their_answers(file) -> None:
    with other_shop(write_s=0.1) as shop:
        outcome = probed(file, shop, "write.rate=closed(2, 50ms)")
    requests = load_run(outcome.folder).requests.sort_values("started_s")
    under_way = [
        int(((requests["started_s"] <= at_s) & (requests["ended_s"] > at_s)).sum())
        for at_s in requests["started_s"]
    ]
    assert max(under_way) <= 2
    assert 2 < len(requests) <= 2 * 1.5 / 0.15 + 2


# -- a read model that fails ---------------------------------------------------------------------------


@pytest.fixture
def lab() -> Iterator[Front]:
    with front() as server:
        yield server


def test_a_fault_in_a_read_model_is_seen_through_http_alone(lab, tmp_path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(SHOP)

    def ordered() -> int:
        return STOCK - int(lab.http.get("/inventory/products/1").json()["availableQuantity"])

    with started(file, "--set", f"target.base_url={lab.server.url}") as process:
        lab.until(lambda: ordered() >= 10)
        with lab.failing("unavailable", "store:products"):
            before = ordered()
            lab.until(lambda: ordered() >= before + 20)  # a second's orders
        code, out, err = ended(process)
    run = load_run(tmp_path / "run")
    kept_up = run.info["generator"]["kept_up"]
    assert code == (1 if kept_up else 3), out + err
    assert ("FAIL" if kept_up else "UNKNOWN") in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())["client"]
    sent = run.info["generator"]["sent"]
    assert sent == 80 or not kept_up
    assert summary["requests"]["POST /orders"]["ok"] == sent
    for view in ("summary", "inventory"):
        assert summary["lag_s"][view]["count"] == sent
        assert summary["lag_s"][view]["censored"] == 0
    assert summary["lag_s"]["summary"]["max"] > 0.5 > summary["lag_s"]["inventory"]["p50"]


# -- what it is not sure of ----------------------------------------------------------------------------


def unknown_because(outcome: Outcome) -> str:
    assert outcome.verdict["verdict"] == "unknown"
    assert outcome.verdict["exit_code"] == 3
    return "; ".join(outcome.verdict["unknown_because"])


def test_what_does_not_fit_is_dropped_and_counted_and_nothing_can_be_said(file) -> None:
    with other_shop(write_s=0.2) as shop:
        outcome = probed(file, shop, "bounds.in_flight=1")
        posted = shop.posted()
    requests = load_run(outcome.folder).requests
    dropped = requests[requests["outcome"] == "dropped"]
    assert len(requests) == 30
    assert len(dropped) == 30 - len(posted) >= 15
    assert (dropped["status"] == -1).all()
    assert dropped["started_s"].isna().all()
    assert f"{len(dropped)} of 30 requests were not sent" in unknown_because(outcome)


def test_a_write_that_there_is_no_room_to_watch_is_counted_and_nothing_can_be_said(file) -> None:
    with other_shop(lag_s=60.0) as shop:
        outcome = probed(file, shop, "bounds.watched=6")
    assert len(load_run(outcome.folder).probes) == 6
    views = 3 * written(outcome)
    assert f"{views - 6} of {views} writes could not be watched" in unknown_because(outcome)


def test_no_more_is_written_than_allowed(file) -> None:
    with other_shop() as shop:
        outcome = probed(file, shop, "bounds.writes=5")
        assert len(shop.posted()) == 5
    assert "bounds.writes" in unknown_because(outcome)


def test_an_answer_without_what_is_to_be_captured_is_told(file) -> None:
    with other_shop() as shop:
        outcome = probed(file, shop, 'write.capture.id="json:$.nothing"')
    expected = f"{written(outcome)} answers to the write had nothing at json:$.nothing"
    assert expected in unknown_because(outcome)


def test_a_place_on_another_server_is_not_asked(file) -> None:
    with other_shop() as other, other_shop(location=other.url) as shop:
        outcome = probed(file, shop)
    expected = f"{written(outcome)} what was captured for the path of one leads to another server"
    assert expected in unknown_because(outcome)
    assert set(load_run(outcome.folder).probes["view"]) == {"list", "version"}


def test_who_is_not_let_in_learns_nothing(file, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "wrong")
    with other_shop(guarded=True) as shop:
        outcome = probed(file, shop, 'target.headers.Authorization="Bearer ${SHOP_TOKEN}"')
    assert "every request of write was refused with 401" in unknown_because(outcome)


def test_a_write_that_is_never_a_success_is_told(file) -> None:
    with other_shop() as shop:
        outcome = probed(file, shop, "write.method=PUT")
    assert "no write was a success, what came was 405" in unknown_because(outcome)


def test_a_view_that_is_not_where_the_file_says_is_told(file) -> None:
    with other_shop() as shop:
        outcome = probed(file, shop, "view.0.path=/nowhere", "phases.run=300ms", "phases.settle=200ms")
    assert "no answer of list told of a write, what came was 404" in unknown_because(outcome)


def test_an_answer_without_an_end_is_none(file, monkeypatch) -> None:
    monkeypatch.setattr(probing_http, "ANSWER_MAX_BYTES", 10)
    with other_shop() as shop:
        outcome = probed(file, shop, "phases.run=300ms", "phases.settle=200ms")
    assert "no write was a success, what came was no answer" in unknown_because(outcome)


def test_a_claim_without_a_sample_is_no_claim(file) -> None:
    with other_shop() as shop:
        outcome = probed(
            file, shop, "write.success=[299]", claims=["lag.p99{one} < 1s", "success{write} >= 1"]
        )
    assert "lag.p99{one} < 1s: there was nothing to judge" in unknown_because(outcome)
    assert [result["value"] for result in outcome.verdict["results"]] == [None, 0.0]


# -- secrets -------------------------------------------------------------------------------------------


def test_a_secret_reaches_the_target_and_no_file_and_no_terminal(file) -> None:
    headers = 'headers = { Authorization = "Bearer ${SHOP_TOKEN}" }'
    file.write_text(PROBE.replace("[phases]", f"{headers}\n\n[phases]"))
    command = [sys.executable, "-m", "cqrs_lab", "probe", str(file), "--out", str(file.parent / "run")]
    with other_shop(guarded=True) as shop:
        done = subprocess.run(
            [*command, "--set", f"target.base_url={shop.url}/api"],
            env={"SHOP_TOKEN": TOKEN},
            capture_output=True,
            timeout=60,
            check=False,
        )
        posted = shop.posted()
    assert done.returncode in (0, 3), done.stderr
    assert len(posted) == 30 or done.returncode == 3
    secret = TOKEN.encode()
    assert secret not in done.stdout + done.stderr
    files = [path for path in (file.parent / "run").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {
        *("probe.toml", "run.json", "summary.json", "verdict.json", "report.html"),
        *("requests.parquet", "probes.parquet"),
    }
    assert not [path for path in files if secret in path.read_bytes()]
    assert "${SHOP_TOKEN}" in (file.parent / "run" / "probe.toml").read_text()


@pytest.mark.parametrize("value", ["", "two\nlines-of-it", "café-of-it"])
def test_a_secret_that_is_missing_or_cannot_be_sent_is_told_without_it(file, monkeypatch, value) -> None:
    monkeypatch.setenv("SHOP_TOKEN", value)
    probe = read(file, ['target.headers.Authorization="Bearer ${SHOP_TOKEN}"'])
    with pytest.raises(
        ScenarioError, match=r"target\.headers\.Authorization: .*SHOP_TOKEN.*; set it"
    ) as error:
        run_probe(probe, file, out=file.parent / "run")
    assert "of-it" not in str(error.value)
    assert not (file.parent / "run").exists()


# -- targets -------------------------------------------------------------------------------------------


def test_another_machine_is_asked_only_if_the_user_names_it(file) -> None:
    settings = ("target.base_url=https://api.example.com/v1",)
    with pytest.raises(ScenarioError, match=r"another machine.*--allow-host api\.example\.com"):
        read_probe(file, settings, None, ())
    with pytest.raises(ScenarioError, match=r"--allow-host api\.example\.com"):
        read_probe(file, settings, None, ["example.com"])
    assert read_probe(file, settings, None, ["API.example.com"]).target.host == "api.example.com"


def test_a_target_that_is_not_there_is_told_before_anything_is_written(file) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with started(file, "--set", f"target.base_url=http://127.0.0.1:{port}") as process:
        code, out, err = ended(process)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert f"http://127.0.0.1:{port} cannot be reached" in err
    assert "start the server, or correct the URL" in err
    assert list(file.parent.iterdir()) == [file]


def loaded(file: Path) -> tuple[Run, dict[str, Any]]:
    return load_run(file.parent / "run"), json.loads((file.parent / "run" / "verdict.json").read_text())


LONG = ("--set", "phases.run=60s", "--set", "phases.settle=1s")


def test_a_target_that_dies_leaves_a_run_folder_and_no_verdict(file) -> None:
    with other_shop() as shop:
        settings = ("--set", "phases.run=3s", "--set", "phases.settle=1s")
        with started(file, "--set", f"target.base_url={shop.url}/api", *settings) as process:
            shop.until_posted(10)
            shop.process.kill()
            code, out, err = ended(process)
    assert code == 3, err
    assert out.startswith("UNKNOWN")
    run, verdict = loaded(file)
    assert "the target was gone in the end" in verdict["unknown_because"][0]
    assert (run.requests["outcome"] == "ok").sum() >= 9
    assert (run.requests["status"] == 0).sum() >= 1


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_run_folder_and_no_verdict(file, sign) -> None:
    with (
        other_shop(lag_s=60.0) as shop,
        started(file, "--set", f"target.base_url={shop.url}/api", *LONG) as process,
    ):
        shop.until_posted(10)
        process.send_signal(sign)
        code, out, err = ended(process)
    assert code == 130, err
    assert out == ""
    assert f"interrupted; what was measured is in {file.parent / 'run'}" in err
    run, verdict = loaded(file)
    assert verdict["verdict"] == "unknown"
    assert "it was interrupted" in verdict["unknown_because"][0]
    assert len(run.requests) >= 10
    assert run.probes["seen_s"].isna().all()
    assert (run.probes["given_up_s"] >= run.probes["acknowledged_s"]).all()


def test_an_interrupt_before_the_target_has_answered_leaves_nothing(file) -> None:
    # A listener that accepts nobody: connections beyond its queue wait.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with started(file, "--set", f"target.base_url={url}", "--set", "target.timeout=60s") as process:
            connecting = psutil.Process(process.pid).net_connections
            until(lambda: any(one.status == psutil.CONN_SYN_SENT for one in connecting()))
            process.send_signal(signal.SIGINT)
            code, _, err = ended(process)
    assert code == 130
    assert "nothing was asked of the target" in err
    assert list(file.parent.iterdir()) == [file]
