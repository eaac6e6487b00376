"""Clients that mean no good, or know no better: what they hold is bounded, and others are served."""

import contextlib
import http.client
import json
import socket
import time
from typing import Any

import pytest
from front import PATIENCE_S, Front, front, order
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.api import connections, facade
from loadtest.api.problems import KINDS

JSON_TYPE = b"Content-Type: application/json\r\n"
SOON_S = 0.2


@pytest.fixture(scope="module")
def module_lab():
    with front() as one:
        yield one


@contextlib.contextmanager
def connected(lab: Front):
    """A connection to the server, on which any bytes may be sent."""
    host, port = lab.server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What the server sends until it hangs up."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            got += chunk
    return got


def first_answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """The status, the headers and the body (as JSON has it) of the next answer."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    body = answer.read()
    return (
        answer.status,
        {name.lower(): value for name, value in answer.getheaders()},
        json.loads(body or "null"),
    )


def is_problem(found: tuple[int, dict[str, str], Any], kind: str) -> None:
    status, headers, body = found
    assert (status, body["type"]) == (KINDS[kind].status, f"/docs#{kind}"), body
    assert headers["content-type"] == "application/problem+json"
    assert ("retry-after" in headers) == KINDS[kind].may_pass
    assert body["cure"]


def still_serves(lab: Front) -> None:
    assert lab.http.get("/livez").status_code == 200


# -- how much ------------------------------------------------------------------------------------------


def test_headers_over_the_limit_are_refused(module_lab) -> None:
    answer = module_lab.http.get("/livez", headers={"X-Long": "x" * facade.HEADER_BYTES_MAX})
    assert (answer.status_code, answer.json()["type"]) == (431, "/docs#headers-too-large")
    answer = module_lab.http.get(f"/livez?{'x' * facade.HEADER_BYTES_MAX}")
    assert answer.status_code == 431
    still_serves(module_lab)


@pytest.mark.parametrize(
    "endless", [b"GET /", b"GET /livez HTTP/1.1\r\nX-Long: ", b"GET /livez HTTP/1.1\r\n"]
)
def test_headers_without_end_are_cut_off(module_lab, endless) -> None:
    more = b"X: y\r\n" if endless.endswith(b"\n") else b"x"
    with connected(module_lab) as connection:
        connection.sendall(endless)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(more * 1000)
        got = everything(connection)
    assert got.startswith(b"HTTP/1.1 431 ") or got == b"", got[:100]
    still_serves(module_lab)


def test_connections_over_the_limit_are_refused(lab, monkeypatch) -> None:
    still_serves(lab)  # by a connection that stays open
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 3)
    with contextlib.ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(connected(lab))
        lab.until(lambda: len(lab.server.server_state.connections) == 3)
        with connected(lab) as one_more:
            is_problem(first_answer(one_more), "too-busy")
        still_serves(lab)
    lab.until(lambda: len(lab.server.server_state.connections) == 1)
    with connected(lab) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first_answer(connection)[0] == 200


# -- how long ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"GET /livez HTTP/1.1\r\nX"])
def test_a_client_that_is_slow_with_its_headers_is_cut_off(lab, monkeypatch, begun) -> None:
    monkeypatch.setattr(connections, "HEADERS_TIME_MAX_S", SOON_S)
    with connected(lab) as connection:
        connection.sendall(begun)
        deadline_s = time.monotonic() + PATIENCE_S
        with contextlib.suppress(ConnectionError):  # a byte now and then does not help it
            while connection.send(b"x" if begun else b""):
                assert time.monotonic() < deadline_s
                time.sleep(SOON_S / 10)
        assert everything(connection) == b""
    still_serves(lab)


def test_a_client_that_is_slow_with_its_next_request_is_cut_off(lab, monkeypatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_TIME_MAX_S", SOON_S)
    with connected(lab) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first_answer(connection)[0] == 200
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        assert everything(connection) == b""


def test_a_body_that_takes_too_long_is_not_waited_for(lab, monkeypatch) -> None:
    monkeypatch.setattr(facade, "BODY_TIME_MAX_S", SOON_S)
    with connected(lab) as connection:
        connection.sendall(
            b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n" + JSON_TYPE + b"\r\n{"
        )
        found = first_answer(connection)
        is_problem(found, "slow-body")
        assert found[1]["connection"] == "close"
        assert everything(connection) == b""
    still_serves(lab)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"POST /nothing", 404),
        (b"DELETE /orders", 405),
        (b"GET /livez", 200),
        (b"POST /orders", 415),
    ],
)
def test_a_body_that_nobody_reads_ends_the_connection(module_lab, request_line, status) -> None:
    with connected(module_lab) as connection:
        connection.sendall(request_line + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{")
        found = first_answer(connection)
        assert (found[0], found[1]["connection"]) == (status, "close")
        assert everything(connection) == b""


def test_a_client_that_goes_in_the_middle_of_its_body_has_ordered_nothing(lab) -> None:
    whole = json.dumps(order()).encode()
    with connected(lab) as connection:
        head = f"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n".encode()
        connection.sendall(head + JSON_TYPE + b"\r\n" + whole[:-1])
    lab.until(lambda: len(lab.server.server_state.connections) == 0)
    assert lab.http.get("/orders/1").status_code == 404


# -- what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        b"/orders/../../etc/passwd",
        b"/orders/..%2f..%2fetc%2fpasswd",
        b"/customer/%2e%2e%2f%2e%2e%2fetc/orders",
        b"/customer/..%5c..%5cwindows/orders",
        b"/products/1%00.json",
        b"/products/1;x=1",
        b"/docs/../orders/1",
        b"//etc/passwd",
        b"/%",
        b"/products/%ff",
        b"http://elsewhere/orders/1/../../x",
        b"*",
    ],
    ids=repr,
)
def test_no_path_leads_out_of_the_api(module_lab, target) -> None:
    with connected(module_lab) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status, headers, body = first_answer(connection)
    assert status in (400, 404), body
    assert headers["content-type"] == "application/problem+json"
    assert "root:" not in str(body)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: b"GET /" + text.encode())))
@settings(max_examples=150, deadline=None)
def test_whatever_bytes_come_the_server_answers_or_hangs_up(module_lab, sent) -> None:
    with connected(module_lab) as connection:
        connection.sendall(sent + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        got = everything(connection)
    assert got == b"" or got.startswith(b"HTTP/1.1 ")
    assert b"Traceback" not in got
    assert not got.startswith(b"HTTP/1.1 5")
    still_serves(module_lab)


def test_what_is_no_http_is_a_problem_too(module_lab) -> None:
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00", b"HELO you\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with connected(module_lab) as connection:
            connection.sendall(sent)
            is_problem(first_answer(connection), "malformed-request")


def test_a_browser_from_elsewhere_is_told_nothing_that_lets_it_in(module_lab) -> None:
    asked = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("OPTIONS", "/orders"), ("GET", "/products"), ("GET", "/metrics")):
        answer = module_lab.http.request(method, path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]
    form = {"Content-Type": "text/plain", **asked}  # what a page may send without being let in
    assert module_lab.http.post("/orders", content=json.dumps(order()), headers=form).status_code == 415
