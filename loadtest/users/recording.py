"""What a process of the load has measured, on its way to a folder: requests, probes, faults, and itself.

Rows are kept in typed columns, some tens of bytes each. `write` leaves files of the process's own, each whole
or not at all, and may be called again and again: the last files replace the ones before. Instants are in
seconds of the load's clock.
"""

from __future__ import annotations

import json
import math
import os
import time
from array import array
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from actors.trace import CLIENT_SCHEMA, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from loadtest.users.plan import Occurred

DROPPED: Final = -1
"""The status of a request that was never sent."""


class Recording:
    """The client's tables (`actors.trace.CLIENT_SCHEMA`) of this process, kept only if there is a `folder`.

    `late` is told by how much (s) a request of an open load was sent after its instant. `is_over` says that
    nothing is to come, so that files without it tell of a process that was killed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._recorder = Recorder(CLIENT_SCHEMA)
        self._request_row = self._recorder.row("requests")
        self._probe_row = self._recorder.row("probes")
        self._late_s = array("d")
        self._dropped = 0
        self._began_s, self._cpu_began_s = _spent_s()
        self._ended_s: tuple[float, float] | None = None
        self.is_over = False
        self.faults: Callable[[], Iterable[Occurred]] = tuple
        self.write()  # the first time takes long, and must not be in the middle of the load

    def request(
        self,
        kind: str,
        request: str,
        *,
        session: int,
        product_id: int,
        intended_s: float,
        started_s: float,
        ended_s: float,
        status: int,
        outcome: str,
        order_id: int = -1,
        position: int = -1,
    ) -> None:
        """Write down a request that has ended."""
        if self._folder is None:
            return
        intern = self._recorder.intern
        self._request_row(
            (
                intern(kind),
                intern(request),
                session,
                product_id,
                order_id,
                position,
                intended_s,
                started_s,
                ended_s,
                status,
                intern(outcome),
            )
        )

    def dropped(
        self, kind: str, request: str, *, session: int, product_id: int, intended_s: float, at_s: float
    ) -> None:
        """Write down a request for which there was no room at `at_s`."""
        self._dropped += 1
        self.request(
            kind,
            request,
            session=session,
            product_id=product_id,
            intended_s=intended_s,
            started_s=math.nan,
            ended_s=at_s,
            status=DROPPED,
            outcome="dropped",
        )

    def late(self, late_s: float) -> None:
        """Write down by how much a request was sent late."""
        if self._folder is not None:
            self._late_s.append(late_s)

    def probe(
        self,
        write: str,
        view: str,
        key: int,
        *,
        acknowledged_s: float,
        missed_s: float,
        seen_s: float,
        given_up_s: float,
        reads: int,
    ) -> None:
        """Write down how long it took to see a write."""
        if self._folder is None:
            return
        intern = self._recorder.intern
        row = (intern(write), intern(view), key, acknowledged_s, missed_s, seen_s, given_up_s, reads)
        self._probe_row(row)

    # -- the process itself ----------------------------------------------------------------------------

    def begin_account(self) -> None:
        """Count from now on what the process uses: what precedes is not the load that is measured."""
        self._began_s, self._cpu_began_s = _spent_s()

    def end_account(self) -> None:
        """Count no more of what the process uses; the first time counts."""
        self._ended_s = self._ended_s or _spent_s()

    # -- files -----------------------------------------------------------------------------------------

    def write(self, apply: Callable[[Callable[[], None]], object] = lambda write: write()) -> None:
        """Write the files, if there is a folder; `apply` may let another thread do it."""
        if self._folder is None:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder, pid = self._folder, os.getpid()
        tables = {
            name: pa.table(dict(self._recorder.frame_columns(name, copied=True))) for name in CLIENT_SCHEMA
        }
        texts = {
            "generator": json.dumps(self._generator(), indent=2),
            "faults": json.dumps([occurred._asdict() for occurred in self.faults()], indent=2),
        }

        def write() -> None:
            for name, table in tables.items():
                part = folder / f".{name}-{pid}.parquet.part"
                pq.write_table(table, part)
                part.replace(folder / f"{name}-{pid}.parquet")
            for name, text in texts.items():
                part = folder / f".{name}-{pid}.json.part"
                part.write_text(text + "\n", encoding="utf-8")
                part.replace(folder / f"{name}-{pid}.json")

        apply(write)

    def _generator(self) -> dict[str, Any]:
        """How well this process has kept up."""
        rows = self._recorder.count("requests")
        ended_s, cpu_ended_s = self._ended_s or _spent_s()
        return {
            "pid": os.getpid(),
            "wall_s": ended_s - self._began_s,
            "cpu_s": cpu_ended_s - self._cpu_began_s,
            "intended": rows,
            "sent": rows - self._dropped,
            "dropped": self._dropped,
            "late_s": _percentiles(np.array(self._late_s)),
            "is_over": self.is_over,
        }


def _spent_s() -> tuple[float, float]:
    """The present instant, and how much processor time this process has used until now."""
    return time.monotonic(), time.process_time()


def _percentiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """The nearest ranks and the largest; 0 where there are none.

    >>> _percentiles(np.array([3.0, 1.0, 2.0]))
    {'p50': 2.0, 'p99': 3.0, 'max': 3.0}
    """
    if not len(values):
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    ordered = np.sort(values)
    return {name: float(ordered[math.ceil(share * len(ordered)) - 1]) for name, share in ranks.items()}
