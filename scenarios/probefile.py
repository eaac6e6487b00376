"""The probe file: TOML to a `Probe` and back.

`read` checks all that can be known without asking the target; what is wrong is a `ScenarioError` with the
file, the key, the value and the cure, as with a scenario file. `dumps` writes every default out, with
`${NAME}` wherever a secret belongs: the value of a secret is in no probe.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from scenarios import arrivals, template
from scenarios.answer import TESTS, Spot, Test, Visible, parse_spot
from scenarios.arrivals import Arrivals, Closed, Nothing
from scenarios.data import write_numbers
from scenarios.errors import ScenarioError, listed, quoted
from scenarios.expectations import STATISTICS, Measure, parse_measured
from scenarios.file import claims, parse_name, table_of, text_of
from scenarios.probe import GIVEN, Bounds, Probe, Target, View, Write
from scenarios.scenario import Expect, Phases
from scenarios.section import Section, as_text, document
from scenarios.template import Template
from scenarios.values import format_duration

WRITE = "write"
"""What the braces of a measure of the write hold."""

MOST_AT_ONCE = 4000
MOST_WRITES = 1_000_000
WHENS = ("warm", "run", "always")

_TOP = ("name", "question", "seed", "target", "phases", "write", "view", "bounds", "expect")
_TARGET = tuple(field.name for field in fields(Target))
_PHASES = tuple(field.name for field in fields(Phases))
_WRITE = tuple(field.name for field in fields(Write))
_VIEW = tuple(field.name for field in fields(View))
_BOUNDS = tuple(field.name for field in fields(Bounds))
_TESTS: tuple[Test, ...] = get_args(Test)
_VISIBLE = ("status", "in", *_TESTS)
_METHODS = {"write": ("POST", "PUT", "PATCH", "DELETE"), "view": ("GET", "HEAD", "POST")}
_DEFAULT_PHASES = Phases(warm=0.0, run=30.0, settle=10.0)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CAPTURED = re.compile(r"[a-z_][a-z0-9_]*")
_TELLING = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)
_FRAMING = ("content-length", "transfer-encoding", "connection")


def read(path: Path, settings: Sequence[str] = (), seed: int | None = None) -> Probe:
    """The probe in the file, with settings such as `target.timeout=2s` put over it."""
    text = text_of(path, "a probe file")
    return loads(text, source=str(path), folder=path.parent, settings=settings, seed=seed)


def loads(
    text: str, *, source: str, folder: Path, settings: Sequence[str] = (), seed: int | None = None
) -> Probe:
    """The probe in the text; `source` names it in errors, `folder` holds its data files."""
    table = table_of(text, source=source, settings=settings)
    if seed is not None:
        table["seed"] = seed
    return _probe(Section(source, "", table, _TOP), folder)


def write(path: Path, probe: Probe) -> None:
    """Write the probe with every default, and its data files beside it, so that `read` gives it back."""
    for file, numbers in probe.write.rate.files.items():
        write_numbers(file, path.parent, numbers)
    path.write_text(dumps(probe), encoding="utf-8")


def _probe(top: Section, folder: Path) -> Probe:
    if "name" not in top.table:
        raise top.missing("name", '"my-probe"')
    target = _target(top.section("target", _TARGET))
    phases = _phases(top.section("phases", _PHASES))
    written = _write(top.section("write", _WRITE), folder)
    names = (*GIVEN, *written.capture)
    rows = top.rows("view", _VIEW)
    if not rows:
        raise ScenarioError(f"{top.source}: view: is missing; write [[view]] and its keys below it.")
    views: list[View] = []
    for row in rows:
        views.append(_view(row, names, phases, taken=[view.name for view in views]))
    bounds = _bounds(top.section("bounds", _BOUNDS))
    if isinstance(written.rate, Closed) and written.rate.users > bounds.in_flight:
        raise top.section("write", _WRITE).fail(
            "rate",
            f"is more users than may write at one time; write bounds.in_flight = {written.rate.users}.",
        )
    measures = measures_of([view.name for view in views])
    return Probe(
        name=top.text("name", "", parse_name, "my-probe"),
        question=top.text("question", "", str, "How soon …?"),
        seed=top.whole("seed", 1, 0),
        target=target,
        phases=phases,
        write=written,
        views=tuple(views),
        bounds=bounds,
        expect=tuple(_expect(row, measures, phases) for row in top.rows("expect", ("when", "that"))),
    )


def measures_of(views: Sequence[str]) -> Mapping[str, Measure]:
    """What a probe of these views measures, as expectations write it."""
    named = tuple(views)
    return {
        "lag": Measure("duration", "projection", STATISTICS, only=named),
        "visible_within": Measure("share", "projection", argument=True, only=named),
        "success": Measure("share", "load", only=(WRITE,)),
        "latency": Measure("duration", "endpoint", STATISTICS, only=(WRITE,)),
    }


def _expect(row: Section, measures: Mapping[str, Measure], phases: Phases) -> Expect:
    if "that" not in row.table:
        view = measures["lag"].names[0]
        raise row.missing("that", f'["lag.p99{{{view}}} < 2s"]')
    when = row.word("when", "run", WHENS)
    if when == "warm" and not phases.warm:
        raise row.fail("when", 'the phase lasts no time; write when = "run" or give phases.warm a duration.')
    return Expect(
        when=when,
        that=row.read("that", (), lambda value: claims(value, lambda text: parse_measured(text, measures))),
    )


# -- the target ----------------------------------------------------------------------------------------


def _target(section: Section) -> Target:
    if "base_url" not in section.table:
        raise section.missing("base_url", '"http://127.0.0.1:8000"')
    if "@" in str(section.table["base_url"]):  # nor may this error show it
        raise ScenarioError(
            f"{section.source}: {section.key('base_url')}: has a user name or a password in it; put them "
            'into the environment, and write headers = { Authorization = "Basic ${MY_LOGIN}" }.'
        )
    return Target(
        base_url=section.text("base_url", "", _base_url, "http://127.0.0.1:8000"),
        headers=_headers(section, ()),
        timeout=section.duration("timeout", 5.0, above_zero=True),
    )


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isascii() or not text.isprintable() or " " in text:
        raise ScenarioError('is not the URL of a server; write it like "http://127.0.0.1:8000".')
    if parts.query or parts.fragment or "{" in text:
        raise ScenarioError(
            "has more than a scheme, a host, a port and a path; write the rest into the paths of requests."
        )
    return text.rstrip("/")


def _headers(section: Section, names: Sequence[str]) -> dict[str, Template]:
    """The headers in this section. No error shows a value: it may be what should have been a secret."""
    table = section.table.get("headers", {})
    where = f"{section.source}: {section.key('headers')}"
    if not isinstance(table, dict):
        raise ScenarioError(f'{where}: is not a table; write headers = {{ Accept = "application/json" }}.')
    found = {}
    for name, text in table.items():
        if not _HEADER.fullmatch(name) or name.lower() in _FRAMING:
            raise ScenarioError(f"{where}.{name}: is no header that may be set; leave it out.")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            raise ScenarioError(f'{where}.{name}: is not a text of plain letters; write {name} = "…".')
        if _TELLING.search(name) and "{" not in text:
            raise ScenarioError(
                f"{where}.{name}: looks like a secret, and this file is copied into every run folder; "
                f'put it into the environment and write its name, such as {name} = "${{MY_SECRET}}".'
            )
        try:
            found[name] = template.parse(text, names, secrets=True)
        except ScenarioError as error:
            raise ScenarioError(f"{where}.{name}: {error}") from None
    return found


# -- the write -----------------------------------------------------------------------------------------


def _write(section: Section, folder: Path) -> Write:
    for key, example in (("path", '"/orders"'), ("rate", '"poisson(5/s)"')):
        if key not in section.table:
            raise section.missing(key, example)
    return Write(
        method=section.word("method", "POST", _METHODS["write"]),
        path=section.read("path", template.parse("/", ()), lambda value: _path(value, GIVEN)),
        headers=_headers(section, GIVEN),
        body=section.read("body", None, lambda value: _body(value, GIVEN)),
        rate=section.text("rate", Nothing(), lambda text: _rate(text, folder), "poisson(5/s)"),
        keys=section.whole("keys", 100, 1, 2**31 - 1),
        success=section.read("success", (200, 201, 202, 204), _statuses),
        capture=_capture(section),
    )


def _path(value: Any, names: Sequence[str], *, may_be_url: bool = False) -> Template:
    """The path of a request, which one captured value may be as a whole."""
    found = template.parse(as_text(value, "/orders"), names)
    if not found.text.startswith("/") and not (may_be_url and found.is_one_place):
        raise ScenarioError('does not begin with a slash; write it like "/orders".')
    if not found.text.isprintable() or " " in found.text or "#" in found.text:
        raise ScenarioError("is not a path; write what stands for it in a URL, such as %20 for a space.")
    return found


def _body(value: Any, names: Sequence[str]) -> Any:
    if not isinstance(value, dict | list):
        raise ScenarioError('is not a table or a list, as JSON is; write it like { customerId = "{key}" }.')
    return template.parse_json(value, names)


def _rate(text: str, folder: Path) -> Arrivals:
    rate = arrivals.parse(text, folder)
    if isinstance(rate, Nothing):
        raise ScenarioError('leaves nothing to measure; write it like "poisson(5/s)".')
    return rate


def _statuses(value: Any) -> tuple[int, ...]:
    found = value if isinstance(value, list) else [value]
    for status in found:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise ScenarioError("is not a status of HTTP or a list of them; write it like [200, 201].")
    if not found:
        raise ScenarioError("lets nothing be a success; write it like [200, 201].")
    return tuple(found)


def _capture(section: Section) -> dict[str, Spot]:
    table = section.table.get("capture", {})
    capture = Section(section.source, section.key("capture"), table, table)
    for name in capture.table:
        if name in GIVEN or not _CAPTURED.fullmatch(name):
            raise capture.fail(
                name,
                f"cannot be a name for what is captured; write another one, such as id (not {GIVEN[0]}).",
            )
    body = parse_spot("body")
    return {name: capture.text(name, body, parse_spot, "json:$.id") for name in capture.table}


# -- the views -----------------------------------------------------------------------------------------


def _view(row: Section, names: Sequence[str], phases: Phases, taken: Sequence[str]) -> View:
    for key, example in (
        ("name", '"summary"'),
        ("path", '"/orders/{id}"'),
        ("visible", "{ status = 200 }"),
    ):
        if key not in row.table:
            raise row.missing(key, example)
    name = row.text("name", "", parse_name, "summary")
    if name in taken or name == WRITE:
        raise row.fail("name", "is taken already; give each view a name of its own.")
    deadline = row.duration("deadline", phases.settle, above_zero=True)
    if deadline > phases.settle:
        raise row.fail(
            "deadline",
            f"is longer than phases.settle, {format_duration(phases.settle)}, and the last writes could not "
            f"be watched for so long; write settle = {quoted(format_duration(deadline))}.",
        )
    return View(
        name=name,
        method=row.word("method", "GET", _METHODS["view"]),
        path=row.read("path", template.parse("/", ()), lambda value: _path(value, names, may_be_url=True)),
        headers=_headers(row, names),
        visible=_visible(row.section("visible", _VISIBLE), names),
        poll=row.duration("poll", 0.05, above_zero=True),
        jitter=row.duration("jitter", 0.01),
        resolution=row.number("resolution", 0.05, 0, 1),
        deadline=deadline,
    )


def _visible(section: Section, names: Sequence[str]) -> Visible:
    tests = [test for test in TESTS if test in section.table]
    status = section.read("status", (200,), _statuses)
    if "in" not in section.table:
        if tests:
            raise section.missing("in", '"json:$.orderId" (where to look for it)')
        if "status" not in section.table:
            raise section.missing("status", '200, or in = "json:$.orderId"')
        return Visible(status=status)
    if len(tests) != 1:
        raise section.fail("in", f"needs exactly one test of what is there; write one of {listed(TESTS)}.")
    test = tests[0]
    return Visible(
        status=status,
        spot=section.text("in", None, parse_spot, "json:$.orderId"),
        test=test,
        value=section.read(test, None, lambda value: _expected(value, test, names)),
    )


def _expected(value: Any, test: Test, names: Iterable[str]) -> Any:
    if test == "exists":
        if value is not True:
            raise ScenarioError("can only be true; write exists = true.")
        return True
    if isinstance(value, dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise ScenarioError('is not a plain value; write a text such as "{id}", or a number.')
    return template.parse_json(value, names)


# -- the rest ------------------------------------------------------------------------------------------


def _phases(section: Section) -> Phases:
    default = _DEFAULT_PHASES
    return Phases(
        warm=section.duration("warm", default.warm),
        run=section.duration("run", default.run, above_zero=True),
        settle=section.duration("settle", default.settle, above_zero=True),
    )


def _bounds(section: Section) -> Bounds:
    default = Bounds()
    return Bounds(
        writes=section.whole("writes", default.writes, 1, MOST_WRITES),
        in_flight=section.whole("in_flight", default.in_flight, 1, MOST_AT_ONCE),
        watched=section.whole("watched", default.watched, 1, MOST_AT_ONCE),
    )


def dumps(probe: Probe) -> str:
    """The probe as TOML with every default written out."""
    target, written = probe.target, probe.write
    return document(
        [
            ("", {"name": probe.name, "question": probe.question, "seed": probe.seed}),
            (
                "[target]",
                {
                    "base_url": target.base_url,
                    "headers": _texts(target.headers),
                    "timeout": format_duration(target.timeout),
                },
            ),
            ("[phases]", {name: format_duration(getattr(probe.phases, name)) for name in _PHASES}),
            (
                "[write]",
                {
                    "method": written.method,
                    "path": written.path.text,
                    "headers": _texts(written.headers),
                    "body": template.written_json(written.body),
                    "rate": str(written.rate),
                    "keys": written.keys,
                    "success": written.success,
                    "capture": _texts(written.capture),
                },
            ),
            *(("[[view]]", _view_table(view)) for view in probe.views),
            ("[bounds]", {name: getattr(probe.bounds, name) for name in _BOUNDS}),
            *(
                ("[[expect]]", {"when": expect.when, "that": [item.text for item in expect.that]})
                for expect in probe.expect
            ),
        ]
    )


def _view_table(view: View) -> dict[str, Any]:
    seen = view.visible
    visible: dict[str, Any] = {"status": seen.status}
    if seen.spot is not None:
        visible |= {"in": seen.spot.text, seen.test: template.written_json(seen.value)}
    return {
        "name": view.name,
        "method": view.method,
        "path": view.path.text,
        "headers": _texts(view.headers),
        "visible": visible,
        "poll": format_duration(view.poll),
        "jitter": format_duration(view.jitter),
        "resolution": view.resolution,
        "deadline": format_duration(view.deadline),
    }


def _texts(named: Mapping[str, Template] | Mapping[str, Spot]) -> dict[str, str] | None:
    """What is written for each, or None if there is none."""
    return {name: one.text for name, one in named.items()} or None
