"""The facade: the ASGI application in front of the live system.

Each request finds its operation in `loadtest.operations`, within limits on its headers, its body and the time
that the body takes. Whatever goes wrong ends as a problem (RFC 9457); what nobody has foreseen is logged here
and told to nobody.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.routing import Route, Router

from actors.stores.port import StoreError
from loadtest import bodies, docs_page, openapi, problems
from loadtest.admin.operations import ADMIN
from loadtest.call import Answer, Call
from loadtest.operations import OPERATIONS, Operation
from loadtest.problems import RETRY_AFTER_S, Problem, internal_error
from loadtest.service import store_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope, Send

    from loadtest.service import Service

BODY_BYTES_MAX: Final = 256 * 1024
BODY_TIME_MAX_S: Final = 10.0
HEADER_BYTES_MAX: Final = 16 * 1024
ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""The headers of every answer: none may be kept, as the next one may be newer."""

logger = logging.getLogger("cqrs_lab.facade")


class Resource:
    """What is at one path: an operation for each method."""

    def __init__(self, service: Service, operations: Mapping[str, Operation]) -> None:
        self._service = service
        self._operations = operations
        self._allowed = ", ".join([*operations, *(["HEAD"] if "GET" in operations else []), "OPTIONS"])

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Find out the answer, and leave it in the scope."""
        method = scope["method"]
        if method == "OPTIONS":
            scope["answer"] = Answer(204, b"", (("Allow", self._allowed),))
            return
        operation = self._operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise Problem(
                "wrong-method",
                f"{method} is not for {scope['path']}",
                f"use one of {self._allowed}",
                method,
                headers=(("Allow", self._allowed),),
            )
        scope["operation"] = operation.path
        if operation.guard is not None:
            operation.guard(scope)
        headers = Headers(scope=scope)
        body = b""
        if operation.body is not None:
            body = await read_body(headers, receive)
            scope["is_read"] = True
        call = Call(scope["path_params"], QueryParams(scope["query_string"]), headers, body)
        scope["answer"] = await operation.endpoint(self._service, call)


class Facade:
    """The application; with `admin` it has the surface under /admin too."""

    def __init__(self, service: Service, *, admin: bool = False) -> None:
        self._service = service
        operations = (*OPERATIONS, *ADMIN) if admin else OPERATIONS
        document = openapi.document(operations)
        docs = docs_page.page(document).encode()
        policy = ("Content-Security-Policy", docs_page.POLICY)
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in (
            *operations,
            _page("/openapi.json", Answer(200, msgspec.json.encode(document))),
            _page("/docs", Answer(200, docs, (policy,), "text/html; charset=utf-8")),
            _page("/", Answer(307, b"", (("Location", "/docs"),))),
        ):
            by_path.setdefault(operation.path, {})[operation.method] = operation
        self._router = Router(
            [Route(path, Resource(service, by_method)) for path, by_method in by_path.items()],
            redirect_slashes=False,
            default=_nothing_here,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "only HTTP is served"
        begun_s = perf_counter()
        answer = await self._answer(scope, receive, send)
        if "is_read" not in scope and has_body(scope):
            # It is not waited for; nobody could tell its rest from the next request.
            answer = answer._replace(headers=(*answer.headers, ("Connection", "close")))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers_of(answer)})
        await send({"type": "http.response.body", "body": answer.body})
        route, method = scope.get("operation", ""), scope["method"]
        if not route:
            method = ""  # anybody may make one up
        self._service.requests[route, method, answer.status] += 1
        if logger.isEnabledFor(logging.DEBUG):
            took_s = round(perf_counter() - begun_s, 6)
            about = {"method": scope["method"], "path": scope["path"], "status": answer.status}
            logger.debug("request", extra={**about, "took_s": took_s})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        try:
            _check(scope)
            await self._router(scope, receive, send)
            answer: Answer = scope["answer"]
        except Problem as problem:
            return of_problem(problem)
        except StoreError as error:
            return of_problem(store_problem(error))
        except asyncio.CancelledError:  # the server stops
            return of_problem(
                Problem(
                    "service-unavailable",
                    "the server stops; what was asked for may still be done",
                    "send it again when the server is back, an order with the same Idempotency-Key",
                )
            )
        except Exception:
            logger.exception("a request failed", extra={"method": scope["method"], "path": scope["path"]})
            return of_problem(internal_error())
        return answer


def _check(scope: Scope) -> None:
    """Refuse a request that is too much."""
    size = sum([len(name) + len(value) for name, value in scope["headers"]]) + len(scope["raw_path"])
    if size + len(scope["query_string"]) > HEADER_BYTES_MAX:
        raise Problem(
            "headers-too-large",
            f"the headers and the path have more than {HEADER_BYTES_MAX} bytes",
            "send fewer and shorter headers",
        )


def has_body(scope: Scope) -> bool:
    """Whether a body belongs to the request."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The body of a request, which says that it is JSON.

    Raises:
        Problem: it is something else, too large or too slow.

    """
    media_type = headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(
            "wrong-media-type",
            "the body is not said to be JSON" if media_type else "it is not said what the body is",
            "send JSON with the header Content-Type: application/json",
            problems.shortened(media_type),
        )
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > BODY_BYTES_MAX:
        raise _too_large(int(length[:20]))
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIME_MAX_S):
            while True:
                message: Message = await receive()
                if message["type"] == "http.disconnect":
                    break  # what it says now is read by nobody
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > BODY_BYTES_MAX:
                    raise _too_large(size)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Problem(
            "slow-body",
            f"the body was not there after {BODY_TIME_MAX_S:g} s",
            "send the whole body at once",
        ) from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(size: int) -> Problem:
    return Problem(
        "body-too-large",
        f"the body has more than {BODY_BYTES_MAX} bytes",
        "send fewer items, or shorter texts",
        size,
    )


def of_problem(problem: Problem) -> Answer:
    """The problem as an answer."""
    kind, headers = problem.kind, problem.headers
    if kind.may_pass:
        headers = (*headers, ("Retry-After", str(RETRY_AFTER_S)))
    return Answer(kind.status, bodies.encode(problem.body()), headers, problems.MEDIA_TYPE)


def headers_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Every header of the answer, as it is sent."""
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status == 204:  # has no body, so nothing is said of it
        return [*ALWAYS, *own]
    of_body = (
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    )
    return [*of_body, *ALWAYS, *own]


def _page(path: str, answer: Answer) -> Operation:
    """What is always answered the same."""

    async def page(_service: Service, _call: Call) -> Answer:
        return answer

    return Operation("GET", path, page, ())


async def _nothing_here(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise Problem(
        "unknown-path",
        "there is nothing at this path",
        "look at /docs for what there is",
        problems.shortened(scope["path"]),
    )
