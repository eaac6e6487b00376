"""A connection keeps the manners of HTTP/1.1: order, waiting for leave, and when it ends."""

import json
import socket
import time

import pytest
from front import PATIENCE_S, front, order

from loadtest.server import serving

HEAD = b"Host: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def module_lab():
    with front() as one:
        yield one


@pytest.fixture
def connection(module_lab):
    host, port = module_lab.server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as one:
        yield one


def until(connection: socket.socket, end: bytes) -> bytes:
    """What the server sends, up to `end`."""
    got = b""
    while not got.endswith(end):
        chunk = connection.recv(65536)
        assert chunk, got
        got += chunk
    return got


def everything(connection: socket.socket) -> bytes:
    """What the server sends until it hangs up."""
    got = b""
    while chunk := connection.recv(65536):
        got += chunk
    return got


def test_requests_that_do_not_wait_for_answers_are_answered_in_their_order(connection) -> None:
    body = json.dumps(order()).encode()
    place = b"POST /orders HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(body), body)
    ask = b"GET /products/%d HTTP/1.1\r\nHost: x\r\n%b\r\n"
    connection.sendall(place + ask % (2, b"") + place + ask % (99, b"") + ask % (1, b"Connection: close\r\n"))
    got = everything(connection)
    statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"201", b"200", b"201", b"404", b"200"], got
    assert got.index(b'"productId":2') < got.index(b'"productId":1,')


def test_as_many_may_come_at_once_as_there_is_room_for(connection) -> None:
    ask, number = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 500
    connection.sendall(ask * number + b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert everything(connection).count(b"HTTP/1.1 404 ") == number + 1


def test_a_client_that_will_send_no_more_gets_what_it_has_asked_for(connection) -> None:
    connection.sendall(b"GET /products/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert b'"productId":1,' in everything(connection)


def test_a_client_that_waits_for_leave_gets_it_before_the_answer(connection) -> None:
    body = json.dumps(order()).encode()
    head = b"POST /orders HTTP/1.1\r\n%bContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head % (HEAD, len(body)))
    assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert until(connection, b"}").startswith(b"HTTP/1.1 201 ")


def test_nobody_is_asked_for_a_body_that_will_not_be_read(connection) -> None:
    connection.sendall(
        b"POST /nothing HTTP/1.1\r\n%bContent-Length: 9\r\nExpect: 100-continue\r\n\r\n" % HEAD
    )
    got = everything(connection)
    assert got.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close" in got


def test_a_body_that_comes_in_pieces_is_put_together(connection) -> None:
    body = json.dumps(order(address="x" * 400)).encode()
    connection.sendall(b"POST /orders HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % HEAD)
    for begin in range(0, len(body), 100):
        piece = body[begin : begin + 100]
        connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")
    assert until(connection, b"}").startswith(b"HTTP/1.1 201 ")


def test_an_older_client_is_answered_and_left(connection) -> None:
    connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
    got = everything(connection)
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in got


def test_a_client_that_asks_for_nothing_more_is_hung_up_on_after_a_while(
    monkeypatch,
) -> None:
    idle_s = 0.6
    monkeypatch.setattr(serving, "KEEP_ALIVE_S", idle_s)
    with front() as lab:
        host, port = lab.server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as connection:
            for pause_s in (0.0, idle_s / 2, idle_s / 2):
                time.sleep(pause_s)
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                assert until(connection, b"}").startswith(b"HTTP/1.1 200")
            answered_s = time.monotonic()
            assert everything(connection) == b""
            assert time.monotonic() - answered_s >= idle_s - 0.05
