"""The facade: the application in front of the live system, which turns a request into its answer.

Each request finds its operation in `loadtest.api.operations`, within limits on its headers, its body and the
time that the body takes. Whatever goes wrong ends as a problem (RFC 9457); what nobody has foreseen is logged
here and told to nobody.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from actors.stores.port import StoreError
from loadtest.admin.operations import ADMIN
from loadtest.api import bodies, docs_page, openapi, problems
from loadtest.api.call import Answer, Call
from loadtest.api.operations import OPERATIONS, Operation
from loadtest.api.problems import RETRY_AFTER_S, Problem, internal_error
from loadtest.api.routes import Routes
from loadtest.api.service import store_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.api.request import Request
    from loadtest.api.service import Service

BODY_BYTES_MAX: Final = 256 * 1024
BODY_TIME_MAX_S: Final = 10.0
HEADER_BYTES_MAX: Final = 16 * 1024

logger = logging.getLogger("cqrs_lab.facade")


class Resource(NamedTuple):
    """What is at one path: an operation for each method, and which methods there are."""

    operations: Mapping[str, Operation]
    allowed: str


def resource(operations: Mapping[str, Operation]) -> Resource:
    """The resource with these operations; what can be got can be asked about with HEAD too."""
    by_method = dict(operations)
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]
    return Resource(by_method, ", ".join([*by_method, "OPTIONS"]))


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
        self._routes = Routes({path: resource(by_method) for path, by_method in by_path.items()})

    async def __call__(self, request: Request) -> Answer:
        """The answer to a request; nothing is raised."""
        begun_s = perf_counter() if logger.isEnabledFor(logging.DEBUG) else None
        operation: Operation | None = None
        try:
            if request.has_larger_head(HEADER_BYTES_MAX):
                raise _headers_too_large()
            found = self._routes.find(request.path)
            if found is None:
                raise self._nothing_at(request.path)
            (operations, allowed), path = found
            operation = operations.get(request.method)
            if operation is not None:
                if operation.guard is not None:
                    operation.guard(request)
                body = b"" if operation.body is None else await read_body(request)
                answer = await operation.endpoint(self._service, Call(path, request, body))
            elif request.method == "OPTIONS":
                answer = Answer(204, b"", (("Allow", allowed),))
            else:
                raise _wrong_method(request, allowed)
        except Problem as problem:
            answer = of_problem(problem)
        except StoreError as error:
            answer = of_problem(store_problem(error))
        except asyncio.CancelledError:  # the server stops
            answer = of_problem(
                Problem(
                    "service-unavailable",
                    "the server stops; what was asked for may still be done",
                    "send it again when the server is back, an order with the same Idempotency-Key",
                )
            )
        except Exception:
            logger.exception("a request failed", extra={"method": request.method, "path": request.path})
            answer = of_problem(internal_error())
        # Where there is no operation, anybody may make methods up.
        route, method = ("", "") if operation is None else (operation.path, request.method)
        self._service.requests[route, method, answer.status] += 1
        if begun_s is not None:
            took_s = round(perf_counter() - begun_s, 6)
            about = {"method": request.method, "path": request.path, "status": answer.status}
            logger.debug("request", extra={**about, "took_s": took_s})
        return answer

    def _nothing_at(self, path: str) -> Problem:
        ends_in_slash = self._routes.find(path.rstrip("/")) is not None
        return Problem(
            "unknown-path",
            "there is nothing at this path",
            "leave out the slash at its end" if ends_in_slash else "look at /docs for what there is",
            problems.shortened(path),
        )


async def read_body(request: Request) -> bytes:
    """The body of a request, which says that it is JSON.

    Raises:
        Problem: it is something else, too large or too slow.

    """
    if not request.says_json:
        said = request.header("Content-Type")
        raise Problem(
            "wrong-media-type",
            "the body is not said to be JSON" if said else "it is not said what the body is",
            "send JSON with the header Content-Type: application/json",
            problems.shortened(said or ""),
        )
    if request.more_body:  # the usual one has come with its headers, and needs no timer
        await _body_end(request)
    if len(request.body) > BODY_BYTES_MAX:
        raise _too_large(len(request.body))
    request.is_body_read = True
    return bytes(request.body)


async def _body_end(request: Request) -> None:
    """Wait for the end of the body."""
    length = request.header("Content-Length") or ""
    if length.isdecimal() and int(length[:20]) > BODY_BYTES_MAX:
        raise _too_large(int(length[:20]))
    ending = asyncio.ensure_future(request.body_end(BODY_BYTES_MAX))
    try:
        ended, _ = await asyncio.wait([ending], timeout=BODY_TIME_MAX_S)
    finally:
        ending.cancel()
    if not ended:
        raise Problem(
            "slow-body",
            f"the body was not there after {BODY_TIME_MAX_S:g} s",
            "send the whole body at once",
        )


def _headers_too_large() -> Problem:
    return Problem(
        "headers-too-large",
        f"the headers and the path have more than {HEADER_BYTES_MAX} bytes",
        "send fewer and shorter headers",
    )


def _wrong_method(request: Request, allowed: str) -> Problem:
    return Problem(
        "wrong-method",
        f"{request.method} is not for {request.path}",
        f"use one of {allowed}",
        request.method,
        headers=(("Allow", allowed),),
    )


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


def _page(path: str, answer: Answer) -> Operation:
    """What is always answered the same."""

    async def page(_service: Service, _call: Call) -> Answer:
        return answer

    return Operation("GET", path, page, ())
