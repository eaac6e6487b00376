"""Clients without think time, for benchmarks of servers: wrk, or where it is missing our own processes.

Each connection sends the next request when it has the answer to the last one.
"""

import asyncio
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECTIONS = 32
PROCESSES = 2
ORDERS, READS = (Path(__file__).with_name(name) for name in ("orders.lua", "reads.lua"))


class Answered(NamedTuple):
    """How many answers a second there were, and how many in all were none that was hoped for."""

    rate: float
    failed: int


def load(url: str, seconds: int, *, orders: bool, most: int = 1) -> Answered:
    """Place orders at the URL, or read it, over `CONNECTIONS` connections for so long.

    What is read has a number from 1 to `most` in its path, drawn each time, where `%d` or the like is.
    """
    if shutil.which("wrk"):
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            *("-s", str(ORDERS if orders else READS)),
            *(url, "--", urlsplit(url).path, str(most)),
        ]
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=seconds + 30
        ).stdout
        return Answered(_number(r"Requests/sec:\s+([\d.]+)", said), _failed(said))
    own = [
        sys.executable,
        __file__,
        url,
        str(seconds),
        str(CONNECTIONS // PROCESSES),
        str(most),
        "orders" if orders else "",
    ]
    processes = [subprocess.Popen(own, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    said = [process.communicate(timeout=seconds + 30)[0].split() for process in processes]
    return Answered(sum(int(good) for good, _ in said) / seconds, sum(int(bad) for _, bad in said))


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0


def _failed(said: str) -> int:
    failed = _number(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return int(failed) + (sum(map(int, errors.groups())) if errors else 0)


# -- our own -------------------------------------------------------------------------------------------


def _request(host: str, path: str, most: int, *, orders: bool) -> bytes:
    if not orders:
        drawn = path % random.randint(1, most)
        return f"GET {drawn} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    product = random.randint(1, 1000)
    body = (
        f'{{"customerId": {random.randint(1, 10_000)}, "items": [{{"productId": {product}, "quantity": 1}},'
        f' {{"productId": {product % 1000 + 1}, "quantity": 2}}], "shippingAddress": "12 Elm Street"}}'
    )
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def _client(
    host: str, port: int, path: str, most: int, until_s: float, counts: list[int], *, orders: bool
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while asyncio.get_running_loop().time() < until_s:
        writer.write(_request(host, path, most, orders=orders))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(_number(r"(?i)content-length: (\d+)", head.decode())))
        counts[0 if head[9:10] == b"2" else 1] += 1
    writer.close()


async def _clients(url: str, seconds: float, connections: int, most: int, *, orders: bool) -> list[int]:
    place, counts = urlsplit(url), [0, 0]
    until_s = asyncio.get_running_loop().time() + seconds
    assert place.hostname is not None
    assert place.port is not None
    clients = (
        _client(place.hostname, place.port, place.path, most, until_s, counts, orders=orders)
        for _ in range(connections)
    )
    await asyncio.gather(*clients)
    return counts


if __name__ == "__main__":
    url, seconds, connections, most, orders = sys.argv[1:]
    print(*asyncio.run(_clients(url, float(seconds), int(connections), int(most), orders=bool(orders))))
