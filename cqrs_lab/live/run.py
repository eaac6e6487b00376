"""One live run from scenario to verdict: a real server, a real database, real load, and faults in time.

The server and the load are processes of their own (`cqrs_lab.live.processes`); this one says when the run
begins, watches over both, and measures and judges what they leave, as for a run in virtual time. A run that
is cut short, by a user or because something died, leaves what was measured until then.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actors.runtime.port import RuntimeFailure
from actors.trace import Recorder
from cqrs_lab.experiment import conclude, surroundings, write_json
from cqrs_lab.folder import run_folder
from cqrs_lab.live import parts as live_parts
from cqrs_lab.live.guard import Guard
from cqrs_lab.live.processes import STEP_S, LoadProcess, ServerProcess, require_locust
from loadtest.system.stores import kept
from scenarios.account import account
from scenarios.arrivals import Closed
from scenarios.errors import ScenarioError
from scenarios.file import write
from scenarios.names import LOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cqrs_lab.experiment import Outcome
    from cqrs_lab.folder import RunFolder
    from scenarios.scenario import Phases, Scenario

LEAD_FACTOR: Final = 2.0
LEAD_MIN_S: Final = 3.0
"""The load begins so long after the server is there, at least; and so many times as long as that took to
start: the load's processes take about as long, on this machine as it is now.
"""

LOAD_TIME_S: Final = 90.0
"""So long after the end of settle the load has ended, or something is wrong: no request waits longer."""

SERVER_TIME_S: Final = 60.0
"""For so long a server may take to write down what it has recorded."""

TELL_EVERY_S: Final = 0.5


class Live(NamedTuple):
    """What a live run came to; `interrupted`: by the user."""

    outcome: Outcome
    interrupted: bool


class Cut(NamedTuple):
    """Why a run did not last as long as it was to, and when (s) that was."""

    reason: str
    at_s: float
    interrupted: bool = False


def with_users(scenario: Scenario, users: int) -> Scenario:
    """The scenario with so many users in each closed load.

    Raises:
        ScenarioError: it has no closed load.

    """
    loads = {kind: getattr(scenario.load, kind) for kind in LOADS}
    closed: dict[str, Any] = {
        kind: replace(load, users=users) for kind, load in loads.items() if isinstance(load, Closed)
    }
    if not closed:
        raise ScenarioError(
            f"--users {users} is for closed loads, of which {scenario.name} has none; "
            'leave it out, or write one, such as --set "load.history=closed(20, exp(1s))".'
        )
    return replace(scenario, load=replace(scenario.load, **closed))


def run_live(
    scenario: Scenario,
    *,
    store: str | None = None,
    processes: int = 1,
    out: Path | None = None,
    reproduce: str = "",
    on_progress: Callable[[str, float], object] = lambda _stage, _share: None,
) -> Live:
    """Run the scenario on the wall clock and keep it; `on_progress(stage, share)` hears how it goes.

    `store` is a URL of empty stores, `embedded-postgres`, or None for SQLite; the last two are removed in
    the end. The load is made by so many `processes`. `reproduce` is the command line that runs it again.

    Raises:
        FolderError: the run folder cannot be written; nothing was run.
        StoreError: the stores cannot be opened, or hold something.
        LocustMissing: Locust is not installed.
        RuntimeFailure: the server or the load did not begin; nothing is kept.
        KeyboardInterrupt: the user did not want to wait for what is left.

    """
    require_locust()
    with run_folder(scenario.name, scenario.seed, out) as folder, contextlib.ExitStack() as opened:
        started, begun_s = datetime.now(UTC), time.monotonic()
        write(folder.path / "scenario.toml", scenario)
        guard = opened.enter_context(Guard())
        guard.watch_folder(folder.path)
        place = opened.enter_context(_place(guard))
        stores = opened.enter_context(kept(store, place))
        (record := place / "load").mkdir()
        info, cut = _carry_out(scenario, stores.url, processes, folder, record, guard, on_progress)
        on_progress("measuring", 0.0)
        info |= _put_together(scenario, folder, record, info, processes)
        info |= {"store": stores.where, "cut_short": cut.reason if cut else None}
        info |= surroundings(started, time.monotonic() - begun_s, reproduce)
        write_json(folder.path / "run.json", info)
        outcome = conclude(folder, scenario, reproduce)
        on_progress("measuring", 1.0)
    return Live(replace(outcome, folder=folder.final), cut is not None and cut.interrupted)


def _carry_out(
    scenario: Scenario,
    url: str,
    processes: int,
    folder: RunFolder,
    record: Path,
    guard: Guard,
    on_progress: Callable[[str, float], object],
) -> tuple[dict[str, Any], Cut | None]:
    """Serve and load the scenario until all is over: the account of the run, and why it was cut short.

    The server leaves its tables in the run folder, the processes of the load theirs in `record`.
    """
    here = folder.path.absolute()
    with contextlib.ExitStack() as opened:
        on_progress("starting the server", 0.0)
        starting_s = time.monotonic()
        log = opened.enter_context((here / "server.log").open("wb"))
        server = opened.enter_context(ServerProcess(here / "scenario.toml", url, here / "tables", log, guard))
        host = server.url()
        lead_s = max(LEAD_MIN_S, LEAD_FACTOR * (time.monotonic() - starting_s))
        zero_unix_s = time.time() + lead_s + scenario.phases.warm
        load = opened.enter_context(
            LoadProcess(
                here / "scenario.toml",
                host,
                zero_unix_s=zero_unix_s,
                begin_within_s=lead_s + scenario.phases.warm,
                processes=processes,
                record=record,
                files=here,
                guard=guard,
            )
        )
        server.begin(zero_unix_s)
        cut = _watch(scenario, server, load, zero_unix_s, on_progress)
        load.stop()
        server.load_is_over()
        told = server.account(scenario.phases.settle + SERVER_TIME_S)
        if told is None:
            cut = cut or Cut(f"the server left nothing: {server.last_words()}", time.time() - zero_unix_s)
            told = _nothing(scenario, folder, cut.at_s)
    return told, cut


@contextlib.contextmanager
def _place(guard: Guard) -> Iterator[Path]:
    """A temporary folder into which a PostgreSQL that runs as another user can look."""
    place = Path(tempfile.mkdtemp(prefix="cqrs-lab-live-"))
    guard.watch_folder(place)
    try:
        place.chmod(0o755)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _watch(
    scenario: Scenario,
    server: ServerProcess,
    load: LoadProcess,
    zero_unix_s: float,
    on_progress: Callable[[str, float], object],
) -> Cut | None:
    """Wait until the load is over; return why, if that is before its time.

    Raises:
        RuntimeFailure: the load ended before it began.

    """
    phases = scenario.phases
    faults = [
        (start_s, end_s, f"{scenario.faults[index].kind} {scenario.faults[index].on}")
        for index, start_s, end_s in live_parts.planned(scenario)
    ]
    answered, told_s = (0.0, 0), float("-inf")
    try:
        while load.exit_code is None:
            now_s = time.time() - zero_unix_s
            if server.exit_code is not None and now_s < phases.run:
                return Cut(f"the server was gone {_when(now_s)}: {server.last_words()}", now_s)
            if now_s > phases.run + phases.settle + LOAD_TIME_S:
                return Cut(f"the load had not ended {LOAD_TIME_S:g} s after the end of settle", now_s)
            if now_s - told_s >= TELL_EVERY_S:
                told_s = now_s
                rate, answered = _rate(server.state, answered)
                share = (now_s + phases.warm) / (phases.warm + phases.run + phases.settle)
                on_progress(_stage(now_s, phases, server.state, rate, faults), min(max(share, 0.0), 1.0))
            time.sleep(STEP_S)
    except KeyboardInterrupt:
        now_s = time.time() - zero_unix_s
        return Cut(f"it was interrupted {_when(now_s)}", now_s, interrupted=True)
    now_s = time.time() - zero_unix_s
    if not load.has_begun:
        raise RuntimeFailure(f"the load did not begin: {load.last_words()}")
    if load.exit_code or now_s < phases.run:
        return Cut(f"the load ended {_when(now_s)}: {load.last_words()}", now_s)
    return None


def _when(now_s: float) -> str:
    return f"{now_s:.1f} s into the run" if now_s >= 0.0 else f"{-now_s:.1f} s before the run began"


def _rate(state: dict[str, Any], before: tuple[float, int]) -> tuple[float, tuple[float, int]]:
    """How many requests a second were answered since the last time, and what to hand in the next time."""
    at_s, answered = state.get("at_s", 0.0), state.get("answered", 0)
    passed_s = at_s - before[0]
    return ((answered - before[1]) / passed_s if passed_s > 0.0 else 0.0), (at_s, answered)


def _stage(
    now_s: float,
    phases: Phases,
    state: dict[str, Any],
    rate: float,
    faults: list[tuple[float, float, str]],
) -> str:
    """One line: the phase, how much the server answers, how far the views are behind, what fails now."""
    if now_s < -phases.warm:
        return "starting the load"
    phase = "warm" if now_s < 0.0 else "run" if now_s < phases.run else "settle"
    words = [f"{phase} {abs(now_s):.0f} s", f"{rate:,.0f} requests/s"]
    behind = {name: s for name, s in state.get("behind_s", {}).items() if name != "orders" and s >= 0.1}
    words += [f"{name} {seconds:.1f} s behind" for name, seconds in behind.items()]
    words += [name for start_s, end_s, name in faults if start_s <= now_s < end_s]
    return ", ".join(words)


def _nothing(scenario: Scenario, folder: RunFolder, end_s: float) -> dict[str, Any]:
    """The account of a run until `end_s` whose server has left nothing: its tables are empty."""
    recorder = Recorder()
    recorder.write(folder.path / "tables")
    run_s = min(max(end_s, 0.0), scenario.phases.run)
    settle_s = min(max(end_s - run_s, 0.0), scenario.phases.settle)
    phases = replace(scenario.phases, run=run_s, settle=settle_s)
    return account("live", replace(scenario, phases=phases), recorder, ())


def _put_together(
    scenario: Scenario, folder: RunFolder, record: Path, info: dict[str, Any], processes: int
) -> dict[str, Any]:
    """Write the tables to which several processes have contributed; what run.json says of that."""
    tables = folder.path / "tables"
    requests = live_parts.merge(record, tables)["requests"]
    live_parts.add_load_faults(record, tables)
    phases = replace(scenario.phases, **info["phases"])
    return {
        "generator": live_parts.generator(record, requests, scenario, phases, processes),
        "faults": live_parts.punctuality(scenario, tables),
        "processes": processes,
    }
