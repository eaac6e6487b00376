"""The account of a run: what run.json says of it that does not depend on where and when it was run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from actors.topology import consumers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.trace import Recorder
    from scenarios.scenario import Scenario


def account(
    engine: Literal["simulated", "live"],
    scenario: Scenario,
    recorder: Recorder,
    failures: Sequence[tuple[float, str, BaseException]],
) -> dict[str, Any]:
    """What is known of the run as plain data; `failures` are actors' failures as (s, name, error)."""
    phases = scenario.phases
    return {
        "engine": engine,
        "scenario": scenario.name,
        "seed": scenario.seed,
        "phases": {"warm": phases.warm, "run": phases.run, "settle": phases.settle},
        "consumers": {name: list(sources) for name, sources in consumers(scenario.policy).items()},
        "trace_sha256": recorder.sha256(),
        "trace_rows": recorder.rows,
        "actor_failures": [
            {"at_s": at_s, "actor": name, "error": f"{type(error).__name__}: {error}"}
            for at_s, name, error in failures
        ],
    }
