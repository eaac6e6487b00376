"""docs/http-api.md against a server: its sessions go as shown, its tables say what there is."""

import doctest
import shlex
from typing import Any, NamedTuple

import httpx
import pytest
from pages import by_code, code, page
from served import ServedShop, serving
from test_examples import FLAGS, steps
from typer.main import get_command

from cqrs_lab.cli import app
from loadtest.api import call, connections, facade, service, views
from loadtest.api.operations import HEADERS, OPERATIONS
from loadtest.api.problems import KINDS
from loadtest.server.serving import KEEP_ALIVE_S

PAGE = page("docs/http-api.md")
SHOWN = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("shop"), "--set", "policy.read=wait") as one:
        yield one


class Curl(NamedTuple):
    """What a command line of curl asks, as far as the page uses it."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    shows_headers: bool


def curl(words: list[str]) -> Curl:
    method, url, headers, body, shows_headers = "", "", {}, None, False
    rest = iter(words)
    for word in rest:
        match word:
            case "-s":
                pass
            case "-si":
                shows_headers = True
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "--json":
                body = next(rest)
                headers |= {"Content-Type": "application/json", "Accept": "application/json"}
            case _:
                assert word.startswith(SHOWN), word
                url = word.removeprefix(SHOWN)
    return Curl(method or ("GET" if body is None else "POST"), url, headers, body, shows_headers)


def shown(answer: httpx.Response, *, with_headers: bool) -> str:
    head = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\n".join([*head, "", ""]) if with_headers else "") + answer.text


def test_its_sessions_go_as_shown(shop: ServedShop) -> None:
    made = 0
    for block in PAGE.blocks:
        if block.language != "console":
            continue
        for command, expected in steps(block.text):
            program, *words = shlex.split(command)
            assert program == "curl"
            asked = curl(words)
            answer = shop.http.request(asked.method, asked.url, headers=asked.headers, content=asked.body)
            found = shown(answer, with_headers=asked.shows_headers)
            assert doctest.OutputChecker().check_output(expected, found, FLAGS), f"$ {command}\n{found}"
            made += 1
    assert made > 10


def test_every_option_is_listed_with_its_default() -> None:
    command: Any = get_command(app)
    parameters = {one.opts[0]: one for one in command.commands["serve"].params if one.name != "help"}
    rows = by_code(PAGE.table("The HTTP API", "option", "default"), "option")
    assert set(rows) == set(parameters)
    for name, row in rows.items():
        default = parameters[name].default
        if isinstance(default, str | int) and not isinstance(default, bool):
            assert code(row["default"]) == [str(default)], name


def test_every_operation_is_listed() -> None:
    rows = PAGE.table("Endpoints", "method", "path")
    listed = [(*code(row["method"]), *code(row["path"])) for row in rows]
    assert sorted(listed) == sorted((one.method, one.path) for one in OPERATIONS)


def test_every_problem_is_listed_with_its_status() -> None:
    rows = by_code(PAGE.table("Problems", "kind", "status"), "kind")
    kinds = {kind for operation in OPERATIONS for kind in operation.all_problems}
    assert set(rows) == kinds | {"unknown-path", "wrong-method", "malformed-request"}
    for name, row in rows.items():
        assert int(row["status"]) == KINDS[name].status
        assert ("ask again" in row["what it is"]) == KINDS[name].may_pass


def test_the_headers_of_positions_are_listed() -> None:
    rows = PAGE.table("Positions: what an answer reflects", "header", "of")
    own = {name for name in HEADERS if name.startswith(("Position", "Prefer"))} | {"Prefer"}
    assert {word for row in rows for word in code(row["header"])} == own


def test_the_limits_are_those_in_force() -> None:
    rows = {row["what"]: row["limit"].split()[0] for row in PAGE.table("Limits", "what", "limit")}
    assert rows == {
        "a request's headers and path": str(facade.HEADER_BYTES_MAX),
        "the time that they take": f"{connections.HEADERS_TIME_MAX_S:g}",
        "a body": str(facade.BODY_BYTES_MAX),
        "the time that it takes": f"{facade.BODY_TIME_MAX_S:g}",
        "an answer that a service owes": f"{service.ANSWER_TIMEOUT_S:g}",
        "an answer that a store owes to a query": f"{views.READ_TIMEOUT_S:g}",
        "connections": str(connections.CONNECTIONS_MAX),
        "a connection without a request": str(KEEP_ALIVE_S),
    }
    assert f"up to {call.WAIT_MAX_S:g} |" in PAGE.text
    assert f"has {call.PAGE_DEFAULT} rows unless `limit` says otherwise (up to {call.PAGE_MAX})" in PAGE.text


def test_every_family_of_metrics_is_listed(shop: ServedShop) -> None:
    rows = by_code(PAGE.table("What the one who runs it sees", "family"), "family")
    lines = [line.split() for line in shop.http.get("/metrics").text.splitlines()]
    assert {line[2] for line in lines if line[1] == "TYPE"} == {f"cqrs_lab_{name}" for name in rows}
