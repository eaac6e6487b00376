"""docs/operations.md against a server with the admin surface: its session goes as shown."""

import doctest
import shlex
import time

from pages import code, page
from served import PATIENCE_S, ServedShop, serving
from test_examples import FLAGS, steps
from test_http_api import curl, shown

from actors.projections.rebuild import VIEWS
from loadtest.admin.operations import ADMIN

PAGE = page("docs/operations.md")
OPTIONS = ["--store", "memory://", "--set", "policy.on_error=park", "--set", "policy.join=carried"]


def answer_to(shop: ServedShop, command: str) -> str:
    program, *words = shlex.split(command)
    assert program == "curl"
    asked = curl(words)
    answer = shop.http.request(asked.method, asked.url, headers=asked.headers, content=asked.body)
    return shown(answer, with_headers=asked.shows_headers)


def test_its_session_goes_as_shown(tmp_path) -> None:
    commands = [step for block in PAGE.blocks if block.language == "console" for step in steps(block.text)]
    assert len(commands) > 10
    with serving(tmp_path, "--admin", *OPTIONS) as shop:
        for command, expected in commands:
            deadline_s = time.monotonic() + PATIENCE_S
            while True:  # the views follow in a moment, as they do for who types it
                found = answer_to(shop, command)
                if doctest.OutputChecker().check_output(expected, found, FLAGS):
                    break
                assert " -X " not in command, f"$ {command}\n{found}"
                assert "--json" not in command, f"$ {command}\n{found}"
                assert time.monotonic() < deadline_s, f"$ {command}\n{found}"
                time.sleep(0.05)


def test_every_operation_is_listed() -> None:
    listed = [
        (*code(row["method"]), *code(row["path"])) for row in PAGE.table("Who may ask", "method", "path")
    ]
    assert sorted(listed) == sorted((one.method, one.path) for one in ADMIN)


def test_every_projection_is_listed() -> None:
    rows = PAGE.table("Rebuilding", "projection")
    assert {word for row in rows for word in code(row["projection"])} == set(VIEWS)
