"""Faults as marks on a chart: what they are on, and when they begin and end on the load's clock.

Those on the load itself are known from the scenario. Others come from the file that CQRS_LAB_FAULTS names, a
JSON list of {"kind", "on", "start_s", "end_s"} with instants in seconds of the load's clock and null for an
end that is yet to come; and from the server's /admin/faults, if that is on.
"""

import os
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from scenarios.faults import BEGIN_ON_LOAD
from scenarios.randomness import Streams
from scenarios.scenario import Scenario

FILE_VARIABLE: Final = "CQRS_LAB_FAULTS"

PATIENCE_S: Final = 0.5
"""For so long the server is waited for."""


class Mark(msgspec.Struct, frozen=True):
    """An occurrence of a fault; without an end it lasts."""

    kind: str
    on: str
    start_s: float
    end_s: float | None


class _Injected(msgspec.Struct, rename="camel"):
    """As much of a fault as the server says that a mark needs."""

    kind: str
    on: str
    began_at: datetime
    ended_at: datetime | None = None


def on_load(scenario: Scenario) -> list[Mark]:
    """The occurrences of the scenario's faults on its load."""
    streams = Streams(scenario.seed)
    return [
        Mark(fault.kind, fault.on, start_s, end_s)
        for index, fault in enumerate(scenario.faults)
        if fault.kind in BEGIN_ON_LOAD
        for start_s, end_s in fault.occurrences(
            streams.stream(f"fault/{index}/occurrences"), scenario.phases.run
        )
    ]


def in_file() -> list[Mark]:
    """Those in the file; none if there is no file, or it cannot be read yet."""
    name = os.environ.get(FILE_VARIABLE)
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=list[Mark]) if name else []
    except (OSError, msgspec.DecodeError):
        return []


def on_server(host: str, zero_unix_s: float) -> list[Mark]:
    """Those that the server has been told to begin; none if it does not say."""
    try:
        with urllib.request.urlopen(f"{host}/admin/faults", timeout=PATIENCE_S) as answer:  # noqa: S310
            injected = msgspec.json.decode(answer.read(), type=list[_Injected])
    except (OSError, ValueError, msgspec.DecodeError):
        return []

    def at_s(instant: datetime) -> float:
        return instant.timestamp() - zero_unix_s

    return [
        Mark(one.kind, one.on, at_s(one.began_at), None if one.ended_at is None else at_s(one.ended_at))
        for one in injected
    ]


def begun(marks: list[Mark], now_s: float) -> list[Mark]:
    """Those that have begun; an end that is planned and yet to come is none.

    >>> begun([Mark("cut", "a->b", 1.0, 9.0), Mark("cut", "a->b", 10.0, 12.0)], 5.0)
    [Mark(kind='cut', on='a->b', start_s=1.0, end_s=None)]
    """
    return [
        Mark(mark.kind, mark.on, mark.start_s, mark.end_s if mark.end_s and mark.end_s <= now_s else None)
        for mark in marks
        if mark.start_s <= now_s
    ]
