"""What goes wrong is answered as a problem: what it is, with which value, and how it is cured."""

import json
from typing import Any

import msgspec
import pytest
from front import ANN, BOB, STOCK, order, policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.policy import ConsumerPolicy
from actors.runtime.handling import Handling
from loadtest.api import facade
from loadtest.api.problems import KINDS

CART = f"/customer/{ANN}/cart"

BAD_BODIES: list[tuple[str, Any, str, Any]] = [
    # what is wrong, the body, where, with which value
    ("a number as text", {**order(), "customerId": "seven"}, "$.customerId", "seven"),
    ("no such customer", {**order(), "customerId": 0}, "$.customerId", 0),
    ("a customer beyond all", {**order(), "customerId": 2**31}, "$.customerId", 2**31),
    ("no items", {**order(), "items": []}, "$.items", []),
    ("too many items", {**order(), "items": [{"productId": 1, "quantity": 1}] * 1001}, "$.items", "…"),
    ("none of a product", order(p1=0), "$.items[0].quantity", 0),
    ("a huge quantity", order(p1=10**9), "$.items[0].quantity", 10**9),
    ("half a unit", {**order(), "items": [{"productId": 1, "quantity": 0.5}]}, "$.items[0].quantity", 0.5),
    ("a long address", order(address="x" * 501), "$.shippingAddress", "…"),
    ("an empty address", order(address=""), "$.shippingAddress", ""),
    ("what PostgreSQL cannot keep", order(address="a\0b"), "$.shippingAddress", "a\0b"),
    ("something missing", {"customerId": 7}, None, None),
    ("something unknown", {**order(), "colour": "red"}, None, None),
    ("a list", [], None, None),
]


@pytest.fixture(scope="module")
def module_lab():
    from front import front

    with front() as one:
        yield one


def problem(answer: Any, status: int, kind: str) -> Any:
    """The problem in the answer, which must be whole."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (status, status, f"/docs#{kind}"), body
    assert body["title"] == KINDS[kind].title
    assert body["detail"], body
    assert body["cure"], body
    assert ("retry-after" in answer.headers) == KINDS[kind].may_pass
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize(
    ("body", "at", "value"), [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES]
)
def test_a_body_that_says_something_else_is_named_with_its_place_and_value(
    module_lab, body, at, value
) -> None:
    said = problem(module_lab.http.post("/orders", json=body), 422, "invalid-body")
    if at is None:
        return
    assert said["at"] == at
    if value == "…":
        assert len(said["value"]) < 100
    else:
        assert said["value"] == value
    assert "regex" not in said["detail"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1", b'{"customerId": NaN}', b"\xff\xfe", b'"\\ud800"', b"{'a': 1}", b"[" * 100_000],
    ids=repr,
)
def test_what_is_no_json_is_refused(module_lab, body) -> None:
    answer = module_lab.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, "malformed-json")


@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_come_the_answer_is_a_problem(module_lab, body) -> None:
    answer = module_lab.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert msgspec.json.decode(answer.content)["cure"]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
def test_a_body_that_is_not_said_to_be_json_is_refused(module_lab, media_type) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = module_lab.http.post("/orders", content=json.dumps(order()), headers=headers)
    assert problem(answer, 415, "wrong-media-type")["value"] == media_type


def test_a_whole_number_may_be_written_with_a_fraction(lab) -> None:
    number = {**order(), "items": [{"productId": 1.0, "quantity": 2.0}]}
    assert lab.http.post("/orders", json=number).status_code == 201
    assert lab.http.get("/orders/1").json()["items"][0]["quantity"] == 2


@pytest.mark.parametrize(
    "body", [b"9\xff", b'{"customerId": "x", \xff', b'{"items": [1.0], "x": NaN}'], ids=repr
)
def test_what_is_wrong_in_two_ways_is_one_problem(module_lab, body) -> None:
    answer = module_lab.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, "malformed-json")


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"[[1e400]]"], ids=repr)
def test_a_number_that_nothing_can_hold_is_refused(module_lab, number) -> None:
    for body in (b'{"customerId": %b}' % number, b'{"items": [{"quantity": %b}]}' % number, number):
        answer = module_lab.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
        problem(answer, 422, "invalid-body")


def test_json_may_name_its_charset(lab) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert lab.http.post("/orders", content=json.dumps(order()), headers=headers).status_code == 201


def test_a_method_that_is_not_for_a_path_is_answered_with_those_that_are(module_lab) -> None:
    for method, path, allowed in (
        ("DELETE", "/orders", "POST, OPTIONS"),
        ("POST", "/orders/1", "GET, HEAD, OPTIONS"),
        ("GET", f"{CART}/items/1", "PUT, DELETE, OPTIONS"),
        ("PROPFIND", "/products/1", "GET, PATCH, HEAD, OPTIONS"),
        ("POST", "/docs", "GET, HEAD, OPTIONS"),
    ):
        answer = module_lab.http.request(method, path)
        assert problem(answer, 405, "wrong-method")["value"] == method
        assert answer.headers["allow"] == allowed
        answer = module_lab.http.options(path)
        assert (answer.status_code, answer.content, answer.headers["allow"]) == (204, b"", allowed)


@pytest.mark.parametrize("path", ["/order", "/orders/", "/orders/1/x", "/%2e%2e/orders", "/docs/x", "/é"])
def test_a_path_with_nothing_at_it_says_so(module_lab, path) -> None:
    said = problem(module_lab.http.get(path), 404, "unknown-path")
    assert ("slash" in said["cure"]) is path.endswith("/")


@pytest.mark.parametrize(
    "number", ["0", "-1", "01", "x", "1.5", "1e3", "%31%00", "９", "99999999999999999999", "..%2f..", "1%20"]
)
def test_a_number_in_a_path_that_is_none_is_named(module_lab, number) -> None:
    for path in (
        f"/orders/{number}",
        f"/customer/{number}/orders",
        f"/products/{number}",
        f"/customer/{number}/cart",
    ):
        if "%2f" in number:
            assert module_lab.http.get(path).status_code in (400, 404)
        else:
            problem(module_lab.http.get(path), 400, "bad-parameter")


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"limit": "0"}, {}),
        ({"limit": "101"}, {}),
        ({"limit": ""}, {}),
        ({"cursor": "x"}, {}),
        ({"cursor": str(10**18)}, {}),
        ({}, {"Position": "17"}),
        ({}, {"Position": "order=17"}),
        ({}, {"Position": "orders=-1"}),
        ({}, {"Position": "orders=1;catalog=2"}),
    ],
    ids=repr,
)
def test_an_impossible_parameter_is_named(module_lab, query, headers) -> None:
    for path in (f"/customer/{ANN}/orders", "/products"):
        said = problem(module_lab.http.get(path, params=query, headers=headers), 400, "bad-parameter")
        assert said["value"] in {*query.values(), *headers.values()}


def test_what_there_is_none_of_is_not_found(module_lab) -> None:
    assert problem(module_lab.http.get("/orders/12345"), 404, "unknown-order")["value"] == 12345
    assert problem(module_lab.http.get("/products/12345"), 404, "unknown-product")["value"] == 12345
    problem(module_lab.http.get("/inventory/products/12345"), 404, "unknown-product")
    said = problem(module_lab.http.patch("/products/12345", json={"name": "x"}), 404, "unknown-product")
    assert said["value"] == 12345
    adjusted = module_lab.http.post("/inventory/products/12345/adjustments", json={"delta": 1})
    problem(adjusted, 404, "unknown-product")
    assert module_lab.http.get("/inventory/products/12345").status_code == 404


def test_an_order_against_the_state_of_the_shop_is_a_conflict(lab) -> None:
    said = problem(lab.http.post("/orders", json=order(p2=STOCK + 1)), 409, "insufficient-stock")
    assert said["value"] == 2
    said = problem(lab.http.post("/orders", json=order(p99=1)), 409, "product-not-sold")
    assert said["value"] == 99
    lab.http.put(f"{CART}/items/99", json={"quantity": 1})
    check_out = lab.http.post(f"{CART}/checkout", json={"shippingAddress": "x"})
    problem(check_out, 409, "product-not-sold")
    adjustment = lab.http.post("/inventory/products/1/adjustments", json={"delta": -STOCK - 1})
    problem(adjustment, 409, "insufficient-stock")


def test_an_order_that_names_a_product_twice_is_refused(lab) -> None:
    twice = {**order(), "items": [{"productId": 1, "quantity": 1}] * 2}
    assert "once" in problem(lab.http.post("/orders", json=twice), 422, "refused")["detail"]


def test_a_change_of_nothing_and_a_price_finer_than_cents_are_refused(module_lab) -> None:
    problem(module_lab.http.patch("/products/1", json={}), 422, "invalid-body")
    for price in (0.005, -1, 1e11, "1.00", True):
        said = problem(
            module_lab.http.post("/products", json={"name": "x", "price": price}), 422, "invalid-body"
        )
        assert (said["at"], said["value"]) == ("$.price", price)


def test_a_full_cart_says_so(lab) -> None:
    for number in range(1, 101):
        assert lab.http.put(f"{CART}/items/{number}", json={"quantity": 1}).status_code == 204
    problem(lab.http.put(f"{CART}/items/101", json={"quantity": 1}), 409, "cart-full")


def test_a_store_that_does_not_answer_is_an_unavailable_service(lab) -> None:
    for store, method, path, body in (
        ("orders", "POST", "/orders", order()),
        ("orders", "GET", "/orders/1", None),
        ("summary", "GET", f"/customer/{ANN}/orders", None),
        ("inventory", "GET", "/inventory/products/1", None),
        ("products", "GET", "/products", None),
        ("catalog", "POST", "/products", {"name": "x", "price": 1}),
        ("carts", "GET", CART, None),
    ):
        with lab.failing("unavailable", f"store:{store}"):
            problem(lab.http.request(method, path, json=body), 503, "store-unavailable")
        assert lab.http.request(method, path, json=body).status_code in (200, 201, 404), (store, path)


def test_a_full_store_takes_no_order_and_still_shows_them(lab) -> None:
    lab.place(ANN)
    lab.until_followed()  # the order service follows too, and tries its own writes again and again
    with lab.failing("full", "store:orders"):
        said = problem(lab.http.post("/orders", json=order()), 503, "store-unavailable")
        assert "full" in said["detail"]
        assert lab.http.get("/orders/1").status_code == 200


def test_a_service_that_is_down_is_unavailable_until_it_is_back(lab) -> None:
    with lab.failing("crash", "orders"):
        problem(lab.http.post("/orders", json=order()), 503, "service-unavailable")
    lab.place(ANN)


def test_a_full_inbox_takes_no_more(open_front) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rules = policy(overrides={"orders": ConsumerPolicy(inbox=1, restart=0.05)})
    lab = open_front(rules)
    with ThreadPoolExecutor(8) as clients:
        with lab.failing("pause", "orders"):
            answers = [clients.submit(lab.http.post, "/orders", json=order()) for _ in range(8)]
            lab.until(lambda: sum(one.done() for one in answers) >= 6)
        got = [one.result() for one in answers]
    refused = [one for one in got if one.status_code != 201]
    for one in refused:
        problem(one, 503, "too-busy")
    lab.until_followed()
    assert len(lab.orders_of(ANN)) == len(got) - len(refused) >= 1


def test_what_nobody_has_foreseen_is_told_to_nobody(lab, caplog) -> None:
    class Secret:
        def on_handling(self, _message: Any) -> Handling:
            return Handling(error=ValueError("the secret"))

    with caplog.at_level("ERROR", "cqrs_lab.facade"):
        remove = lab.system.runtime.add_handling_rule("orders", Secret())
        answer = lab.http.post("/orders", json=order())
        remove()
    said = problem(answer, 500, "internal-error")
    assert "secret" not in json.dumps(said)
    assert "the secret" in caplog.text
    assert lab.place(BOB).status_code == 201


def test_a_body_over_the_limit_is_refused_before_it_is_read(lab) -> None:
    limit = facade.BODY_BYTES_MAX
    json_type = {"Content-Type": "application/json"}
    said = problem(
        lab.http.post("/orders", content=b" " * (limit + 1), headers=json_type), 413, "body-too-large"
    )
    assert said["value"] == limit + 1
    chunks = (b" " * 50_000 for _ in range(limit // 50_000 + 2))
    problem(lab.http.post("/orders", content=chunks, headers=json_type), 413, "body-too-large")
    fits = json.dumps(order()).encode().ljust(limit)
    assert lab.http.post("/orders", content=fits, headers=json_type).status_code == 201
