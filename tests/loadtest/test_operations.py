"""What who runs the system meets: health, metrics, and logs."""

import json
import logging
import re
import time

import pytest
from front import ANN, BOB, STOCK, order, policy

from actors.messages import Replay
from loadtest.server.logs import JsonLines
from loadtest.system.observer import BUCKETS_S

LABEL = r'[a-z_]+="([^"\\\n]|\\[\\"n])*"'
NUMBER = r"(NaN|[+-]Inf|-?[0-9.]+(e[+-]?[0-9]+)?)"
SAMPLE = re.compile(rf"[a-zA-Z_:][a-zA-Z0-9_:]*(\{{({LABEL})?(,{LABEL})*\}})? {NUMBER}")
SUMMARY = 'consumer="summary",source="orders"'


def of(lab, name: str, labels: str = SUMMARY) -> float:
    return lab.metrics()[f"cqrs_lab_{name}{{{labels}}}"]


def test_a_server_that_answers_is_alive_and_ready(lab) -> None:
    assert lab.http.get("/livez").json() == {"status": "alive"}
    ready = lab.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert {one["state"] for one in ready.json()["consumers"]} == {"following"}


def test_it_is_not_ready_while_a_store_does_not_answer(lab) -> None:
    with lab.failing("unavailable", "store:products"):
        answer = lab.http.get("/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs#not-ready")
        assert "products" in answer.json()["detail"]
        assert lab.http.get("/livez").status_code == 200
    assert lab.http.get("/readyz").status_code == 200


def test_it_is_not_ready_while_a_consumer_is_down(lab) -> None:
    with lab.failing("crash", "summary"):
        assert "summary is down" in lab.http.get("/readyz").json()["detail"]
        assert of(lab, "consumer_state", f'{SUMMARY},state="down"') == 1
    lab.until(lambda: lab.http.get("/readyz").status_code == 200)


def test_it_is_not_ready_while_a_consumer_is_too_far_behind(open_front) -> None:
    lab = open_front(ready_lag_s=0.05)
    with lab.failing("pause", "summary"):
        lab.place(ANN)
        lab.until(lambda: lab.http.get("/readyz").status_code == 503)
        assert "behind orders" in lab.http.get("/readyz").json()["detail"]
    lab.until(lambda: lab.http.get("/readyz").status_code == 200)


def test_metrics_are_in_the_format_of_prometheus(lab) -> None:
    lab.place(ANN)
    lab.http.post("/orders", json=order(p1=STOCK + 1))
    answer = lab.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.endswith("\n")
    kinds = {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in kinds, "a family stands in one place"
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            assert SAMPLE.fullmatch(line), line
            name = line.partition("{")[0]
            family = re.sub("_(bucket|sum|count)$", "", name)
            assert list(kinds)[-1] in (name, family), "samples stand below their type"
            assert (kinds[list(kinds)[-1]] == "counter") == name.endswith("_total"), name


def test_a_consumer_that_is_paused_falls_behind_by_what_is_in_the_log(lab) -> None:
    lab.place(ANN)
    lab.until_followed()
    assert of(lab, "consumer_lag_events") == of(lab, "consumer_lag_seconds") == 0
    with lab.failing("pause", "summary"):
        for _ in range(3):
            lab.place(ANN)
        first = of(lab, "consumer_lag_seconds")
        lab.until(lambda: of(lab, "consumer_lag_seconds") > first + 0.05)
        seen = lab.metrics()
    assert seen[f"cqrs_lab_consumer_lag_events{{{SUMMARY}}}"] == 3
    assert seen[f"cqrs_lab_consumer_position{{{SUMMARY}}}"] == 1
    assert seen['cqrs_lab_log_head_position{source="orders"}'] == 4
    assert seen['cqrs_lab_outbox_age_seconds{source="orders"}'] == 0, "the inventory has got them"
    lab.until(lambda: of(lab, "consumer_lag_events") == 0)


def test_an_outbox_that_nobody_empties_grows_old(lab) -> None:
    with lab.failing("crash", "relay"):
        lab.place(ANN)
        lab.until(lambda: of(lab, "outbox_age_seconds", 'source="orders"') > 0.05)
    lab.until(lambda: of(lab, "outbox_age_seconds", 'source="orders"') == 0)


def test_every_event_that_became_visible_is_in_the_histogram(lab) -> None:
    for _ in range(7):
        lab.place(ANN)
    lab.until_followed()
    seen = lab.metrics()
    name = "cqrs_lab_consumer_visibility_seconds"
    bounds = [*map(repr, BUCKETS_S), "+Inf"]
    counts = [seen[f'{name}_bucket{{{SUMMARY},le="{bound}"}}'] for bound in bounds]
    assert counts == sorted(counts)
    assert counts[-1] == seen[f"{name}_count{{{SUMMARY}}}"] == 7
    assert seen[f"{name}_sum{{{SUMMARY}}}"] > 0
    assert seen[f'cqrs_lab_consumer_events_total{{{SUMMARY},outcome="applied"}}'] == 7


def test_orders_are_counted_by_what_they_were_answered(lab) -> None:
    lab.place(ANN)
    lab.http.post("/orders", json=order(p1=STOCK + 1))
    lab.until_followed()  # or the order service tries an event again while the next order waits behind it
    with lab.failing("unavailable", "store:orders"):
        lab.http.post("/orders", json=order())
    lab.http.put(f"/customer/{ANN}/cart/items/1", json={"quantity": 1})
    lab.http.post(f"/customer/{ANN}/cart/checkout", json={"shippingAddress": "x"})
    seen = lab.metrics()
    assert seen['cqrs_lab_orders_total{outcome="acknowledged",reason=""}'] == 2
    assert seen['cqrs_lab_orders_total{outcome="rejected",reason="insufficient stock"}'] == 1
    assert seen['cqrs_lab_orders_total{outcome="failed",reason="StoreUnavailable"}'] == 1
    assert seen['cqrs_lab_http_requests_total{route="/orders",method="POST",status="201"}'] == 1


def test_what_is_oversold_is_counted(open_front) -> None:
    lab = open_front(policy(stock="none"))
    lab.place(ANN, p1=STOCK + 3)
    lab.place(ANN, p2=STOCK + 4)
    lab.until_followed()
    assert of(lab, "oversold_units", "") == 7
    lab.http.post("/inventory/products/1/adjustments", json={"delta": 10})
    assert of(lab, "oversold_units", "") == 4


def test_dead_letters_and_stores_that_do_not_answer_are_seen(open_front) -> None:
    lab = open_front(policy(on_error="park"))
    with lab.failing("unavailable", "store:products"):
        lab.place(ANN)
        lab.until(lambda: of(lab, "dead_letters", 'consumer="summary"') == 1)
        assert of(lab, "consumer_lag_events") == 0, "what is parked is not waited for"
        assert of(lab, "consumer_events_total", f'{SUMMARY},outcome="parked"') == 1
        assert of(lab, "store_up", 'store="orders"') == 1
        assert of(lab, "store_up", 'store="products"') == 0


def test_a_dead_letter_that_is_replayed_has_become_visible_late(open_front) -> None:
    lab = open_front(policy(on_error="park"))
    name = "cqrs_lab_consumer_visibility_seconds"
    with lab.failing("bug", "summary", form="raise"):
        lab.place(ANN)
        lab.until_followed()
        lab.place(BOB)
        lab.until_followed()
    assert lab.metrics()[f"{name}_count{{{SUMMARY}}}"] == 0
    lab.until(lambda: lab.system.runtime.ask("summary", Replay()) == 2)
    seen = lab.metrics()
    assert seen[f"{name}_count{{{SUMMARY}}}"] == 2
    assert seen[f'{name}_bucket{{{SUMMARY},le="0.001"}}'] == 0
    assert seen[f"cqrs_lab_consumer_last_applied_timestamp_seconds{{{SUMMARY}}}"] > 0


def test_a_store_that_never_answers_holds_up_no_metrics(lab, monkeypatch) -> None:
    monkeypatch.setattr("loadtest.api.views.LOOK_TIMEOUT_S", 0.05)
    with lab.failing("timeout", "store:orders", by=3.0):
        begun_s = time.monotonic()
        assert of(lab, "store_up", 'store="orders"') == 0
        assert of(lab, "store_up", 'store="summary"') == 1
        assert "store orders" in lab.http.get("/readyz").json()["detail"]
        assert time.monotonic() - begun_s < 3.0


def test_a_consumer_that_stops_for_good_is_logged_and_down(open_front, caplog) -> None:
    lab = open_front(policy(on_error="stop"))
    with caplog.at_level("ERROR", "cqrs_lab.observer"), lab.failing("bug", "summary", form="raise"):
        lab.place(ANN)
        lab.until(lambda: of(lab, "consumer_state", f'{SUMMARY},state="down"') == 1)
    (line,) = [record for record in caplog.records if record.name == "cqrs_lab.observer"]
    assert (line.consumer, line.source, line.position) == ("summary", "orders", 1)
    assert of(lab, "consumer_lag_events") == 1
    assert lab.http.get("/readyz").json()["detail"] == "summary is down"


def test_messages_that_wait_are_counted(lab) -> None:
    with lab.failing("pause", "summary"):
        for _ in range(4):
            lab.place(ANN)
        lab.until(lambda: of(lab, "inbox_depth", 'node="summary"') >= 3)


def test_who_makes_paths_and_methods_up_makes_no_new_metrics(lab) -> None:
    for number, method in enumerate(("LOCK", "MKCOL", "PURGE", "REPORT", "GET"), 1):
        lab.http.request(method, f"/nothing/{number}")
        lab.http.get(f"/orders/{number}")
    names = [name for name in lab.metrics() if "http_requests_total" in name]
    assert len(names) == 2


def test_a_log_line_is_json_with_its_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "cqrs_lab.x", "levelname": "WARNING", "msg": "a %s", "args": ("line",), "status": 503}
    )
    said = json.loads(JsonLines().format(record))
    assert said.pop("at").endswith("+00:00")
    assert said == {"level": "warning", "logger": "cqrs_lab.x", "message": "a line", "status": 503}


def test_each_request_is_a_log_line_if_that_is_asked_for(lab, caplog) -> None:
    with caplog.at_level("DEBUG", "cqrs_lab.facade"):
        lab.http.get("/products/1")
        lab.until(lambda: any(record.msg == "request" for record in caplog.records))
    (line,) = [record for record in caplog.records if record.msg == "request"]
    assert (line.method, line.path, line.status) == ("GET", "/products/1", 200)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_was_behind_before_a_restart_is_behind_since_then(url) -> None:
    from front import front, shop

    with front(shop(), url) as lab:
        lab.system.runtime.crash("summary")
        lab.place(ANN)
    with front(shop(policy(poll=1e9)), url) as lab:  # nothing is relayed
        lab.until(lambda: of(lab, "consumer_lag_seconds") > 0.05)
        assert of(lab, "consumer_lag_events") == 1
