"""A shop that knows nothing of the lab: Flask, in a process of its own, with a read model that lags as told.

`python other_shop.py '{"lag_s": 0.2}'` serves at a free port, whose number is the first line of its output.
"""

import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 20.0
STEP_S = 0.01
TOKEN = "t0p-5ecret-t0ken"


def app(lag_s: float = 0.0, write_s: float = 0.0, guarded: bool = False, location: str = "") -> Any:
    """Things are posted, which takes `write_s`, and can be read `lag_s` later; `guarded`: with a token."""
    from flask import Flask, Response, jsonify, request

    shop, numbers = Flask("other-shop"), itertools.count(1)
    visible: dict[int, dict[str, Any]] = {}
    posted: list[dict[str, Any]] = []
    shown_at: dict[int, float] = {}

    @shop.before_request
    def check() -> Response | None:
        if guarded and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(status=401)
        return None

    @shop.post("/api/things")
    def post() -> Response:
        thing = {"id": f"t{next(numbers)}", **request.get_json()}
        number = int(thing["id"][1:])
        posted.append(thing | {"key": request.headers.get("Idempotency-Key")})
        time.sleep(write_s)
        answer = jsonify({"created": {"id": thing["id"]}})
        answer.status_code = 201
        answer.headers["Location"] = f"{location}/api/things/{thing['id']}"
        answer.headers["X-Version"] = str(number)

        def project() -> None:
            visible[number] = thing
            shown_at[number] = time.time()

        timer = threading.Timer(lag_s, project)
        timer.daemon = True
        answer.call_on_close(timer.start)
        return answer

    @shop.get("/api/things/<thing_id>")
    def one(thing_id: str) -> Response:
        found = visible.get(int(thing_id[1:]))
        return Response(status=404) if found is None else jsonify(found)

    @shop.get("/api/things")
    def several() -> Response:
        owner = int(request.args["owner"])
        answer = jsonify({"things": [thing for thing in visible.values() if thing["owner"] == owner]})
        answer.headers["X-Version"] = str(max(visible, default=0))
        return answer

    @shop.get("/posted")
    def all_posted() -> Response:
        return jsonify([thing | {"shown_at": shown_at.get(int(thing["id"][1:]))} for thing in posted])

    return shop


class OtherShop:
    """Its process, and what a test may ask it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def posted(self) -> list[dict[str, Any]]:
        """Everything that was posted, and since when (Unix time) it can be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/posted", headers={"Authorization": f"Bearer {TOKEN}"})
            found: list[dict[str, Any]] = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()

    def until_posted(self, number: int) -> None:
        """Let time pass until so many things have been posted."""
        until(lambda: len(self.posted()) >= number)


def until(holds: Callable[[], object]) -> None:
    """Let time pass until it holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "it never came to hold"
        time.sleep(STEP_S)


@contextmanager
def other_shop(**keys: Any) -> Iterator[OtherShop]:
    """The shop in a process of its own until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, __file__, json.dumps(keys)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield OtherShop(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app(**json.loads(sys.argv[1])), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()
