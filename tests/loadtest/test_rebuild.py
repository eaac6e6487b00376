"""A projection is rebuilt while it serves: its readers see the old view or the new one, and never go back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import httpx
import msgspec
import pytest
from front import ANN, BOB, PATIENCE_S, PRODUCTS, STOCK, order, policy

from actors.projections.rebuild import NEAR, VIEWS
from actors.stores.port import Delete, Put
from actors.tables import INVENTORY, ORDER_ITEMS, SUMMARIES
from actors.topology import node_of
from loadtest.api import tokens

STORES = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
ON_DISK = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def open_lab(open_front: Any) -> Any:
    """Opens a server with the admin surface."""

    def opened(**rules: Any) -> Any:
        lab = open_front(policy(**rules), admin=True)
        lab.http.headers["X-Requested-By"] = "tests"
        return lab

    return opened


def state(lab: Any, name: str) -> dict[str, Any]:
    """The state of the newest rebuild."""
    (found,) = [one for one in lab.http.get("/admin/projections").json() if one["name"] == name]
    return dict(found.get("rebuild", {}))


def begin(lab: Any, name: str) -> dict[str, Any]:
    answer = lab.http.post(f"/admin/projections/{name}/rebuild")
    assert answer.status_code == 202, answer.text
    return dict(answer.json()["rebuild"])


def rebuild(lab: Any, name: str) -> dict[str, Any]:
    """Rebuild it, and wait for the end."""
    begin(lab, name)
    lab.until(lambda: state(lab, name)["state"] != "running")
    return state(lab, name)


def view(lab: Any, name: str) -> dict[str, list[Any]]:
    store = lab.system.bare[name.replace("-", "/")]
    return {table.name: list(store.scan(table)) for table in VIEWS[node_of(store.name)]}


def damage(lab: Any, name: str) -> None:
    """Take out half of the rows behind the consumer's back."""
    store = lab.system.bare[name.replace("-", "/")]
    for table in VIEWS[node_of(store.name)]:
        keys = [tuple(getattr(row, key) for key in table.key) for row in store.scan(table)]
        store.write([Delete(table, key) for key in keys[::2]])


def happen(lab: Any, draw: Random, commands: int) -> None:
    """Let customers and staff ask for this and that, sensible or not."""
    http = lab.http
    for _ in range(commands):
        customer, product = draw.choice((ANN, BOB)), draw.randint(1, PRODUCTS)
        match draw.randrange(6):
            case 0 | 1:
                http.post("/orders", json=order(customer, **{f"p{product}": draw.randint(1, 30)}))
            case 2:
                http.patch(f"/products/{product}", json={"name": f"n{draw.random()}", "price": 5})
            case 3:
                http.post(f"/inventory/products/{product}/adjustments", json={"delta": draw.randint(-30, 30)})
            case 4:
                http.put(f"/customer/{customer}/cart/items/{product}", json={"quantity": draw.randint(1, 9)})
            case 5:
                http.post(f"/customer/{customer}/cart/checkout", json={"shippingAddress": "here"})
    lab.until_followed()


@ON_DISK
@pytest.mark.parametrize("stock", ["view", "saga"])
def test_on_disk_too_a_rebuilt_view_is_the_one_that_followed(open_lab: Any, stock: Any) -> None:
    lab = open_lab(stock=stock, join="carried", replicas=2)
    happen(lab, Random(stock), 60)
    for name in ("summary", "summary-2", "products", "inventory"):
        followed = view(lab, name)
        assert rebuild(lab, name)["rowsChanged"] == 0
        damage(lab, name)
        assert view(lab, name) != followed
        done = rebuild(lab, name)
        assert done["state"] == "done"
        assert done["rowsChanged"] > 0
        assert done["eventsRead"] > 0
        assert view(lab, name) == followed


@contextmanager
def reading(lab: Any, read: Any) -> Iterator[list[Any]]:
    """While the block runs, read again and again; all that was read."""
    found: list[Any] = []
    over = threading.Event()

    def go_on() -> None:
        with httpx.Client(base_url=lab.server.url, timeout=PATIENCE_S) as client:
            while not over.is_set():
                found.append(read(client))

    with ThreadPoolExecutor(2) as readers:
        going = [readers.submit(go_on) for _ in range(2)]
        try:
            lab.until(lambda: len(found) > 10)
            yield found
            read_by_then = len(found)
            lab.until(lambda: len(found) > read_by_then + 10)
        finally:
            over.set()
        for one in going:
            one.result(PATIENCE_S)


@STORES
def test_a_reader_sees_the_old_view_or_the_new_one(open_lab: Any) -> None:
    lab = open_lab()
    number = 60
    for _ in range(number):
        lab.place(ANN)
    lab.until_followed()
    store = lab.system.bare["summary"]
    rows = [msgspec.structs.replace(row, total_minor=1) for row in store.scan(SUMMARIES)]
    store.write([Put(SUMMARIES, row) for row in rows])

    def read(client: httpx.Client) -> Any:
        answer = client.get(f"/customer/{ANN}/orders", params={"limit": 100})
        amounts = [one["totalAmount"] for one in answer.json()]
        return amounts.count(0.01), len(amounts)

    with reading(lab, read) as found:
        assert rebuild(lab, "summary")["rowsChanged"] == number
    assert set(found) == {(number, number), (0, number)}, "all old or all new"


@STORES
def test_under_load_positions_never_go_back_and_nothing_is_missed(open_lab: Any) -> None:
    lab = open_lab(read="wait", read_timeout=PATIENCE_S)
    placed: list[int] = []

    def order_and_look(client: httpx.Client) -> Any:
        """The position at which the reader saw its order."""
        answer = client.post("/orders", json=order(ANN))
        assert answer.status_code == 201, answer.text
        number = answer.json()["orderId"]
        headers = {"Position": answer.headers["position"]}
        seen = client.get(f"/customer/{ANN}/orders", headers=headers, params={"limit": 20})
        assert seen.headers["position-stale"] == "?0"
        assert number in [one["orderId"] for one in seen.json()]
        placed.append(number)
        return tokens.loads(seen.headers["position"])["orders"]

    for number in range(1, PRODUCTS + 1):
        lab.http.post(f"/inventory/products/{number}/adjustments", json={"delta": 1_000_000})
    with reading(lab, order_and_look):
        for name in ("summary", "products", "inventory", "summary"):
            assert rebuild(lab, name)["state"] == "done"
    lab.until_followed()
    assert sorted(row.order_id for row in lab.system.bare["summary"].scan(SUMMARIES)) == sorted(placed)
    sold = sum(item.quantity for item in lab.system.bare["orders"].scan(ORDER_ITEMS))
    left = sum(row.available for row in lab.system.bare["inventory"].scan(INVENTORY))
    assert left == PRODUCTS * (STOCK + 1_000_000) - sold


def test_a_long_log_is_read_beside_the_consumer(open_lab: Any) -> None:
    lab = open_lab(stock="none")
    number = NEAR + 100
    with httpx.Client(base_url=lab.server.url) as client:
        for _ in range(number):
            client.post("/orders", json=order(ANN))
    lab.until_followed()
    followed = view(lab, "summary")
    damage(lab, "summary")
    done = rebuild(lab, "summary")
    assert (done["eventsRead"], done["rowsChanged"]) == (number, number // 2)
    assert view(lab, "summary") == followed


def test_a_rebuild_that_fails_says_why_and_leaves_the_view(open_lab: Any) -> None:
    lab = open_lab()
    number = lab.place(ANN).json()["orderId"]
    lab.until_followed()
    with lab.failing("unavailable", "store:products"):
        failed = rebuild(lab, "summary")
    assert failed["state"] == "failed"
    assert "products is unavailable" in failed["why"]
    assert "rowsChanged" not in failed
    assert lab.orders_of(ANN) == [number]
    assert rebuild(lab, "summary")["state"] == "done"


def test_a_consumer_that_goes_down_during_its_rebuild_keeps_the_old_view(open_lab: Any) -> None:
    lab = open_lab()
    number = lab.place(ANN).json()["orderId"]
    lab.until_followed()
    with lab.failing("pause", "summary"):
        first = begin(lab, "summary")
        assert begin(lab, "summary")["beganAt"] == first["beganAt"], "one rebuild at a time"
        assert lab.orders_of(ANN) == [number]
        with lab.failing("crash", "summary"):
            lab.until(lambda: state(lab, "summary")["state"] == "failed")
            assert "summary is down" in state(lab, "summary")["why"]
            assert lab.orders_of(ANN) == [number]
    assert rebuild(lab, "summary")["state"] == "done"
    lab.place(BOB)
    lab.until(lambda: len(lab.orders_of(BOB)) == 1)
