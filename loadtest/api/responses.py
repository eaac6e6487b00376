"""Responses: an answer as the bytes of HTTP/1.1, all at once.

A response in one piece is one system call here and one at the client; in two it would be twice as many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtest.api.call import Answer

ALWAYS: Final = b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
"""The headers of every answer: none may be kept, as the next one may be newer."""


def response(
    answer: Answer, common: Iterable[tuple[bytes, bytes]], *, closes: bool, is_head: bool = False
) -> bytes:
    """The answer with the server's `common` headers; one to HEAD has no body, but says how long it would be.

    Raises:
        ValueError: a header would not be one line of Latin-1.

    """
    status, body, headers, media_type = answer
    lines = ""
    for title, text in headers:
        if not text.isprintable():
            raise ValueError(f"the header {title} is to be {text!r}; only visible characters can be sent")
        lines = f"{lines}{title}: {text}\r\n"
    if status != 204:  # which has no body, so nothing is said of it
        lines = f"{lines}content-length: {len(body)}\r\n"
    if closes:
        lines = f"{lines}connection: close\r\n"
    head = _beginning(status, media_type, tuple(common)) + f"{lines}\r\n".encode("latin-1")
    return head if is_head else head + body


@lru_cache
def _beginning(status: int, media_type: str, common: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """What all answers with this status and type of body begin with."""
    of_type = b"" if status == 204 else b"content-type: %b\r\n" % media_type.encode()
    return STATUS_LINE[status] + of_type + ALWAYS + b"".join([b"%b: %b\r\n" % one for one in common])
