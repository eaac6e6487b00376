"""What the page tells of: a run, what was measured and judged, and its figures, drawn already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.evidence.frames import Run
    from scenarios.scenario import Scenario


class Change(NamedTuple):
    """A key of a scenario with its value here, and the value it is compared with; None: there is none."""

    key: str
    here: Any
    there: Any


class Drawn(NamedTuple):
    """A figure as SVG, and what it shows in words."""

    svg: str
    words: str


@dataclass(frozen=True, eq=False)
class Told:
    """One run and all that is known of it.

    `summary` and `verdict` are the contents of summary.json and verdict.json, empty if they are not known, as
    is the `scenario` of a run that has none. `missing` says in words what cannot be shown. `varied` is what
    differs from the scenario of the library with the same name, None if there is none; `decisions` are the
    design decisions, each beside its default; `faults` are the faults by their numbers, as the scenario's
    file says them; `question` is what the run was to answer, empty if that is not known.
    """

    run: Run
    summary: Mapping[str, Any]
    verdict: Mapping[str, Any]
    scenario: Scenario | None
    missing: tuple[str, ...]
    drawn: Mapping[str, Drawn]
    varied: tuple[Change, ...] | None = None
    decisions: tuple[Change, ...] = ()
    question: str = ""
    faults: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the run is called."""
        return str(self.run.info.get("scenario", "run"))

    @property
    def is_probe(self) -> bool:
        """Whether the system was only seen from outside."""
        return self.run.info.get("engine") == "probe"
