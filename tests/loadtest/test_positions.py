"""Readers and positions: what a read reflects, how old that is, and how a reader waits for what it wrote."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from front import ANN, PRODUCTS, STOCK, front, policy, shop

from loadtest.api import tokens

A_WHILE_S = 0.2


def test_a_view_that_keeps_up_says_so(lab) -> None:
    lab.place(ANN)
    lab.until_followed()
    for path, position in (
        (f"/customer/{ANN}/orders", "orders=1"),
        ("/orders/1", "orders=1"),
        ("/inventory/products/1", f"orders=1, inventory={PRODUCTS + 1}"),
        ("/products/1", f"catalog={PRODUCTS}, inventory={PRODUCTS + 1}"),
    ):
        answer = lab.http.get(path)
        assert (answer.headers["position"], answer.headers["position-age"]) == (position, "0.000"), path
        assert "position-stale" not in answer.headers, "it was not asked for anything"


def test_a_view_that_is_down_says_how_old_it_is(lab) -> None:
    lab.place(ANN)
    lab.until_followed()
    with lab.failing("crash", "summary"):
        begun_s = time.monotonic()
        token = lab.place(ANN).headers["position"]
        lab.until(lambda: time.monotonic() - begun_s > A_WHILE_S)
        answer = lab.http.get(f"/customer/{ANN}/orders", headers={"Position": token})
        passed_s = time.monotonic() - begun_s
        assert [one["orderId"] for one in answer.json()] == [1]
        assert answer.headers["position"] == "orders=1"
        assert answer.headers["position-stale"] == "?1"
        assert A_WHILE_S / 2 < float(answer.headers["position-age"]) <= passed_s
        assert lab.http.get("/orders/2").status_code == 200, "who has placed an order finds it"


def test_under_eventual_reads_nobody_waits(open_front) -> None:
    lab = open_front(policy(read="eventual"))
    with lab.failing("pause", "summary"):
        token = lab.place(ANN).headers["position"]
        begun_s = time.monotonic()
        answer = lab.http.get(f"/customer/{ANN}/orders", headers={"Position": token, "Prefer": "wait=5"})
        assert time.monotonic() - begun_s < 2.0
        assert (answer.json(), answer.headers["position-stale"]) == ([], "?1")
        assert "preference-applied" not in answer.headers


@pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
def test_a_reader_with_its_token_sees_what_it_wrote_as_soon_as_the_view_has_it(open_front) -> None:
    lab = open_front(policy(read="wait"))
    with ThreadPoolExecutor(1) as reader:
        with lab.failing("pause", "summary"):
            token = lab.place(ANN).headers["position"]
            answer = reader.submit(
                lab.http.get,
                f"/customer/{ANN}/orders",
                headers={"Position": token, "Prefer": "respond-async, wait=9"},
            )
            lab.until(lambda: lab.server.service.views.waiting)
            assert not answer.done()
        got = answer.result()
    assert [one["orderId"] for one in got.json()] == [1]
    assert got.headers["position-stale"] == "?0"
    assert got.headers["preference-applied"] == "wait=9"


def test_a_reader_waits_no_longer_than_it_wants_to(open_front) -> None:
    lab = open_front(policy(read="wait", read_timeout=0.05))
    with lab.failing("pause", "summary"):
        token = lab.place(ANN).headers["position"]
        for headers, wait_s in (({}, 0.05), ({"Prefer": "wait=1"}, 1.0), ({"Prefer": "wait=0"}, 0.0)):
            begun_s = time.monotonic()
            answer = lab.http.get(f"/customer/{ANN}/orders", headers={"Position": token, **headers})
            took_s = time.monotonic() - begun_s
            assert wait_s <= took_s < wait_s + 1.0
            assert (answer.json(), answer.headers["position-stale"]) == ([], "?1")


def test_every_view_can_be_waited_for(open_front) -> None:
    lab = open_front(policy(read="wait"))
    for node, path, write in (
        ("inventory", "/inventory/products/1", lambda: lab.place(ANN)),
        ("products", "/products/2", lambda: lab.http.patch("/products/2", json={"name": "Lamp"})),
    ):
        with ThreadPoolExecutor(1) as reader:
            with lab.failing("pause", node):
                token = write().headers["position"]
                answer = reader.submit(lab.http.get, path, headers={"Position": token})
                lab.until(lambda: lab.server.service.views.waiting)
            assert answer.result().headers["position-stale"] == "?0"
    assert lab.http.get("/products/2").json()["name"] == "Lamp"


def test_what_a_service_has_published_itself_it_shows_at_once(lab) -> None:
    token = lab.http.post("/inventory/products/1/adjustments", json={"delta": 3}).headers["position"]
    answer = lab.http.get("/inventory/products/1", headers={"Position": token})
    assert (answer.json()["availableQuantity"], answer.headers["position-stale"]) == (STOCK + 3, "?0")
    assert token in answer.headers["position"]


def test_a_position_that_no_log_has_is_not_waited_for(open_front) -> None:
    lab = open_front(policy(read="wait", read_timeout=5.0))
    begun_s = time.monotonic()
    answer = lab.http.get(f"/customer/{ANN}/orders", headers={"Position": "orders=1000000"})
    assert time.monotonic() - begun_s < 2.0
    assert answer.headers["position-stale"] == "?1"


def test_waiting_readers_do_not_hold_up_others(open_front) -> None:
    lab = open_front(policy(read="wait", read_timeout=9.0))
    with ThreadPoolExecutor(40) as readers:
        with lab.failing("pause", "summary"):
            token = lab.place(ANN).headers["position"]
            waiting = [
                readers.submit(lab.http.get, f"/customer/{ANN}/orders", headers={"Position": token})
                for _ in range(40)
            ]
            lab.until(lambda: lab.server.service.views.waiting)
            begun_s = time.monotonic()
            assert lab.http.get("/products/1").status_code == 200
            lab.place(ANN)
            assert time.monotonic() - begun_s < 2.0
        assert {one.result().status_code for one in waiting} == {200}


def test_a_server_that_stops_lets_its_readers_go_with_what_it_has() -> None:
    answers = []
    with front(shop(policy(read="wait", read_timeout=30.0))) as lab:
        lab.system.runtime.pause("summary")
        token = lab.place(ANN).headers["position"]

        def read() -> None:
            answers.append(lab.http.get(f"/customer/{ANN}/orders", headers={"Position": token}))

        reader = threading.Thread(target=read)
        reader.start()
        lab.until(lambda: lab.server.service.views.waiting)
        lab.server.should_exit = True
        reader.join()
    assert [one.headers["position-stale"] for one in answers] == ["?1"]


def test_the_command_side_answers_histories_if_that_is_the_policy(open_front) -> None:
    lab = open_front(policy(read="write-side"))
    with lab.failing("crash", "summary"):
        token = lab.place(ANN).headers["position"]
        answer = lab.http.get(f"/customer/{ANN}/orders", headers={"Position": token})
        assert answer.json()[0]["items"] == [{"productName": "Product 1", "quantity": 1}]
        assert (answer.headers["position"], answer.headers["position-stale"]) == (token, "?0")


def test_a_product_that_the_view_has_not_heard_of_is_not_denied(lab) -> None:
    with lab.failing("pause", "products"):
        added = lab.http.post("/products", json={"name": "Sofa", "price": 1})
        answer = lab.http.get(added.headers["location"])
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs#not-yet-visible")
        assert answer.headers["retry-after"] == "1"
    lab.until_followed()
    assert lab.http.get(added.headers["location"]).status_code == 200


def test_copies_of_a_view_say_for_themselves_how_far_they_are(open_front) -> None:
    lab = open_front(policy(replicas=2))
    lab.place(ANN)
    lab.until_followed()
    assert {len(lab.orders_of(ANN)) for _ in range(20)} == {1}
    assert {("summary", "orders"), ("summary/2", "orders")} <= set(lab.system.observer.following)


def test_tokens_are_read_as_they_are_written() -> None:
    positions = {"orders": 17, "catalog": 3}
    assert tokens.loads(tokens.dumps(positions)) == positions
