"""Probe files: they read back as written, and what is wrong is told with the key, the value and the cure."""

import re
from pathlib import Path
from typing import Any

import pytest

from scenarios import template
from scenarios.answer import Answer, Visible, parse_spot
from scenarios.errors import ScenarioError
from scenarios.probe import Probe
from scenarios.probefile import dumps, loads, read, write

WHOLE = """
name = "whole"
question = "How soon?"
seed = 7

[target]
base_url = "https://api.example.com/v1/"
headers = { Authorization = "Bearer ${API_TOKEN}", Accept = "application/hal+json" }
timeout = "2s"

[phases]
warm = "1s"
run = "1m"
settle = "20s"

[write]
method = "PUT"
path = "/things/{uuid}"
headers = { Idempotency-Key = "{uuid}" }
body = { owner = "{key}", "a b" = ["{n}", 1.5, true, { deep = "no. {n} {{}}" }] }
rate = "poisson(5/s)"
keys = 3
success = [201, 202]
capture = { id = "json:$.things[0].id", place = "header:Location" }

[[view]]
name = "list"
path = "/things?owner={key}"
headers = { X-Read-Key = "${READ_KEY}", X-Seen = "{id}" }
visible = { status = [200, 203], in = "json:$[*].id", equals = "{id}" }
poll = "100ms"
jitter = "0s"
resolution = 0
deadline = "5s"

[[view]]
name = "one"
method = "HEAD"
path = "{place}"
visible = { status = 200 }

[bounds]
writes = 50
in_flight = 5
watched = 6

[[expect]]
that = ["lag.p99{list} < 2s", "visible_within(1s){one} >= 0.99"]

[[expect]]
when = "always"
that = ["success{write} >= 0.999", "latency.p99{write} < 200ms"]
"""


def probe(text: str = WHOLE, *settings: str) -> Probe:
    return loads(text, source="file.toml", folder=Path(), settings=settings)


def error(*settings: str, text: str = WHOLE) -> str:
    with pytest.raises(ScenarioError) as found:
        probe(text, *settings)
    message = str(found.value)
    assert str(type(found.value)(*found.value.args)) == message
    assert message.startswith("file.toml: ")
    assert message.endswith(".")
    return message


# -- reading and writing -------------------------------------------------------------------------------


def test_a_probe_that_is_written_out_reads_back_as_the_same() -> None:
    assert loads(dumps(probe()), source="copy.toml", folder=Path()) == probe()
    assert dumps(loads(dumps(probe()), source="copy.toml", folder=Path())) == dumps(probe())


def test_a_copy_has_the_data_file_of_its_arrivals_beside_it(tmp_path) -> None:
    (tmp_path / "when.csv").write_text("0.25\n0.5\n")
    (tmp_path / "probe.toml").write_text(WHOLE.replace("poisson(5/s)", "trace(when.csv)"))
    one = read(tmp_path / "probe.toml")
    copy = tmp_path / "copy"
    copy.mkdir()
    write(copy / "probe.toml", one)
    assert read(copy / "probe.toml") == one


def test_a_deadline_is_that_of_settle_unless_it_is_said() -> None:
    assert [view.deadline for view in probe().views] == [5.0, 20.0]


def test_secrets_are_named_with_the_header_that_needs_them() -> None:
    assert probe().secrets == {
        "API_TOKEN": "target.headers.Authorization",
        "READ_KEY": "view.0.headers.X-Read-Key",
    }


# -- what is wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("targt.base_url=x", ["targt", '"targt" is not a key', 'nearest is "target"']),
        ("target.timout=2s", ['"timout" is not a key of [target]', '"timeout"']),
        ("target.base_url=ftp://x", ["target.base_url", "is not the URL", "http://127.0.0.1:8000"]),
        ("target.base_url=http://x:99999", ["is not the URL"]),
        ("target.base_url=http://x/?a=1", ["has more than", "into the paths"]),
        ("target.timeout=2", ["without a unit", '"2s"']),
        ("phases.run=0s", ["phases.run", "above 0s"]),
        ("phases.settle=0s", ["phases.settle", "above 0s"]),
        ("write.method=GET", ['"GET" is not a value of method', '"POST"']),
        ("write.path=things", ["write.path", "begin with a slash", '"/orders"']),
        ("write.path=/{id}", ['"id" is nothing that could be filled in', "{n}, {key}, {uuid}"]),
        ("write.path=/{n", ["the brace { alone", "{{"]),
        ("write.path=/?key=${API_TOKEN}", ["a secret where others would see it", "into a header"]),
        ("write.body=text", ["write.body", "is not a table or a list"]),
        ("write.body={ at = 2026-01-01 }", ["which JSON has not", '"2026-01-01"']),
        ("write.rate=none", ["nothing to measure", "poisson(5/s)"]),
        ("write.rate=poison(5/s)", ['nearest is "poisson"']),
        ('write.rate="closed(6, 1s)"', ["more users than may write", "bounds.in_flight = 6"]),
        ("write.success=[]", ["lets nothing be a success"]),
        ("write.success=[2000]", ["not a status of HTTP"]),
        ("write.capture.id=json:orderId", ["write.capture.id", '"json:$.orderId"']),
        ("write.capture.id=json:$.a..b", ['from "..b" on', "[*]"]),
        ("write.capture.id=headr:Location", ["is not a spot", "header:Location"]),
        ("write.capture.n=body", ["write.capture.n", "cannot be a name"]),
        ("view.0.name=one", ["view.1.name", "is taken already"]),
        ("view.0.name=write", ["view.0.name", "is taken already"]),
        ("view.0.path=/{idd}", ['nearest is "id"', "{place}"]),
        ("view.0.deadline=30s", ["view.0.deadline", "longer than phases.settle", 'settle = "30s"']),
        ("view.0.poll=0s", ["view.0.poll", "above 0s"]),
        ("view.0.resolution=2", ["view.0.resolution", "from 0 to 1"]),
        ("view.0.visible.contains=x", ["view.0.visible.in", "exactly one test"]),
        ("view.0.visible={ equals = 1 }", ["view.0.visible.in", "is missing"]),
        ("view.0.visible={}", ["view.0.visible.status", "is missing"]),
        ('view.0.visible={ in = "body", exists = false }', ["can only be true"]),
        ('view.0.visible={ in = "body", equals = [1] }', ["is not a plain value"]),
        ("bounds.watched=0", ["bounds.watched", "from 1 to"]),
        ('expect.0.that=["lag.p99{lst} < 2s"]', ['"lst" is not a part of lag', '"list", "one"']),
        ('expect.0.that=["backlog.max{list} < 2"]', ['"backlog" is not a measure', '"lag"']),
        ('expect.0.that=["success{list} > 0.5"]', ['"list" is not a part of success', '"write"']),
        ('expect.0.that=["no lost"]', ["is not an expectation"]),
        ("expect.0.when=settle", ['"settle" is not a value of when', '"run"']),
    ],
)
def test_what_is_wrong_is_told_with_key_value_and_cure(setting: str, parts: list[str]) -> None:
    message = error(setting)
    for part in parts:
        assert part in message


@pytest.mark.parametrize("key", ["name", "target", "base_url", "rate", "path"])
def test_what_must_be_there_is_asked_for(key: str) -> None:
    text = re.sub(rf"^(\[{key}\]|{key} = ).*$", "", WHOLE, flags=re.MULTILINE)
    if key == "target":
        text = re.sub(r"^(base_url|headers|timeout) .*$", "", text, count=3, flags=re.MULTILINE)
    assert "is missing; write " in error(text=text)


def test_a_probe_without_a_view_measures_nothing() -> None:
    text = "".join(part for part in re.split(r"(?=^\[)", WHOLE, flags=re.MULTILINE) if "[view]" not in part)
    assert "view: is missing" in error(text=text)


def test_a_warm_phase_that_lasts_no_time_cannot_be_judged() -> None:
    assert "the phase lasts no time" in error("phases.warm=0s", "expect.0.when=warm")


# -- secrets -------------------------------------------------------------------------------------------

SECRET = "hunter2"


@pytest.mark.parametrize(
    "setting",
    [
        f"target.headers.Authorization=Bearer {SECRET}",
        f"target.headers.X-Api-Key={SECRET}",
        f"write.headers.Cookie={SECRET}",
        f"view.0.headers.X-Token={SECRET}",
        f"target.headers=Bearer {SECRET}",
        f"target.headers.X-Other=[{SECRET!r}]",
        f"target.base_url=http://me:{SECRET}@127.0.0.1",
    ],
)
def test_a_secret_that_stands_in_the_file_is_refused_and_not_shown(setting: str) -> None:
    assert SECRET not in error(setting)


@pytest.mark.parametrize("setting", ["target.headers.Content-Length=1", 'target.headers."a b"=1'])
def test_a_header_that_cannot_be_set_is_refused(setting: str) -> None:
    assert "target.headers" in error(setting)


# -- templates -----------------------------------------------------------------------------------------


def test_a_place_alone_keeps_its_value_and_one_within_a_text_becomes_text() -> None:
    values: dict[str, Any] = {"n": 7, "list": [1, "a"], "yes": True}
    filled = {
        text: template.parse(text, values).fill(values) for text in ("{n}", "{list}", "{n}-{yes}", "{list}!")
    }
    assert filled == {"{n}": 7, "{list}": [1, "a"], "{n}-{yes}": "7-true", "{list}!": '[1, "a"]!'}


def test_braces_are_written_twice() -> None:
    assert template.parse("{{n}} }}{{", ["n"]).fill({"n": 7}) == "{n} }{"


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert template.parse("<{a}>", ["a", "b"]).fill({"a": "{b}", "b": "x"}) == "<{b}>"
    assert template.parse("<{a}>", ["a"]).fill({"a": "${HOME}"}, {"HOME": "x"}) == "<${HOME}>"


# -- answers -------------------------------------------------------------------------------------------

ANSWER = Answer(
    200,
    {"Version": "17", "Name": "x"},
    b'{"ids": [3, "4", true], "things": [{"id": 3, "n": 5}, {"id": "b", "n": 9}], "a b": {"c": null},'
    b' "t": "xyz"}',
)


@pytest.mark.parametrize(
    ("spot", "values"),
    [
        ("json:$.ids", [[3, "4", True]]),
        ("json:$.ids[*]", [3, "4", True]),
        ("json:$.ids[0]", [3]),
        ("json:$.ids[-1]", [True]),
        ("json:$.ids[3]", []),
        ("json:$.ids[-4]", []),
        ("json:$.ids.id", []),
        ("json:$.things[*].id", [3, "b"]),
        ('json:$["a b"].c', [None]),
        ("json:$.none", []),
        ("header:Version", ["17"]),
        ("header:Nothing", []),
    ],
)
def test_a_spot_is_where_it_says(spot: str, values: list[Any]) -> None:
    assert parse_spot(spot).values(ANSWER) == values


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b"[1"])
def test_what_is_no_json_has_nothing_in_it(body: bytes) -> None:
    assert parse_spot("json:$[*]").values(Answer(200, {}, body)) == []


@pytest.mark.parametrize(
    ("spot", "test", "value", "is_shown"),
    [
        ("json:$.ids[*]", "equals", 3, True),
        ("json:$.ids[*]", "equals", "3", True),
        ("json:$.ids[*]", "equals", 4, True),
        ("json:$.ids[*]", "equals", 1, False),  # though for Python, true is 1
        ("json:$.ids[*]", "equals", 33, False),
        ("json:$.ids", "contains", 3, True),
        ("json:$.ids", "contains", "5", False),
        ("json:$.t", "contains", "yz", True),
        ("json:$.things[0].id", "contains", 3, False),
        ("json:$.things[*].n", "at_least", 9, True),
        ("json:$.things[*].n", "at_least", "10", False),
        ("json:$.t", "at_least", 0, False),
        ("header:Version", "at_least", 17, True),
        ("header:Version", "at_least", "18", False),
        ("header:Name", "equals", "x", True),
        ('json:$["a b"].c', "exists", True, True),
        ("json:$.none", "exists", True, False),
        ("body", "contains", '"xyz"', True),
    ],
)
def test_a_write_is_visible_if_a_value_passes_the_test(spot, test, value, is_shown) -> None:
    visible = Visible(spot=parse_spot(spot), test=test, value=value)
    assert visible.shown_by(ANSWER) is is_shown
    assert not visible.shown_by(ANSWER._replace(status=404))


def test_without_a_spot_the_status_decides() -> None:
    assert Visible(status=(200, 203)).shown_by(Answer(203, {}, b""))
    assert not Visible(status=(200, 203)).shown_by(Answer(404, {}, b""))
