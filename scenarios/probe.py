"""A probe: what to write to a system over HTTP, how to see that it can be read, and how soon it should be.

Frozen data; `scenarios.probefile` reads and writes it. Durations are in seconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scenarios.answer import Spot, Visible
from scenarios.arrivals import Arrivals
from scenarios.scenario import Expect, Phases
from scenarios.template import Template

GIVEN = ("n", "key", "uuid")
"""What every write has to be filled in: its number from 1 on, a key at random, and an id of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The system: paths are below `base_url`; each request has the headers and `timeout` s for its answer."""

    base_url: str
    headers: Mapping[str, Template] = field(default_factory=dict)
    timeout: float = 5.0

    @property
    def host(self) -> str:
        """The name or the address of the machine."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: where the headers may be sent."""
        return origin_of(self.base_url)


def origin_of(url: str) -> tuple[str, str, int]:
    """The scheme, the host and the port of a URL.

    >>> origin_of("https://API.example.com/v1")
    ('https', 'api.example.com', 443)
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """The request that changes something, how often it is made, and what is kept of its answer.

    `keys` is from how many keys one is drawn for a write. `body` is JSON with templates for texts.
    """

    method: str = "POST"
    path: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    body: Any = None
    rate: Arrivals
    keys: int = 100
    success: tuple[int, ...] = (200, 201, 202, 204)
    capture: Mapping[str, Spot] = field(default_factory=dict)

    @property
    def request(self) -> str:
        """Method and route, as results name it."""
        return f"{self.method} {self.path.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The request that should show the write, and how to tell that it does; texts in `visible` are templates.

    Between two looks pass `poll` s, or `resolution` times the time since the acknowledgement if that is
    longer, and up to `jitter` s at random.
    """

    name: str
    method: str = "GET"
    path: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    visible: Visible
    poll: float = 0.05
    jitter: float = 0.01
    resolution: float = 0.05
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many writes are made at most, and how many of them, and of the searches for them, at one time."""

    writes: int = 10_000
    in_flight: int = 100
    watched: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One measurement of a system that is already there."""

    name: str
    question: str = ""
    seed: int = 1
    target: Target
    phases: Phases
    write: Write
    views: tuple[View, ...]
    bounds: Bounds = field(default_factory=Bounds)
    expect: tuple[Expect, ...] = ()

    @property
    def secrets(self) -> dict[str, str]:
        """Each environment variable that it needs, and the header that needs it, by its full key."""
        needed: dict[str, str] = {}
        for where, headers in self._headers():
            for name, template in headers.items():
                for secret in template.secrets:
                    needed.setdefault(secret, f"{where}.{name}")
        return needed

    def _headers(self) -> Iterator[tuple[str, Mapping[str, Template]]]:
        yield "target.headers", self.target.headers
        yield "write.headers", self.write.headers
        for at, view in enumerate(self.views):
            yield f"view.{at}.headers", view.headers
