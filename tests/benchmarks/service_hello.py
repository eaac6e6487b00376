"""The yardstick of `bench_facade`: the least that an ASGI application can do on the same uvicorn.

A GET is answered with a few bytes of JSON; a POST as well, once its body is read.
"""

import sys
from typing import Any

import uvicorn

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"15")],
}
BODY = {"type": "http.response.body", "body": b'{"hello": true}'}


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["method"] == "POST":
        while (await receive()).get("more_body", False):
            pass
    await send(START)
    await send(BODY)


if __name__ == "__main__":
    uvicorn.run(
        hello, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off", server_header=False
    )
