"""A response is what HTTP/1.1 says that it is, whatever is answered."""

import http.client
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.api.call import Answer
from loadtest.api.responses import response

DATE = [(b"date", b"Mon, 01 Jan 2024 00:00:00 GMT")]


class _Bytes:
    """A connection on which these bytes have come."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._sent)


def understood(sent: bytes, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    """What another implementation makes of it."""
    connection: Any = _Bytes(sent)
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return answer, answer.read()


@given(st.binary(max_size=200), st.sampled_from([200, 201, 404, 503]), st.booleans(), st.booleans())
def test_another_implementation_understands_it(body, status, closes, is_head) -> None:
    answer = Answer(status, body, (("Position", "orders=17"),))
    sent = response(answer, DATE, closes=closes, is_head=is_head)
    got, content = understood(sent, "HEAD" if is_head else "GET")
    assert (got.status, content) == (status, b"" if is_head else body)
    assert got.getheader("Content-Length") == str(len(body))
    assert got.getheader("Position") == "orders=17"
    assert got.getheader("Date") == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert got.getheader("Cache-Control") == "no-store"
    assert got.getheader("Connection") == ("close" if closes else None)


def test_no_content_has_neither_length_nor_type() -> None:
    got, content = understood(response(Answer(204, b""), DATE, closes=False))
    assert (got.status, content) == (204, b"")
    assert got.getheader("Content-Length") is None
    assert got.getheader("Content-Type") is None


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b", "a\nb", "a\0b", "€"])
def test_a_header_can_add_no_other(text) -> None:
    with pytest.raises(ValueError, match=r"header|latin-1"):
        response(Answer(200, b"", (("Location", text),)), DATE, closes=False)
