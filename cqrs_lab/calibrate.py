"""A scenario whose times are those of a run: what a live system took, so that its simulation can be held
against it.

Load, policies, faults and expectations stay what they were. `[time]` and `[link]` are as the run's trace has
them; store calls are in the time of the part that made them, so no store has a time of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from reports.comparing.calibrate import answering_s, durations_s
from reports.comparing.calibrate_fit import Fit, fitted
from reports.evidence.frames import RunError
from reports.measures.percentile import statistic
from reports.quantities import duration
from scenarios.arrivals import Nothing
from scenarios.distributions import Empirical
from scenarios.file import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from reports.evidence.frames import Run
    from scenarios.scenario import Scenario

LEAST = 30
"""From fewer durations nothing is fitted."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The scenario, the fit behind each of its times by key, and what is to be known of it."""

    scenario: Scenario
    fits: dict[str, Fit]
    remarks: tuple[str, ...]


def calibrate(run: Run, stem: str, *, measured: bool = False) -> Calibrated:
    """The run's scenario with times and links fitted to its trace.

    `stem` begins the names of data files; if `measured`, every distribution is the durations themselves.

    Raises:
        RunError: the run lacks a table that is needed, or has too few events to tell anything.

    """
    import numpy as np

    scenario = run.scenario()
    fits: dict[str, Fit] = {}
    remarks = []
    for key, found_s in durations_s(run, scenario).items():
        if len(found_s) >= LEAST:
            fits[key] = fitted(
                found_s, f"{stem}-{key.partition('.')[2].replace('->', '-')}.csv", measured=measured
            )
        elif len(found_s):
            remarks.append(f"{key} is left out, as the run has only {len(found_s)} undisturbed of {LEAST}")
    if not fits:
        raise RunError(
            f"no part has done {LEAST} things outside of faults, so no time can be told; "
            "take a longer run, or one with fewer faults"
        )
    if scenario.policy.poll:
        fits = {key: fit for key, fit in fits.items() if not key.startswith("link.")}
        remarks.append("links are left out: the way cannot be told from the wait until the relay polls")
    late_s = statistic(np.sort(answering_s(run)), "p50")
    if late_s:
        remarks.append(
            f"answers left {duration(late_s)} (p50) after their commit; a simulation has them at once"
        )
    if all(isinstance(getattr(scenario.load, name), Nothing) for name in scenario.load.__slots__):
        remarks.append("the scenario has no load of its own; write what came from outside into [load]")
    return Calibrated(
        replace(
            scenario,
            name=f"{scenario.name.removesuffix('-calibrated')}-calibrated",
            time={name: fit.distribution for name, fit in _of("time.", fits)},
            link={name: fit.distribution for name, fit in _of("link.", fits)},
        ),
        fits,
        tuple(remarks),
    )


def _of(prefix: str, fits: dict[str, Fit]) -> list[tuple[str, Fit]]:
    return [(key.removeprefix(prefix), fit) for key, fit in fits.items() if key.startswith(prefix)]


def write_calibrated(found: Calibrated, run: Run, path: Path) -> Scenario:
    """Write the scenario file, with where each time comes from as comments, and its data files beside it.

    The scenario returned is the one that was read back from the file.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
        ScenarioError: it is no valid scenario; nothing is left of the file.

    """
    if path.exists():
        raise FileExistsError(f"{path} is there already; remove it or name another file with -o")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, found.scenario)
    path.write_text(_comments(found, run) + path.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        return read(path)
    except BaseException:
        path.unlink()
        raise


def _comments(found: Calibrated, run: Run) -> str:
    where = run.folder.name if run.folder is not None else "a run"
    lines = [
        f"Calibrated from {where}, a {run.info.get('engine')} run of {run.info.get('scenario')}.",
        "",
        "Each time with the distance (Kolmogorov–Smirnov) of its distribution from what was measured:",
    ]
    lines += [f"  {key}: {said(fit)}" for key, fit in found.fits.items()]
    lines += ["", *(f"{remark[0].upper()}{remark[1:]}." for remark in found.remarks)] if found.remarks else []
    return "".join(f"# {line}".rstrip() + "\n" for line in lines) + "\n"


def said(fit: Fit) -> str:
    """A fit in one line."""
    p99 = f"p99 {duration(fit.sample_p99_s)}, fitted {duration(fit.fitted_p99_s)}"
    return f"{fit.distribution}, distance {fit.distance:.3f} from {fit.sample_size:,} durations, {p99}"


def as_data(found: Calibrated) -> dict[str, Any]:
    """The fits as plain data; durations in seconds."""
    return {
        "scenario": found.scenario.name,
        "fits": {
            key: asdict(fit) | {"distribution": str(fit.distribution), "mean_s": fit.distribution.mean}
            for key, fit in found.fits.items()
        },
        "data_files": [
            fit.distribution.file for fit in found.fits.values() if isinstance(fit.distribution, Empirical)
        ],
        "remarks": list(found.remarks),
    }
