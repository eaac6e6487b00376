"""Responses: an answer as the bytes of HTTP/1.1, all at once.

A response in one piece is one system call here and one at the client; in two it would be twice as many.
"""

from __future__ import annotations

from functools import cache
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
    parts = [_beginning(answer.status, answer.media_type)]
    for name, value in common:
        parts += (name, b": ", value, b"\r\n")
    for title, text in answer.headers:
        if not text.isprintable():
            raise ValueError(f"the header {title} is to be {text!r}; only visible characters can be sent")
        parts.append(f"{title}: {text}\r\n".encode("latin-1"))
    if answer.status != 204:  # which has no body, so nothing is said of it
        parts.append(b"content-length: %d\r\n" % len(answer.body))
    parts.append(b"connection: close\r\n\r\n" if closes else b"\r\n")
    if not is_head:
        parts.append(answer.body)
    return b"".join(parts)


@cache
def _beginning(status: int, media_type: str) -> bytes:
    """What all answers with this status and type of body begin with."""
    if status == 204:
        return STATUS_LINE[status] + ALWAYS
    return b"%bcontent-type: %b\r\n%b" % (STATUS_LINE[status], media_type.encode(), ALWAYS)
