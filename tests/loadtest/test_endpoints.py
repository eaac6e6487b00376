"""What a front-end developer meets: the endpoints on each kind of store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from front import ANN, BOB, PRODUCTS, STOCK, Front, front, order, policy, shop

EVERY_STORE = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)


@EVERY_STORE
def test_an_order_is_placed_found_and_shown_to_its_customer(lab: Front) -> None:
    before = datetime.now(UTC)
    answer = lab.http.post("/orders", json=order(ANN, p1=2, p2=1))
    assert answer.status_code == 201
    assert answer.json() == {"orderId": 1, "status": "confirmed"}
    assert answer.headers["location"] == "/orders/1"
    assert answer.headers["position"] == "orders=1"

    prices = {one["productId"]: one["price"] for one in lab.http.get("/products").json()}
    total = round(2 * prices[1] + prices[2], 2)
    found = lab.http.get(answer.headers["location"]).json()
    assert found["customerId"] == ANN
    assert found["totalAmount"] == total
    assert found["shippingAddress"] == "Rue de l'Été 5"
    assert [(one["productId"], one["productName"], one["quantity"]) for one in found["items"]] == [
        (1, "Product 1", 2),
        (2, "Product 2", 1),
    ]
    assert timedelta(seconds=-1) < datetime.fromisoformat(found["orderDate"]) - before < timedelta(minutes=1)

    lab.until_followed()
    (shown,) = lab.http.get(f"/customer/{ANN}/orders").json()
    assert shown == {
        "orderId": 1,
        "orderDate": found["orderDate"],
        "totalAmount": total,
        "status": "confirmed",
        "items": [{"productName": "Product 1", "quantity": 2}, {"productName": "Product 2", "quantity": 1}],
    }
    assert lab.http.get(f"/customer/{BOB}/orders").json() == []
    assert lab.http.get("/inventory/products/1").json() == {"productId": 1, "availableQuantity": STOCK - 2}


@EVERY_STORE
def test_readers_who_come_together_see_what_each_would_see_alone(lab: Front) -> None:
    for customer, units in ((ANN, {"p1": 1}), (BOB, {"p2": 2}), (ANN, {"p3": 3})):
        lab.place(customer, **units)
    lab.until_followed()
    paths = [
        *(f"/customer/{customer}/orders" for customer in (ANN, BOB, 9)),
        *(f"/customer/{ANN}/orders?limit={limit}" for limit in (1, 2)),
        *(f"/inventory/products/{number}" for number in (1, 2, 3, 99)),
        *(f"/products/{number}" for number in (1, 2, 99)),
        "/products",
    ]
    alone = {path: lab.http.get(path) for path in paths}
    with ThreadPoolExecutor(len(paths)) as readers:
        for _ in range(3):
            for path, answer in zip(paths, readers.map(lab.http.get, paths), strict=True):
                assert (answer.status_code, answer.text) == (alone[path].status_code, alone[path].text)
                assert answer.headers.get("position") == alone[path].headers.get("position")


@EVERY_STORE
def test_a_fault_at_a_store_meets_every_reader_and_none_after_it(lab: Front) -> None:
    paths = [f"/customer/{customer}/orders" for customer in (ANN, BOB, ANN, 9)]

    def statuses() -> set[int]:
        with ThreadPoolExecutor(len(paths)) as readers:
            return {answer.status_code for answer in readers.map(lab.http.get, paths)}

    with lab.failing("unavailable", "store:summary"):
        assert statuses() == {503}
        assert lab.http.get("/inventory/products/1").status_code == 200
    assert statuses() == {200}


@EVERY_STORE
def test_carts_are_filled_changed_and_checked_out_once(lab: Front) -> None:
    items = f"/customer/{ANN}/cart/items"
    for _ in range(2):  # PUT says how many there are to be, not how many more
        assert lab.http.put(f"{items}/3", json={"quantity": 4}).status_code == 204
    lab.http.put(f"{items}/1", json={"quantity": 1})
    lab.http.put(f"{items}/2", json={"quantity": 1})
    for _ in range(2):
        assert lab.http.delete(f"{items}/2").status_code == 204
    lines = [{"productId": 1, "quantity": 1}, {"productId": 3, "quantity": 4}]
    assert lab.http.get(f"/customer/{ANN}/cart").json() == {"customerId": ANN, "items": lines}
    where = {"shippingAddress": "Rue de l'Été 5"}
    answer = lab.http.post(f"/customer/{ANN}/cart/checkout", json=where)
    assert answer.status_code == 201
    placed = lab.http.get(answer.headers["location"]).json()
    assert [{"productId": one["productId"], "quantity": one["quantity"]} for one in placed["items"]] == lines
    assert lab.http.get(f"/customer/{ANN}/cart").json()["items"] == []
    again = lab.http.post(f"/customer/{ANN}/cart/checkout", json=where)
    assert (again.status_code, again.json()["type"]) == (409, "/docs#cart-empty")


@EVERY_STORE
def test_products_are_added_renamed_repriced_and_stocked(lab: Front) -> None:
    added = lab.http.post("/products", json={"name": "Sofa", "price": 999.5})
    assert added.status_code == 201
    number = added.json()["productId"]
    assert lab.http.get(f"/inventory/products/{number}").json()["availableQuantity"] == 0
    lab.http.post(f"/inventory/products/{number}/adjustments", json={"delta": 5})
    lab.http.post(f"/inventory/products/{number}/adjustments", json={"delta": -2})
    changed = lab.http.patch(f"/products/{number}", json={"name": "Divan", "price": 0.1 + 0.2})
    assert (changed.status_code, changed.headers["position"]) == (200, f"catalog={PRODUCTS + 3}")
    lab.until_followed()
    shown = lab.http.get(added.headers["location"])
    assert shown.content == b'{"productId":6,"name":"Divan","price":0.30,"availableQuantity":3}'
    assert lab.http.get(f"/inventory/products/{number}").json()["availableQuantity"] == 3


def test_a_list_goes_on_where_its_link_leads(lab: Front) -> None:
    numbers = [lab.place(ANN).json()["orderId"] for _ in range(5)]
    lab.until_followed()
    for path, wanted in (
        (f"/customer/{ANN}/orders", numbers[::-1]),
        ("/products", list(range(1, PRODUCTS + 1))),
    ):
        seen, page = [], lab.http.get(path, params={"limit": 2})
        seen += page.json()
        while "next" in page.links:
            page = lab.http.get(page.links["next"]["url"])
            assert 1 <= len(page.json()) <= 2
            seen += page.json()
        assert [one.get("orderId") or one["productId"] for one in seen] == wanted


def test_a_list_that_ends_with_its_page_has_no_link(lab: Front) -> None:
    assert "next" not in lab.http.get("/products", params={"limit": PRODUCTS}).links


def test_head_says_what_get_does_without_the_body(lab: Front) -> None:
    got, head = lab.http.get("/products/1"), lab.http.head("/products/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert lab.http.head("/orders/1").status_code == 404
    assert lab.http.head("/orders").status_code == 405


def test_an_order_of_a_saga_is_pending_until_its_units_are_taken_or_not(open_front) -> None:
    lab = open_front(policy(stock="saga"))
    good, bad = lab.place(ANN, p1=STOCK), lab.place(ANN, p1=1)
    assert (good.status_code, good.json()["status"]) == (202, "pending")
    wanted = {good.json()["orderId"]: "confirmed", bad.json()["orderId"]: "rejected"}
    for number, status in wanted.items():
        lab.until(lambda: lab.http.get(f"/orders/{number}").json()["status"] == status)  # noqa: B023
    lab.until_followed()
    shown = lab.http.get(f"/customer/{ANN}/orders").json()
    assert {one["orderId"]: one["status"] for one in shown} == wanted


def test_a_reservation_that_finds_too_little_is_a_conflict(open_front) -> None:
    lab = open_front(policy(stock="reserve"))
    lab.place(ANN, p1=STOCK)
    answer = lab.http.post("/orders", json=order(BOB, p1=1))
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs#insufficient-stock")


def test_a_name_that_is_not_known_yet_is_marked(open_front) -> None:
    lab = open_front(policy(join="placeholder"))
    with lab.failing("unavailable", "store:products"):
        lab.place(ANN, p2=1)
        lab.until(lambda: lab.orders_of(ANN))
        (shown,) = lab.http.get(f"/customer/{ANN}/orders").json()
        assert shown["items"] == [{"productName": "2", "quantity": 1, "namePending": True}]
    named = [{"productName": "Product 2", "quantity": 1}]
    lab.until(lambda: lab.http.get(f"/customer/{ANN}/orders").json()[0]["items"] == named)


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_restart_finds_everything_where_it_was(url: str) -> None:
    with front(shop(), url) as lab:
        placed = lab.http.get(lab.place(ANN, p1=3).headers["location"]).json()
        lab.http.put(f"/customer/{BOB}/cart/items/2", json={"quantity": 2})
    with front(shop(), url) as lab:
        assert lab.http.get("/orders/1").json() == placed
        assert lab.http.get(f"/customer/{BOB}/cart").json()["items"] == [{"productId": 2, "quantity": 2}]
        assert lab.place(ANN).json()["orderId"] == 2
        lab.until_followed()
        assert lab.orders_of(ANN) == [2, 1]
        assert lab.http.get("/inventory/products/1").json()["availableQuantity"] == STOCK - 4
