"""An order that is repeated under its key is placed once, and answered the same."""

import contextlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from front import ANN, BOB, PATIENCE_S, STOCK, front, order, policy, shop

from loadtest.api.idempotency import FORGOTTEN_AFTER_S, InFlight
from loadtest.api.problems import Problem

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
JSON_TYPE = {"Content-Type": "application/json"}
OF_ANSWER = ("location", "position", "content-type")


def said(answer):
    """What of an answer must be the same."""
    return answer.status_code, answer.content, [answer.headers.get(name) for name in OF_ANSWER]


def test_the_same_key_and_body_get_the_same_answer(lab) -> None:
    first = lab.http.post("/orders", json=order(p1=2), headers=KEY)
    assert first.status_code == 201
    lab.place(BOB)
    assert said(lab.http.post("/orders", json=order(p1=2), headers=KEY)) == said(first)
    lab.until_followed()
    assert lab.orders_of(ANN) == [1]


@pytest.mark.parametrize(
    "other", [order(p1=1), order(p2=2), order(p1=2, p2=1), order(BOB, p1=2), order(address="elsewhere", p1=2)]
)
def test_the_same_key_with_another_order_is_refused(lab, other) -> None:
    lab.http.post("/orders", json=order(p1=2), headers=KEY)
    answer = lab.http.post("/orders", json=other, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#key-reused")
    lab.until_followed()
    assert (lab.orders_of(ANN), lab.orders_of(BOB)) == ([1], [])


def test_while_the_first_is_being_carried_out_the_key_is_in_flight(lab) -> None:
    with ThreadPoolExecutor(1) as client:
        with lab.failing("pause", "orders"):
            first = client.submit(lab.http.post, "/orders", json=order(), headers=KEY)
            lab.until(lambda: len(lab.server.service.keys) == 1)
            second = lab.http.post("/orders", json=order(), headers=KEY)
            assert (second.status_code, second.json()["type"]) == (409, "/docs#key-in-flight")
            assert second.headers["retry-after"] == "1"
        assert first.result().status_code == 201
    assert said(lab.http.post("/orders", json=order(), headers=KEY)) == said(first.result())


@pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
def test_of_many_at_once_one_is_carried_out(lab) -> None:
    with ThreadPoolExecutor(16) as clients:
        answers = [clients.submit(lab.http.post, "/orders", json=order(), headers=KEY) for _ in range(48)]
        got = [one.result() for one in answers]
    placed = [one for one in got if one.status_code == 201]
    assert {one.status_code for one in got} <= {201, 409}
    assert {one.json()["orderId"] for one in placed} == {1}
    lab.until_followed()
    assert lab.orders_of(ANN) == [1]


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_restart_does_not_forget_keys(url) -> None:
    with front(shop(), url) as lab:
        first = lab.http.post("/orders", json=order(p1=2), headers=KEY)
    with front(shop(), url) as lab:
        assert said(lab.http.post("/orders", json=order(p1=2), headers=KEY)) == said(first)
        assert lab.http.post("/orders", json=order(p1=3), headers=KEY).status_code == 422


def test_a_refused_order_leaves_its_key_free(lab) -> None:
    assert lab.http.post("/orders", json=order(p1=STOCK + 1), headers=KEY).status_code == 409
    lab.http.post("/inventory/products/1/adjustments", json={"delta": 1})
    lab.until_followed()
    assert lab.http.post("/orders", json=order(p1=STOCK + 1), headers=KEY).status_code == 201


def test_an_order_whose_service_died_is_placed_once_when_it_is_repeated(lab) -> None:
    with lab.failing("crash", "orders"):
        assert lab.http.post("/orders", json=order(), headers=KEY).status_code == 503
    assert lab.http.post("/orders", json=order(), headers=KEY).json()["orderId"] == 1


def test_a_pending_order_is_answered_the_same_again(open_front) -> None:
    lab = open_front(policy(stock="saga"))
    first = lab.http.post("/orders", json=order(), headers=KEY)
    lab.until(lambda: lab.http.get("/orders/1").json()["status"] == "confirmed")
    assert said(lab.http.post("/orders", json=order(), headers=KEY)) == said(first)
    assert first.status_code == 202


def test_a_key_cannot_pass_for_a_check_out(lab) -> None:
    lab.http.put(f"/customer/{ANN}/cart/items/1", json={"quantity": 1})
    where = {"shippingAddress": "x"}
    assert lab.http.post(f"/customer/{ANN}/cart/checkout", json=where).status_code == 201
    for key in (f"check-out/{ANN}/1", f"{ANN}/1"):
        assert lab.http.post("/orders", json=order(), headers={"Idempotency-Key": key}).status_code == 201
    lab.until_followed()
    assert len(lab.orders_of(ANN)) == 3


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 201, "schlüssel".encode(), b"\xff"], ids=repr)
def test_a_key_that_is_none_is_named(lab, key) -> None:
    client = http.client.HTTPConnection(lab.server.url.removeprefix("http://"), timeout=PATIENCE_S)
    with contextlib.closing(client):  # one that sends any bytes
        client.request("POST", "/orders", json.dumps(order()), {**JSON_TYPE, "Idempotency-Key": key})
        answer = client.getresponse()
        assert (answer.status, json.load(answer)["type"]) == (400, "/docs#bad-parameter")
    assert lab.http.get("/orders/1").status_code == 404


def test_a_request_that_nobody_answers_does_not_keep_its_key_for_ever() -> None:
    now_s = 0.0
    keys = InFlight(lambda: now_s)
    keys.begin("k")
    with pytest.raises(Problem):
        keys.begin("k")
    now_s = FORGOTTEN_AFTER_S
    end = keys.begin("k")
    end()
    assert len(keys) == 0
