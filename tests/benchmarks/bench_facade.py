"""The server under load, against what the same uvicorn can do at all and against the usual way to write it.

Every server has a process of its own on this machine, and all are asked turn by turn by the same clients, so
that the machine's mood hits all; what counts are ratios within a round. Orders are durable, and followed by
every read model in the same process. Four minutes; whatever it starts and stores is gone afterwards. Run by
`make bench`, on a machine with nothing else to do: many threads notice others sooner than one does.

A server has the first core for itself. The clients, and the PostgreSQL that one of the servers asks, have the
others.
"""

import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
from clients import CONNECTIONS, load
from ratios import report

from loadtest.system.stores import EMBEDDED, kept

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0))
ROUNDS, ROUND_S, WARM_S, STEADY_S = 3, 3, 1, 30
RECORDING_ROUNDS = 10
START_S_MAX, STOP_S_MAX, FOLLOW_S_MAX = 60.0, 15.0, 10.0
HISTORY, STOCK = ("/customer/1%04d/orders", 500), ("/inventory/products/%d", 1_000)
"""Paths to read, with the highest number that is drawn for them."""

ORDERS_EACH = 5
"""How long the histories are that are read: of customers who do not order meanwhile."""


class Server(NamedTuple):
    """A server that listens."""

    name: str
    url: str

    def orders(self, seconds: int = ROUND_S) -> float:
        """Orders a second that it takes."""
        return self._rate("/orders", seconds, orders=True)

    def place_histories(self) -> None:
        """Place the orders that are read as histories."""
        path, customers = HISTORY
        numbers = [int((path % number).split("/")[2]) for number in range(1, customers + 1)] * ORDERS_EACH

        def place(client: httpx.Client, customer: int) -> None:
            items = [{"productId": customer % 500 + n, "quantity": n} for n in (1, 2)]
            body = {"customerId": customer, "items": items, "shippingAddress": "12 Elm Street"}
            client.post(self.url + "/orders", json=body).raise_for_status()

        with httpx.Client() as client, ThreadPoolExecutor(CONNECTIONS // 4) as threads:
            list(threads.map(partial(place, client), numbers))

    def reads(self, path: str, most: int) -> float:
        """Reads a second that it answers."""
        return self._rate(path, ROUND_S, orders=False, most=most)

    def _rate(self, path: str, seconds: int, *, orders: bool, most: int = 1) -> float:
        answered = load(self.url + path, seconds, orders=orders, most=most)
        if answered.failed:
            print(f"{self.name}: {answered.failed} requests to {path} failed")
        return answered.rate


@contextlib.contextmanager
def on_first_core() -> Iterator[None]:
    """Whatever process is started within the block runs on the first core, what comes after it on the others.

    Where there is one core only, all run there.
    """
    os.sched_setaffinity(0, CORES[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES[1:] or CORES)


@contextlib.contextmanager
def serving(name: str, script: str, *arguments: str) -> Iterator[Server]:
    """A server in a process of its own, until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with on_first_core():
        process = subprocess.Popen([sys.executable, HERE / script, str(port), *arguments])
    try:
        url = f"http://127.0.0.1:{port}"
        until_s = time.monotonic() + START_S_MAX
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url + "/docs", timeout=5.0)
                break
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit(
                    f"{name} does not come up (exit code {process.poll()}); see its message above"
                )
            time.sleep(0.1)
        yield Server(name, url)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def visibility(server: Server) -> dict[str, dict[float, float]]:
    """Per consumer how many events became visible within so many seconds, as /metrics says."""
    text = httpx.get(server.url + "/metrics", timeout=30.0).text
    found: dict[str, dict[float, float]] = {}
    for labels, number in re.findall(r"consumer_visibility_seconds_bucket\{(.*)\} (\S+)", text):
        of = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        counts = found.setdefault(f"{of['consumer']} of {of['source']}", {})
        counts[float(of["le"])] = float(number)
    return found


def lag_p99(server: Server, work: Callable[[], object]) -> dict[str, float]:
    """Per consumer a bound (s) on the 99th percentile of the lag of what `work` has caused."""
    before = visibility(server)
    work()
    until_s = time.monotonic() + FOLLOW_S_MAX
    while time.monotonic() < until_s and "consumer_lag_events{" in behind(server):
        time.sleep(0.1)
    bounds: dict[str, float] = {}
    for name, counts in visibility(server).items():
        fresh = {bound: count - before[name][bound] for bound, count in counts.items()}
        total = fresh[float("inf")]
        if total:
            bounds[name] = min(bound for bound, count in fresh.items() if count >= 0.99 * total)
    return bounds


def behind(server: Server) -> str:
    """The lines of /metrics of consumers that lack events."""
    text = httpx.get(server.url + "/metrics", timeout=30.0).text
    return "\n".join(re.findall(r"^\S*consumer_lag_events\{.*\} [1-9].*$", text, re.MULTILINE))


class Rates:
    """What each server did in each round."""

    def __init__(self) -> None:
        self._rates: dict[str, list[float]] = {}

    def add(self, name: str, rate: float) -> None:
        self._rates.setdefault(name, []).append(rate)

    def report(self, name: str, ours: str, other: str, at_least: float) -> None:
        """Print the median over the rounds of one rate as a multiple of another."""
        pairs = list(zip(self._rates[ours], self._rates[other], strict=True))
        ratios = sorted(mine / theirs for mine, theirs in pairs)
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        detail = f"{mine:,.0f}/s against {theirs:,.0f}/s, rounds from {ratios[0]:.2f} to {ratios[-1]:.2f}"
        report(name, statistics.median(ratios), at_least=at_least, detail=detail)


def with_and_without(recording: Server, lab: Server) -> None:
    """Print what recording costs: a few percent, for which more rounds are needed than for the rest."""
    rates = Rates()
    for number in range(RECORDING_ROUNDS):
        for one in (lab, recording) if number % 2 else (recording, lab):
            rates.add(f"POST {one.name}", one.orders())
    rates.report("POST /orders with --record / without", "POST recording", "POST lab", 0.95)


def keep_up(server: Server, store: str, hello: Server) -> None:
    """Print how many orders it takes for long, beside a hello before and after, and the lag of its views."""
    rates = [hello.orders()]
    bounds_s = lag_p99(server, lambda: rates.append(server.orders(STEADY_S)))
    rates.append(hello.orders())
    first, steady, last = rates
    detail = f"{steady:,.0f}/s between {first:,.0f}/s and {last:,.0f}/s"
    report(
        f"POST on {store} / hello for {STEADY_S} s", 2 * steady / (first + last), at_least=0.2, detail=detail
    )
    for name, bound_s in bounds_s.items():
        detail = f"in and after the {STEADY_S} s; the bound of its class"
        report(f"lag p99 (s) of {name} on {store}", bound_s, at_most=1, detail=detail)
    if lacking := behind(server):
        print(f"MISSED: read models that have not caught up after {FOLLOW_S_MAX:g} s:\n{lacking}")


def main() -> None:
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="cqrs-lab-bench-")))
        os.sched_setaffinity(0, CORES[1:] or CORES)
        url = opened.enter_context(kept(EMBEDDED, folder)).url
        hello = opened.enter_context(serving("hello", "service_hello.py"))
        orm = opened.enter_context(serving("ORM", "service_orm.py", str(folder / "orm.sqlite")))
        lab, recording, postgres = (
            opened.enter_context(serving(name, "service_lab.py", str(folder / name), *more))
            for name, *more in (
                ("lab", "sqlite"),
                ("recording", "sqlite", "record"),
                ("postgres", url),
            )
        )
        for one in (hello, orm, lab, recording, postgres):
            one.orders(WARM_S)
        for one in (lab, postgres):
            one.place_histories()
        rates = Rates()
        for _ in range(ROUNDS):
            rates.add("POST hello", hello.orders())
            for one in (lab, orm, postgres):
                rates.add(f"POST {one.name}", one.orders())
            rates.add("GET hello", hello.reads(*HISTORY))
            for one in (lab, postgres):
                rates.add(f"GET history {one.name}", one.reads(*HISTORY))
                rates.add(f"GET stock {one.name}", one.reads(*STOCK))
        print(f"{CONNECTIONS} connections, {ROUNDS} rounds of {ROUND_S} s")
        rates.report("POST /orders on SQLite / hello", "POST lab", "POST hello", 0.20)
        rates.report("POST /orders on PostgreSQL / hello", "POST postgres", "POST hello", 0.20)
        rates.report("POST /orders on SQLite / FastAPI with an ORM", "POST lab", "POST ORM", 4)
        for one, store in ((lab, "SQLite"), (postgres, "PostgreSQL")):
            for what, shown in (("history", f"history of {ORDERS_EACH} orders"), ("stock", "stock")):
                rates.report(f"GET {shown} on {store} / hello", f"GET {what} {one.name}", "GET hello", 0.35)
        with_and_without(recording, lab)
        for one, store in ((lab, "SQLite"), (postgres, "PostgreSQL")):
            keep_up(one, store, hello)


if __name__ == "__main__":
    main()
