"""The way to a target over HTTP: requests out, whole answers back, and how they ended, counted.

Nothing of the environment but the secrets takes part: no proxy, no redirect, no cookie, no login from a file
of the user's. What the target is asked is what the probe says, and its headers go to no other server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urljoin

import httpx
import msgspec

from scenarios.answer import Answer
from scenarios.probe import origin_of
from scenarios.template import Template, fill_json, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.probe import Target

KEPT_S: Final = 2.0
"""How long an idle connection is kept: shorter than servers do, lest one is closed as a request leaves."""

USER_AGENT: Final = "cqrs-lab-probe"

ANSWER_MAX_BYTES: Final = 16 * 2**20
"""A longer answer is not read to its end, and is none: many are under way at one time."""


class Elsewhere(Exception):
    """What was captured leads to another server than the target."""


class Unreachable(Exception):
    """No connection to the target can be made; the message says why, and the cure."""


class Way:
    """The way to one target; `statuses` counts its answers by who asked and the status (0: no answer)."""

    def __init__(self, target: Target, secrets: Mapping[str, str]) -> None:
        self._target = target
        self._secrets = secrets
        self._tls = ssl.create_default_context() if target.base_url.startswith("https:") else None
        self._client = httpx.AsyncClient(
            verify=self._tls or False,  # without TLS nothing is there to verify
            trust_env=False,
            timeout=target.timeout,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEPT_S
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
        self.statuses: dict[str, Counter[int]] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def reach(self) -> None:
        """Connect, and say nothing.

        Raises:
            Unreachable: it cannot be.

        """
        scheme, host, port = self._target.origin
        try:
            async with asyncio.timeout(self._target.timeout):
                _, writer = await asyncio.open_connection(host, port, ssl=self._tls)
        except (OSError, ValueError) as error:  # a host may be no name at all
            reason = str(error) or f"no connection within {self._target.timeout:g} s"
            cure = "start the server, or correct the URL"
            if isinstance(error, ssl.SSLCertVerificationError):
                cure = "let SSL_CERT_FILE name the certificate of who has signed, or correct the host"
            raise Unreachable(f"{scheme}://{host}:{port} cannot be reached ({reason}); {cure}") from None
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    # -- requests --------------------------------------------------------------------------------------

    def url(self, path: Template, values: Mapping[str, Any], after: str = "") -> str:
        """The URL of a request; a captured reference counts from the URL `after` which it came.

        Raises:
            Elsewhere: it would lead to another server.

        """
        if path.is_one_place:
            found = urljoin(after, plain(path.fill(values)))
            try:
                is_elsewhere = origin_of(found) != self._target.origin
            except ValueError:
                is_elsewhere = True
            if is_elsewhere:
                raise Elsewhere
            return found
        filled = path.fill(values, as_text=lambda value: quote(plain(value), safe=""))
        return f"{self._target.base_url}{filled}"

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Template],
        values: Mapping[str, Any],
        body: Any = None,
    ) -> httpx.Request:
        """A request with the target's headers and its own, and a body of JSON if there is one.

        Raises:
            httpx.InvalidURL: the URL is none.

        """
        filled = [("User-Agent", USER_AGENT), ("Accept", "application/json")]
        if body is not None:
            filled.append(("Content-Type", "application/json"))
        for name, template in {**self._target.headers, **headers}.items():
            filled = [pair for pair in filled if pair[0].lower() != name.lower()]
            filled.append((name, plain(template.fill(values, self._secrets))))
        return self._client.build_request(
            method,
            url,
            headers=[(name.encode(), value.encode()) for name, value in filled],
            content=None if body is None else msgspec.json.encode(fill_json(body, values)),
        )

    async def send(self, who: str, request: httpx.Request) -> Answer | None:
        """The answer to a request, once it is there as a whole; None if there is none in time."""
        counts = self.statuses.setdefault(who, Counter())
        try:
            async with asyncio.timeout(self._target.timeout):
                answer = await self._client.send(request, stream=True)
                body = await _body(answer)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError):
            counts[0] += 1
            return None
        counts[answer.status_code] += 1
        return Answer(answer.status_code, answer.headers, body)


async def _body(answer: httpx.Response) -> bytes:
    """The body of an answer, which is closed whatever happens.

    Raises:
        httpx.HTTPError: it does not come as a whole, or is too long.

    """
    found = bytearray()
    try:
        async for part in answer.aiter_bytes():
            found += part
            if len(found) > ANSWER_MAX_BYTES:
                raise httpx.ReadError(f"the answer is longer than {ANSWER_MAX_BYTES} bytes")
    finally:
        await answer.aclose()
    return bytes(found)
