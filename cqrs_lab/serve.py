"""One server from its start to its stop, and the run folder that it leaves if it records."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from cqrs_lab.experiment import conclude, keep, surroundings
from cqrs_lab.folder import run_folder
from cqrs_lab.source import Source
from loadtest.hosts import is_loopback
from loadtest.server.serving import serve
from scenarios.account import account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cqrs_lab.experiment import Outcome
    from cqrs_lab.folder import RunFolder
    from loadtest.server.serving import Served


def source_of(name_or_file: str | None, settings: Sequence[str]) -> Source:
    """The source of the scenario to serve; without a name, of the default one with these settings.

    Raises:
        ScenarioError: there is none, or it is not valid with these settings.

    """
    if name_or_file is None:
        return Source(name="serve", text='name = "serve"', settings=tuple(settings))
    return Source.find(name_or_file, settings)


def serve_until_stopped(
    source: Source,
    *,
    store: str | None,
    host: str,
    port: int,
    ready_lag_s: float,
    log_level: str,
    admin: bool,
    record: Path | None,
) -> Outcome | None:
    """Serve until SIGINT or SIGTERM; say on standard error where, and in the end what is left.

    With `record` the outcome is that of the run folder; it is there whole, or not at all.

    Raises:
        CannotListen, ScenarioError, StoreError: it cannot begin as it was asked to.
        FolderError: the run folder cannot be written.
        RuntimeFailure: it cannot be recorded.

    """
    scenario = source.read()

    def announce(url: str, where: str) -> None:
        _say(f"serving {scenario.name} at {url} (for people: {url}/docs)")
        _say(f"stores: {where}")
        if not is_loopback(host):
            _say(f"{host} can be reached by other machines, and nobody is asked who they are")
        _say("Ctrl-C stops it")

    recording = (
        run_folder(scenario.name, scenario.seed, record, option="--record") if record else nullcontext()
    )
    with recording as folder:
        begun_s = time.perf_counter()
        served = serve(
            store,
            scenario,
            host=host,
            port=port,
            record=record is not None,
            admin=admin,
            ready_lag_s=ready_lag_s,
            log_level=log_level,
            announce=announce,
        )
        outcome = None
        if folder is not None:
            _say("stopped; measuring what was recorded")
            outcome = _kept(folder, served, time.perf_counter() - begun_s)
    if folder is None or outcome is None:
        _say("stopped" if store == "memory://" else f"stopped; everything is in {served.where}")
        return None
    _say(outcome.sentence)
    _say(f"run folder: {folder.final}")
    return replace(outcome, folder=folder.final)


def _kept(folder: RunFolder, served: Served, wall_s: float) -> Outcome:
    again = shlex.join(["cqrs-lab", *sys.argv[1:]])
    info = account("live", served.scenario, served.recorder, served.failures)
    info |= {"store": served.where} | surroundings(served.started, wall_s, again)
    keep(folder, served.scenario, served.recorder, info)
    return conclude(folder, served.scenario, again)


def _say(text: str) -> None:
    print(f"cqrs-lab: {text}", file=sys.stderr, flush=True)
