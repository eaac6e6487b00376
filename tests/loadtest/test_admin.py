"""The admin surface: off unless asked for, closed to other origins, and what it does is what it says."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from front import ANN, BOB, order, policy
from served import serving

from actors.tables import DEAD_LETTERS
from loadtest.admin.operations import ADMIN
from loadtest.api.openapi import document
from loadtest.api.operations import OPERATIONS

REQUESTED_BY = {"X-Requested-By": "tests"}


@pytest.fixture
def lab(open_front: Any) -> Any:
    """A server with the admin surface."""
    one = open_front(admin=True)
    one.http.headers.update(REQUESTED_BY)
    return one


def inject(lab: Any, **fault: Any) -> dict[str, Any]:
    answer = lab.http.post("/admin/faults", json=fault)
    assert answer.status_code == 201, answer.text
    shown = lab.http.get(answer.headers["location"])
    assert shown.json()["id"] == answer.json()["id"]
    return dict(answer.json())


def refused(lab: Any, **fault: Any) -> str:
    """What a fault that cannot be injected is told, and its cure."""
    answer = lab.http.post("/admin/faults", json=fault)
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#invalid-body"), answer.text
    return f"{answer.json()['detail']} {answer.json()['cure']}"


def projection(lab: Any, name: str) -> dict[str, Any]:
    (found,) = [one for one in lab.http.get("/admin/projections").json() if one["name"] == name]
    return dict(found)


# -- on and off ----------------------------------------------------------------------------------------


def test_without_being_asked_for_it_is_not_there(open_front: Any) -> None:
    lab = open_front()
    for operation in ADMIN:
        path = operation.path.replace("{fault}", "1").replace("{projection}", "summary")
        answer = lab.http.request(operation.method, path, headers=REQUESTED_BY)
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs#unknown-path")
    assert "/admin" not in lab.http.get("/openapi.json").text
    assert "/admin" not in lab.http.get("/docs").text


def test_it_is_described_where_it_is_on(lab: Any) -> None:
    described = lab.http.get("/openapi.json").json()
    assert described == json.loads(json.dumps(document((*OPERATIONS, *ADMIN))))
    for operation in ADMIN:
        assert described["paths"][operation.path][operation.method.lower()]["responses"]["403"]
    assert "/admin/faults" in lab.http.get("/docs").text


RULES = """
[[operations]]
include-operation-id = "inject_fault"
[operations.checks.positive_data_acceptance]
# Which fields belong to which kind, and what they may be, is for the scenario format to say.
expected-statuses = [201, 422]
"""


def test_no_request_to_it_is_answered_otherwise_than_described(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    with serving(tmp_path, "--admin", "--store", "memory://") as shop:
        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", rules),
                *("run", f"{shop.url}/openapi.json", "--include-path-regex", "^/admin"),
                *("-H", "X-Requested-By: tests", "--checks", "all", "--continue-on-failure"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", "15"),
                *("--generation-deterministic", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert shop.stop() == 0
    assert not [line for line in shop.said if '"error"' in line], "nothing went wrong unseen"


# -- who may ask ---------------------------------------------------------------------------------------


def raw(lab: Any, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any], Any]:
    """The answer to a request with just these headers."""
    at = urlsplit(lab.server.url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body, answer.headers


FROM_ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "evil.example:{port}"},
    {"Host": "127.0.0.1"},
    {"Host": ""},
]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_another_origin_may_have_sent_is_refused(lab: Any, method: str) -> None:
    at = urlsplit(lab.server.url)
    for headers in FROM_ELSEWHERE:
        sent = {"Host": at.netloc, **REQUESTED_BY, **headers}
        sent = {name: value.format(port=at.port) for name, value in sent.items()}
        status, body, answered = raw(lab, method, "/admin/faults", sent)
        assert (status, body["type"]) == (403, "/docs#cross-origin"), headers
        assert at.netloc in body["cure"]
        assert not [name for name in answered if name.lower().startswith("access-control-")]


def test_this_server_itself_may_ask(lab: Any) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST"):
        address = f"{host}:{urlsplit(lab.server.url).port}"
        own = {"Host": address, "Origin": f"http://{address}", "Sec-Fetch-Site": "same-origin"}
        assert raw(lab, "DELETE", "/admin/faults", own | REQUESTED_BY)[0] == 200


def test_what_a_form_of_a_page_could_send_changes_nothing(lab: Any) -> None:
    del lab.http.headers["X-Requested-By"]
    forms = {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}, {}
    body = json.dumps({"kind": "crash", "on": "summary"})
    for operation in ADMIN:
        path = operation.path.replace("{fault}", "1").replace("{projection}", "summary")
        for headers in forms if operation.method != "GET" else ():
            answer = lab.http.request(operation.method, path, content=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/docs#cross-origin"), operation
            assert "X-Requested-By" in answer.json()["cure"]
    assert lab.http.get("/admin/faults").json() == []


def test_a_browser_that_asks_first_is_not_told_that_it_may(lab: Any) -> None:
    asked = {
        "Host": urlsplit(lab.server.url).netloc,
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "X-Requested-By",
    }
    answer = lab.http.options("/admin/faults", headers=asked)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


# -- faults --------------------------------------------------------------------------------------------


def test_a_fault_acts_until_it_is_healed_and_then_says_what_it_has_touched(lab: Any) -> None:
    fault = inject(lab, kind="unavailable", on="store:summary")
    assert (fault["state"], fault["targets"]) == ("running", ["store:summary"])
    assert "touched" not in fault
    assert lab.http.get(f"/customer/{ANN}/orders").status_code == 503
    healed = lab.http.delete(f"/admin/faults/{fault['id']}").json()
    assert (healed["state"], healed["touched"]) == ("over", 1)
    assert lab.http.get(f"/customer/{ANN}/orders").status_code == 200
    assert lab.http.get("/admin/faults").json() == [healed]
    assert lab.http.delete(f"/admin/faults/{fault['id']}").json() == healed, "it is over once"


def test_a_fault_with_a_length_heals_itself(lab: Any) -> None:
    fault = inject(lab, kind="pause", on="summary", **{"for": "100ms"})
    number = lab.place(ANN).json()["orderId"]
    lab.until(lambda: lab.http.get(f"/admin/faults/{fault['id']}").json()["state"] == "over")
    lab.until(lambda: lab.orders_of(ANN) == [number])


def test_all_faults_can_be_healed_at_once(lab: Any) -> None:
    inject(lab, kind="crash", on="summary")
    inject(lab, kind="drop", on="orders->*", p=1.0, where={"customer_id": ANN})
    lab.until(lambda: "summary is down" in lab.http.get("/readyz").json()["detail"])
    lab.place(BOB)
    assert {one["state"] for one in lab.http.delete("/admin/faults").json()} == {"over"}
    assert lab.http.delete("/admin/faults").json() == []
    lab.until_followed()
    assert len(lab.orders_of(BOB)) == 1


def test_a_fault_is_understood_as_in_a_scenario_file(lab: Any) -> None:
    lab.place(ANN)
    inject(lab, kind="bug", on="summary", form="wrong", set={"total_minor": 1}, where={"customer_id": BOB})
    lab.place(BOB)
    lab.until_followed()
    totals = [lab.http.get(f"/customer/{who}/orders").json()[0]["totalAmount"] for who in (ANN, BOB)]
    assert totals[0] != 0.01
    assert totals[1] == 0.01


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({}, "fault.kind"),
    ({"kind": "crush", "on": "summary"}, '"crash"'),
    ({"kind": "crash", "on": "sumary"}, '"summary"'),
    ({"kind": "crash", "on": "summary", "p": 0.5}, "does not apply"),
    ({"kind": "slow", "on": "summary"}, "fault.by"),
    ({"kind": "crash", "on": "summary", "for": "-1s"}, "fault.for"),
    ({"kind": "crash", "on": "summary", "at": "1s"}, "leave at out"),
    ({"kind": "crash", "on": "summary", "every": "1s", "for": "1s"}, "leave every out"),
    ({"kind": "flap", "on": "summary", "for": "1s"}, "pattern"),
    ({"kind": "surge", "on": "load:orders", "by": 2.0}, "makes none"),
    ({"kind": "hot", "on": "load:orders", "p": 0.5}, "makes none"),
    ({"kind": "crash", "on": "summary", "colour": "red"}, "colour"),
    ({"kind": "cut", "on": "*" * 30}, "regex"),
    ({"kind": "delay", "on": "orders->*", "by": "empirical(pyproject.toml)"}, "cannot be read"),
]
"""Faults that cannot be injected, and a word of what is said about each."""


def test_a_fault_that_cannot_be_is_refused_with_its_cure(lab: Any) -> None:
    for fault, told in IMPOSSIBLE:
        assert told in refused(lab, **fault), fault
    assert lab.http.get("/admin/faults").json() == []


def test_no_such_fault(lab: Any) -> None:
    for method in ("GET", "DELETE"):
        answer = lab.http.request(method, "/admin/faults/9")
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs#unknown-fault")


def test_a_server_that_stops_heals_what_it_was_made_to_suffer(open_front: Any) -> None:
    lab = open_front(admin=True, keeps_trace=True)
    inject(lab, kind="pause", on="summary")
    lab.http.post("/admin/projections/products/pause", headers=REQUESTED_BY)
    lab.place(ANN)
    lab.server.should_exit = True
    lab.until_followed()
    assert list(lab.system.runtime.recorder.column("faults", "fault")) == [0]


# -- projections ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("publish", ["outbox", "direct"])
def test_a_paused_projection_serves_what_it_has_and_then_catches_up(open_front: Any, publish: Any) -> None:
    lab = open_front(policy(publish=publish, replicas=2), admin=True)
    lab.http.headers.update(REQUESTED_BY)
    first = lab.place(ANN).json()["orderId"]
    lab.until_followed()
    paused = lab.http.post("/admin/projections/summary/pause").json()
    assert paused["paused"]
    assert projection(lab, "summary-2")["paused"], "a copy is paused with what it is a copy of"
    assert not projection(lab, "products")["paused"]
    second = lab.place(ANN).json()["orderId"]
    lab.until(lambda: projection(lab, "summary")["follows"][0]["state"] == "behind")
    assert lab.orders_of(ANN) == [first]
    lab.http.post("/admin/projections/summary/pause")
    assert not lab.http.post("/admin/projections/summary/resume").json()["paused"]
    lab.until_followed()
    assert lab.orders_of(ANN) == [second, first]


def test_a_copy_can_be_paused_alone(open_front: Any) -> None:
    lab = open_front(policy(replicas=2), admin=True)
    lab.http.headers.update(REQUESTED_BY)
    assert lab.http.post("/admin/projections/summary-2/pause").json()["paused"]
    assert not projection(lab, "summary")["paused"]
    lab.place(ANN)
    behind = lambda name: projection(lab, name)["follows"][0]["lagEvents"]  # noqa: E731
    lab.until(lambda: behind("summary") == 0)
    assert behind("summary-2") == 1


def test_no_such_projection(lab: Any) -> None:
    for name in ("sumary", "orders", "carts", "summary-2", "..%2f..%2fsummary"):
        for act in ("pause", "resume", "rebuild"):
            answer = lab.http.post(f"/admin/projections/{name}/{act}")
            assert (answer.status_code, answer.json()["type"][6:]) in (
                (404, "unknown-consumer"),
                (404, "unknown-path"),
            )
    assert "summary" in lab.http.post("/admin/projections/sumary/pause").json()["cure"]


# -- dead letters --------------------------------------------------------------------------------------


def test_dead_letters_can_be_looked_at_and_replayed(open_front: Any) -> None:
    lab = open_front(policy(on_error="park"), admin=True)
    lab.http.headers.update(REQUESTED_BY)
    fault = inject(lab, kind="bug", on="summary", form="raise")
    numbers = [lab.place(customer).json()["orderId"] for customer in (ANN, BOB)]
    lab.until_followed()
    found = lab.http.get("/admin/dead-letters").json()
    assert found["total"] == 2
    assert [letter["event"]["order_id"] for letter in found["letters"]] == numbers
    letter = found["letters"][0]
    assert (letter["consumer"], letter["source"], letter["key"]) == ("summary", "orders", ANN)
    assert (letter["type"], letter["attempts"]) == ("OrderPlaced", 1)
    assert "bug" in letter["error"]
    second = lab.http.get("/admin/dead-letters", params={"limit": 1, "cursor": 2}).json()
    assert second == {"total": 2, "letters": found["letters"][1:]}
    assert lab.http.get("/admin/dead-letters", params={"consumer": "products"}).json()["total"] == 0
    replay = "/admin/dead-letters/replay?consumer=summary"
    assert lab.http.post(replay).json() == [{"consumer": "summary", "replayed": 0}], "the bug is still there"
    lab.http.delete(f"/admin/faults/{fault['id']}")
    assert lab.http.post(replay).json() == [{"consumer": "summary", "replayed": 2}]
    assert lab.http.get("/admin/dead-letters").json() == {"total": 0, "letters": []}
    assert lab.orders_of(ANN) == numbers[:1]
    assert not list(lab.system.bare["summary"].scan(DEAD_LETTERS))


def test_no_such_consumer(lab: Any) -> None:
    answer = lab.http.get("/admin/dead-letters", params={"consumer": "carts"})
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs#unknown-consumer")
    assert lab.http.post("/orders", json=order()).status_code == 201
