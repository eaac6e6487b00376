"""The clients: what faults on their loads do to them, how they read, and that they live on either clock."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pykka
import pytest
from textbook import column

from actors import topology
from actors.consuming.positions import Positions
from actors.querying.reading import Reader
from actors.runtime.live import LiveRuntime
from actors.stores.opening import close_all, open_stores
from actors.system import Catalogue, seed, start
from actors.tables import SUMMARIES
from actors.trace import Recorder
from scenarios import presets
from scenarios.file import loads
from scenarios.injection import inject
from scenarios.population import product_name
from scenarios.randomness import Streams
from scenarios.scenario import Scenario
from simulation.run import simulate
from simulation.workload import Workload

HERE = Path()


def scenario(load: str, *faults: str, more: str = "", run: float = 60.0) -> Scenario:
    """Nothing takes any time unless `more` says so."""
    text = f'name = "x"\n[phases]\nwarm = "2s"\nrun = "{run}s"\nsettle = "5s"\n[load]\n{load}\n{more}\n'
    return loads(text + "".join(f"[[fault]]\n{fault}\n" for fault in faults), source="x.toml", folder=HERE)


def surge(by: float, on: str = "orders", at: str = "10s", length: str = "40s") -> str:
    return f'kind = "surge"\non = "load:{on}"\nby = {by}\nat = "{at}"\nfor = "{length}"'


def hot(p: float, on: str = "orders") -> str:
    return f'kind = "hot"\non = "load:{on}"\np = {p}\nat = "10s"\nfor = "40s"'


def words(trace: Recorder, table: str, name: str) -> list[str]:
    found: list[str] = trace.frame_columns(table)[name].to_pylist()
    return found


def requests(trace: Recorder) -> Counter[Any]:
    """Every command and read as its client made it."""
    commands = zip(
        words(trace, "commands", "kind"),
        *(trace.column("commands", name) for name in ("customer_id", "arrived_s", "product_id", "quantity")),
        strict=True,
    )
    reads = zip(
        words(trace, "reads", "kind"),
        *(trace.column("reads", name) for name in ("key", "arrived_s")),
        strict=True,
    )
    return Counter([*commands, *reads])


def arrivals(trace: Recorder, kind: str, start: float = 10.0, end: float = 50.0) -> int:
    """How many requests of a kind came in these seconds."""
    for table in ("commands", "reads"):
        mine = np.array(words(trace, table, "kind")) == kind
        if mine.any():
            at = column(trace, table, "arrived_s")[mine]
            return int(((at >= start) & (at < end)).sum())
    return 0


def hits(trace: Recorder) -> list[int]:
    return list(trace.column("faults", "hits"))


# -- surge ---------------------------------------------------------------------------------------------

LOADS = ("orders", "checkouts", "history", "stock", "browse", "restock", "catalogue")
EVERYTHING = "\n".join(f'{load} = "poisson(5/s)"' for load in LOADS) + '\nown_read = "exp(100ms)"'


@pytest.mark.parametrize("load", LOADS)
def test_a_surge_adds_requests_and_leaves_all_others_as_they_were(load: str) -> None:
    calm = requests(simulate(scenario(EVERYTHING)).recorder)
    trace = simulate(scenario(EVERYTHING, surge(3.0, load))).recorder
    stormy = requests(trace)
    assert calm - stormy == Counter()
    added = stormy - calm
    # A cart is filled by several commands, and each order is read back.
    assert sum(count for request, count in added.items() if request[0] == load) == hits(trace)[0]
    assert all(10.0 <= request[2] < 52.0 for request in added)
    assert hits(trace)[0] == pytest.approx(400, abs=4.5 * 20)


@pytest.mark.parametrize("load", LOADS)
def test_a_surge_to_a_part_leaves_requests_out_and_all_others_as_they_were(load: str) -> None:
    calm = requests(simulate(scenario(EVERYTHING)).recorder)
    trace = simulate(scenario(EVERYTHING, surge(0.5, load))).recorder
    quiet = requests(trace)
    assert quiet - calm == Counter()
    left_out = calm - quiet
    assert sum(count for request, count in left_out.items() if request[0] == load) == hits(trace)[0]
    assert hits(trace)[0] == pytest.approx(100, abs=4.5 * math.sqrt(50))


@pytest.mark.parametrize(
    ("load", "by"),
    [
        ("poisson(20/s)", 3.0),
        ("poisson(20/s)", 0.5),
        ("every(50ms)", 3.0),
        ("renewal(uniform(0s, 100ms))", 0.5),
        ("renewal(uniform(0s, 100ms))", 2.5),
        ("ramp(10/s, 30/s)", 3.0),
        ("ramp(10/s, 30/s)", 0.5),
    ],
)
def test_in_a_surge_requests_come_so_many_times_as_often(load: str, by: float) -> None:
    trace = simulate(scenario(f'stock = "{load}"', surge(by, "stock"))).recorder
    assert arrivals(trace, "stock") == pytest.approx(800 * by, abs=4.5 * math.sqrt(800 * by))
    assert arrivals(trace, "stock", -2.0, 10.0) + arrivals(trace, "stock", 50.0, 60.0) == pytest.approx(
        440, abs=4.5 * 21 + (80 if "ramp" in load else 0)
    )


def test_overlapping_surges_act_each_for_itself() -> None:
    trace = simulate(scenario('stock = "poisson(20/s)"', surge(3.0, "stock"), surge(0.5, "stock"))).recorder
    assert arrivals(trace, "stock") == pytest.approx(1200, abs=4.5 * 35)
    assert all(hits(trace))


def test_a_surge_that_comes_again_draws_anew() -> None:
    again = 'kind = "surge"\non = "load:stock"\nby = 3\nfor = "5s"\nevery = "5s"\nat = "0s"'
    trace = simulate(scenario('stock = "poisson(20/s)"', again)).recorder
    at = column(trace, "reads", "arrived_s")
    calm = column(simulate(scenario('stock = "poisson(20/s)"')).recorder, "reads", "arrived_s")
    added = np.setdiff1d(at, calm)
    assert ((added % 10.0) < 5.0).all()
    first, second = (added[(added >= start) & (added < start + 5)] - start for start in (0, 10))
    assert len(np.intersect1d(first, second)) == 0
    assert len(hits(trace)) == 6


@pytest.mark.parametrize(
    "load", ["orders", "checkouts", "history", "stock", "browse", "restock", "catalogue"]
)
@pytest.mark.parametrize("by", [3.0, 0.5])
def test_a_surge_changes_the_number_of_users_of_a_closed_load(load: str, by: float) -> None:
    """Answers take no time, so that ten users who think for a second ask ten times a second."""
    trace = simulate(scenario(f'{load} = "closed(10, exp(1s))"', surge(by, load))).recorder
    assert arrivals(trace, load) == pytest.approx(400 * by, abs=4.5 * math.sqrt(400 * by))
    outside = arrivals(trace, load, -2.0, 10.0) + arrivals(trace, load, 50.0, 60.0)
    assert outside == pytest.approx(220, abs=4.5 * 15)
    assert hits(trace)[0] == pytest.approx(400 * abs(by - 1), abs=4.5 * math.sqrt(400 * abs(by - 1)))


def test_users_of_a_closed_load_live_on_when_the_service_that_answered_them_crashes() -> None:
    crash = 'kind = "crash"\non = "orders"\nat = "10s"\nfor = "1s"'
    trace = simulate(scenario('orders = "closed(10, exp(1s))"', crash)).recorder
    assert arrivals(trace, "orders", 20.0, 60.0) == pytest.approx(400, abs=90)


# -- hot -----------------------------------------------------------------------------------------------


def lines(trace: Recorder, start: float = 10.0, end: float = 50.0) -> dict[int, list[int]]:
    """The products of each order that was committed in these seconds, by position."""
    mine = column(trace, "events", "source") == trace.intern("orders")
    committed = dict(
        zip(
            column(trace, "events", "position")[mine],
            column(trace, "events", "committed_s")[mine],
            strict=True,
        )
    )
    found: dict[int, list[int]] = {}
    for position, product in zip(
        *(trace.column("lines", n) for n in ("position", "product_id")), strict=True
    ):
        if start <= committed[position] < end:
            found.setdefault(int(position), []).append(int(product))
    return found


@pytest.mark.parametrize(
    ("load", "share"),
    # Of a cart's one to three lines, at most one: (0.3 + (1 − 0.7²) + (1 − 0.7³)) / (1 + 2 + 3).
    [("orders", 0.3), ("checkouts", (0.3 + 0.51 + 0.657) / 6)],
)
def test_the_hot_share_of_the_lines_names_one_product(load: str, share: float) -> None:
    shop = '[population]\npopularity = "uniform"\nproducts = 1000\nlines = "1..1"'
    trace = simulate(scenario(f'{load} = "poisson(20/s)"', hot(0.3, load), more=shop)).recorder
    named = [product for products in lines(trace).values() for product in products]
    assert named.count(1) / len(named) == pytest.approx(share, abs=4.5 * math.sqrt(0.21 / 800))
    outside = [product for products in lines(trace, 50.0, 60.0).values() for product in products]
    assert outside.count(1) < 4
    assert hits(trace)[0] == pytest.approx(named.count(1), abs=5)


def test_an_order_names_a_product_once_however_hot_it_is() -> None:
    trace = simulate(scenario('orders = "poisson(20/s)"', hot(1.0))).recorder
    found = lines(trace)
    assert len(found) > 500
    assert all(products[0] == 1 and len(set(products)) == len(products) for products in found.values())
    assert hits(trace)[0] == pytest.approx(len(found), abs=1)


def test_what_is_hot_moves_no_order_and_changes_no_other_line() -> None:
    shop = '[population]\npopularity = "uniform"\nproducts = 100000'
    calm = simulate(scenario('orders = "poisson(20/s)"', more=shop)).recorder
    trace = simulate(scenario('orders = "poisson(20/s)"', hot(0.3), more=shop)).recorder
    assert requests(trace) == requests(calm)
    changed = 0
    for position, products in lines(calm, -2.0, 60.0).items():
        for before, after in (
            zip(products, lines(trace, -2.0, 60.0)[position], strict=True) if changed < 50 else ()
        ):
            assert after in (before, 1)
            changed += after != before
    assert changed >= 50


def test_what_a_surge_adds_may_be_hot_too() -> None:
    shop = '[population]\npopularity = "uniform"\nproducts = 1000\nlines = "1..1"'
    trace = simulate(scenario('orders = "poisson(10/s)"', surge(3.0), hot(1.0), more=shop)).recorder
    named = [product for products in lines(trace).values() for product in products]
    assert len(named) == pytest.approx(1200, abs=4.5 * 35)
    assert set(named) == {1}


# -- reads ---------------------------------------------------------------------------------------------

SLOW_SUMMARY = '[time]\nsummary = "exp(20ms)"\n'


def reads(trace: Recorder) -> list[tuple[str, str, int]]:
    return list(
        zip(
            words(trace, "reads", "kind"),
            words(trace, "reads", "outcome"),
            trace.column("reads", "seen"),
            strict=True,
        )
    )


def own_orders_missing(trace: Recorder) -> int:
    """How many reads that are not marked miss an order that their session had been told of."""
    told: dict[int, list[float]] = {}
    for who, at in zip(
        *(trace.column("commands", name) for name in ("customer_id", "answered_s")), strict=True
    ):
        told.setdefault(int(who), []).append(at)
    columns = (trace.column("reads", name) for name in ("session", "arrived_s", "seen"))
    return sum(
        seen < sum(at < arrived for at in told.get(int(who), ()))
        for who, arrived, seen, outcome in zip(*columns, words(trace, "reads", "outcome"), strict=True)
        if outcome == "ok"
    )


READING = 'orders = "poisson(30/s)"\nhistory = "poisson(10/s)"\nown_read = "exp(10ms)"'


def test_who_shows_the_position_of_the_last_order_finds_it() -> None:
    waiting = simulate(scenario(READING, more=f'[policy]\nread = "wait"\n{SLOW_SUMMARY}', run=20.0)).recorder
    eventual = simulate(scenario(READING, more=SLOW_SUMMARY, run=20.0)).recorder
    assert own_orders_missing(waiting) == 0
    assert own_orders_missing(eventual) > 50
    took = column(waiting, "reads", "read_s") - column(waiting, "reads", "arrived_s")
    assert 0.0 < took.max() <= 2.0
    assert {outcome for _, outcome, _ in reads(waiting)} == {"ok"}


def test_a_read_that_has_waited_too_long_comes_back_marked() -> None:
    policy = '[policy]\nread = "wait"\nread_timeout = "500ms"'
    pause = 'kind = "pause"\non = "summary"\nat = "5s"\nfor = "5s"'
    trace = simulate(scenario(READING, pause, more=policy, run=20.0)).recorder
    took = column(trace, "reads", "read_s") - column(trace, "reads", "arrived_s")
    marked = np.array(words(trace, "reads", "outcome")) == "stale"
    assert marked.sum() > 50
    assert took[marked] == pytest.approx(0.5)
    assert took.max() <= 0.5 + 1e-9
    assert own_orders_missing(trace) == 0
    assert (column(trace, "reads", "seen")[marked] >= 0).all()


def test_a_read_of_a_store_that_is_down_fails() -> None:
    down = 'kind = "unavailable"\non = "store:summary"\nat = "5s"\nfor = "5s"'
    trace = simulate(scenario('history = "poisson(20/s)"', down, run=20.0)).recorder
    at = column(trace, "reads", "arrived_s")
    failed = np.array(words(trace, "reads", "outcome")) == "failed"
    assert (failed == ((at >= 5.0) & (at < 10.0))).all()


# -- presets and both clocks -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets.names())
def test_under_every_preset_a_healthy_shop_shows_every_order(name: str) -> None:
    policy = f'[policy]\npreset = "{name}"\n[time]\norders = "exp(2ms)"\nsummary = "exp(5ms)"'
    result = simulate(scenario(EVERYTHING, more=policy, run=10.0))
    trace = result.recorder
    assert result.failures == []
    placed = sorted(trace.column("orders", "order_id"))
    assert len(placed) > 50
    assert sorted(trace.column("summaries", "order_id")) == placed
    assert set(words(trace, "commands", "outcome")) == {"acknowledged"}


@pytest.mark.parametrize("load", ["poisson(40/s)", "closed(10, exp(200ms))"])
def test_on_threads_every_order_of_the_ledger_is_in_the_read_model(load: str) -> None:
    storm = surge(3.0, "orders", "100ms", "300ms")
    cold = 'kind = "hot"\non = "load:checkouts"\np = 0.5'
    described = scenario(EVERYTHING.replace("poisson(5/s)", load), storm, cold, run=0.5)
    streams, policy = Streams(described.seed), described.policy
    stores = open_stores("memory://", topology.stores(policy))
    catalogue = Catalogue(tuple(product_name(n) for n in range(1, 101)), (100,) * 100, 1_000_000)
    with LiveRuntime() as runtime:
        seed(stores, catalogue, runtime.now())
        positions = Positions()
        start(runtime, stores, policy, positions)
        workload = Workload(runtime, described, Reader(runtime, stores, policy, positions), streams)
        inject(runtime, described.faults, streams, described.phases.run, workload)
        workload.start()
        trace, calm = runtime.recorder, 0
        while calm < 5:  # nothing has happened for a while, and everything has been followed
            before = trace.rows
            runtime.sleep(0.05)
            assert runtime.now() < 20.0, "it never came to an end"
            followed = positions.reached("summary", "orders", stores["orders"].head())
            over = trace.count("faults") == len(described.faults) and trace.rows == before
            calm = calm + 1 if over and followed else 0
        workload.finish()
        assert runtime.failures == []
    shown = {row.order_id for row in stores["summary"].scan(SUMMARIES)}
    close_all(stores)
    assert pykka.ActorRegistry.get_all() == []
    known = {int(number) for number in trace.column("commands", "order_id") if number > 0}
    assert len(known) > 20
    assert known == shown
    assert set(words(trace, "commands", "outcome")) == {"acknowledged"}
    assert set(words(trace, "commands", "kind")) == {"orders", "carts", "checkouts", "restock", "catalogue"}
    assert set(words(trace, "reads", "kind")) == {"history", "own", "stock", "browse"}
    assert set(words(trace, "reads", "outcome")) == {"ok"}
    assert all(hits(trace))


def test_what_is_never_answered_is_written_down_once() -> None:
    pause = 'kind = "pause"\non = "orders"\nat = "5s"'
    described = scenario('orders = "poisson(20/s)"', pause, more='[time]\norders = "1h"', run=20.0)
    trace = simulate(described).recorder
    outcomes = words(trace, "commands", "outcome")
    assert set(outcomes) == {"unanswered"}
    arrived = list(trace.column("commands", "arrived_s"))
    assert arrived == sorted(arrived)
    assert len(set(arrived)) == len(arrived)
    assert all(math.isnan(at) for at in trace.column("commands", "answered_s"))
