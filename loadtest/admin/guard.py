"""The guard: the admin surface is for programs of who runs the server, not for pages in their browser.

A browser says where a request comes from, and asks first before it lets another origin's page send a header
that no form can send. It cannot be told that by a page, so four checks are enough:

* `Host` must be the address listened at: a name that an attacker lets point here is none (DNS rebinding);
* `Origin`, if it is said, must be this server;
* `Sec-Fetch-Site`, if it is said, must not be another site;
* what changes something must say `X-Requested-By`, or have a body of JSON.

No answer allows another origin anything.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from loadtest.api.problems import Problem, shortened

if TYPE_CHECKING:
    from loadtest.api.request import Request

HEADER: Final = "X-Requested-By"

_READING: Final = frozenset({"GET", "HEAD"})
_OWN: Final = frozenset({"same-origin", "none"})


def check(request: Request) -> None:
    """Let the request pass.

    Raises:
        Problem: a page of another origin may have sent it.

    """
    assert request.server is not None
    assert request.server[1] is not None, "it listens at a port"
    valid = addresses(request.server[0], request.server[1])
    for host in request.headers("Host") or [""]:
        if host.lower() not in valid:
            raise _refused("the request is not for the address that the server listens at", valid[0], host)
    for origin in request.headers("Origin"):
        if origin.lower() not in [f"http://{host}" for host in valid]:
            raise _refused("a page of another origin asks", valid[0], origin)
    for site in request.headers("Sec-Fetch-Site"):
        if site not in _OWN:
            raise _refused("a page of another site asks", valid[0], site)
    is_marked = request.header(HEADER) is not None
    if request.method not in _READING and not is_marked and request.media_type != "application/json":
        raise Problem(
            "cross-origin",
            f"the request changes something, and does not say {HEADER}",
            f"send it with the header {HEADER}: cqrs-lab",
        )


def addresses(host: str, port: int) -> list[str]:
    """What `Host` may say to a server at this address.

    >>> addresses("127.0.0.1", 8000)
    ['127.0.0.1:8000', 'localhost:8000']
    >>> addresses("::1", 80)
    ['[::1]:80', 'localhost:80', '[::1]', 'localhost']
    >>> addresses("::ffff:192.0.2.7", 8000)
    ['192.0.2.7:8000']
    """
    address = ipaddress.ip_address(host)
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    names = [f"[{address}]" if address.version == 6 else str(address)]
    if address.is_loopback:
        names.append("localhost")
    with_port = [f"{name}:{port}" for name in names]
    return [*with_port, *names] if port == 80 else with_port


def _refused(what: str, address: str, value: str) -> Problem:
    return Problem(
        "cross-origin",
        what,
        f"ask from a program, or a page of this server, at http://{address}",
        shortened(value),
    )
