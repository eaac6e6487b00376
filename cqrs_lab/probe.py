"""One probe from its file to the verdict: ask a system over HTTP, measure, judge, and keep it in a folder."""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
import signal
import sys
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from cqrs_lab.experiment import Outcome, surroundings, write_json
from cqrs_lab.folder import run_folder
from loadtest.hosts import is_loopback
from loadtest.probing.http import Unreachable
from loadtest.probing.prober import Prober
from scenarios.errors import ScenarioError, quoted
from scenarios.probefile import read, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cqrs_lab.folder import RunFolder
    from loadtest.probing.prober import Probed
    from scenarios.probe import Probe

OTHER_FILES: Final = 64
"""So many files and connections may be open beside those to the target."""


def read_probe(path: Path, settings: Sequence[str], seed: int | None, allowed_hosts: Sequence[str]) -> Probe:
    """The probe in the file, whose target may be asked: on this machine, or named by the user.

    Raises:
        ScenarioError: it is not valid, or its target is another machine that was not named.

    """
    probe = read(path, settings, seed)
    host = probe.target.host
    if not is_loopback(host) and host not in [name.lower() for name in allowed_hosts]:
        raise ScenarioError(
            f"{path}: target.base_url = {quoted(probe.target.base_url)}: is another machine, and a probe "
            f"writes to it; if that is meant, and you may, say so with --allow-host {host}."
        )
    return probe


def secrets_of(probe: Probe, path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the probe's secrets; they go into headers and nowhere else.

    Raises:
        ScenarioError: one is not set, or cannot stand in a header; the message does not show it.

    """
    found = {}
    for name, header in probe.secrets.items():
        value = environment.get(name, "")
        if not value:
            raise ScenarioError(
                f"{path}: {header}: the environment has no {name}; set it before, such as with "
                f"`read -rs {name} && export {name}`."
            )
        if not value.isascii() or not value.isprintable():
            raise ScenarioError(
                f"{path}: {header}: what {name} holds in the environment cannot stand in a header; "
                "set it to plain letters without a line break."
            )
        found[name] = value
    return found


def run_probe(
    probe: Probe,
    path: Path,
    *,
    out: Path | None = None,
    on_progress: Callable[[str, float], object] = lambda _stage, _share: None,
) -> Outcome:
    """Run the probe, read from this file, and keep it; `on_progress(stage, share)` hears how far it is.

    Raises:
        ScenarioError: a secret is not set, or the target cannot be reached.
        FolderError: the run folder cannot be written; the target was not asked.
        KeyboardInterrupt: it was interrupted; the message names the folder of what was measured.

    """
    secrets = secrets_of(probe, path, os.environ)
    _allow_files(probe, path)
    again = shlex.join(["cqrs-lab", *sys.argv[1:]])
    with run_folder(probe.name, probe.seed, out) as folder:
        begun_s = time.perf_counter()
        try:
            probed = asyncio.run(_probe(Prober(probe, secrets, on_progress)))
        except Unreachable as error:
            raise ScenarioError(
                f"{path}: target.base_url = {quoted(probe.target.base_url)}: {error}."
            ) from None
        except asyncio.CancelledError:
            raise KeyboardInterrupt(
                "interrupted; nothing was asked of the target, and no run folder was written"
            ) from None
        on_progress("measuring", 1.0)
        info = _account(probe, probed) | surroundings(probed.started, time.perf_counter() - begun_s, again)
        outcome = _kept(folder, probe, probed, info)
    outcome = replace(outcome, folder=folder.final)
    if probed.interrupted_s is not None:
        raise KeyboardInterrupt(f"interrupted; what was measured is in {outcome.folder}")
    return outcome


async def _probe(prober: Prober) -> Probed:
    """What the prober finds until its end, or until a signal stops it."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, prober.stop)
    try:
        return await prober.run()
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _allow_files(probe: Probe, path: Path) -> None:
    """Let this process have as many connections as the probe may need."""
    needed = probe.bounds.in_flight + probe.bounds.watched + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ScenarioError(
            f"{path}: bounds: may need {needed} connections, and a process may have {hard} here; lower "
            "in_flight or watched, or raise `ulimit -n`."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _account(probe: Probe, probed: Probed) -> dict[str, Any]:
    """What run.json says of the probe, apart from where and when it was run."""
    phases = probe.phases
    return {
        "engine": "probe",
        "scenario": probe.name,
        "seed": probe.seed,
        "phases": {"warm": phases.warm, "run": phases.run, "settle": phases.settle},
        "consumers": {},
        "target": probe.target.base_url,
        "zero_unix_s": probed.zero_unix_s,
        "trace_rows": probed.recorder.rows,
        "generator": probed.generator,
        "answers": probed.answers,
        "unwatchable": probed.unwatchable,
        "unread": probed.unread,
        "gone_since_s": probed.gone_since_s,
        "interrupted_s": probed.interrupted_s,
        "bounded_s": probed.bounded_s,
    }


def _kept(folder: RunFolder, probe: Probe, probed: Probed, info: dict[str, Any]) -> Outcome:
    """Write, measure, judge and draw what was probed."""
    from cqrs_lab.report import write_report_of
    from reports.evidence.frames import load_run
    from reports.probed import judge_probe, probe_sentence, summarise_probe

    probed.recorder.write(folder.path / "tables")
    write(folder.path / "probe.toml", probe)
    write_json(folder.path / "run.json", info)
    run = load_run(folder.path)
    judged = judge_probe(run, probe)
    summary = summarise_probe(run)
    summary["verdict"] = judged.verdict
    said = probe_sentence(summary, judged)
    verdict = asdict(judged) | {"sentence": said, "reproduce": info["reproduce"]}
    write_json(folder.path / "summary.json", summary)
    write_json(folder.path / "verdict.json", verdict)
    write_report_of(run, summary, verdict, missing=run.missing)
    return Outcome(folder.final, summary, verdict, said)
