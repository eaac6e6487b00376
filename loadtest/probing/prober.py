"""Probing a system over HTTP: writes at their instants, and for each a search for it in every view.

Writes are sent when they are due, whatever became of the ones before; one for which there is no room, or
which is long overdue, is dropped and counted. A write that was acknowledged is looked for in each view by a
task of its own, from the acknowledgement on, until an answer shows it or its deadline passes: then it is
censored, never dropped. So an outage is sampled as often as good times.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
import uuid
from array import array
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from actors.trace import CLIENT_SCHEMA, Recorder
from loadtest.keeping_up import percentiles, shortfall
from loadtest.probing.http import Elsewhere, Unreachable, Way
from scenarios.arrivals import Closed, Open
from scenarios.probefile import WRITE
from scenarios.randomness import Streams
from scenarios.template import fill_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.answer import Answer
    from scenarios.probe import Probe, View

OVERDUE_S: Final = 1.0
"""A write that is later than this is not sent any more."""

TICK_S: Final = 0.25
"""How often the progress is told."""

DROPPED: Final = -1
"""The status of a request that was never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a probe has found.

    `zero_unix_s` is the instant 0 in Unix time, `generator` the prober's account of itself, `answers` how
    often each status came from the write and from each view (`none`: no answer), `unwatchable` why
    acknowledged writes could not be looked for, and how many, `unread` the views of which no answer was such
    that a write could be told from it. `gone_since_s` is the instant of the last
    answer of a target that was not there at the end any more, `interrupted_s` that of an interrupt,
    `bounded_s` that from which on no write was made for there had been enough.
    """

    recorder: Recorder
    started: datetime
    zero_unix_s: float
    generator: dict[str, Any]
    answers: dict[str, dict[str, int]]
    unwatchable: dict[str, int]
    unread: list[str]
    gone_since_s: float | None
    interrupted_s: float | None
    bounded_s: float | None


class Prober:
    """Probes a target once. Instants are seconds from the start of the `run` phase."""

    def __init__(
        self,
        probe: Probe,
        secrets: Mapping[str, str],
        on_progress: Callable[[str, float], object] = lambda _stage, _share: None,
    ) -> None:
        self._probe = probe
        self._way = Way(probe.target, secrets)
        self._on_progress = on_progress
        self._streams = Streams(probe.seed)
        self._recorder = Recorder(CLIENT_SCHEMA)
        self._request_row, self._probe_row = self._recorder.row("requests"), self._recorder.row("probes")
        for name in (WRITE, *(view.name for view in probe.views)):
            self._recorder.intern(name)  # results have the names in this order
        self._zero_s = 0.0
        self._numbers = self._in_flight = self._sent = self._watching = self._watched = self._unwatched = 0
        self._unwatchable: Counter[str] = Counter()
        # By status alone an answer always tells; of others it is not known before one was read.
        self._unread = {view.name for view in probe.views if view.visible.spot is not None}
        self._late_s, self._looks_late_s = array("d"), array("d")
        self._answered_s = -probe.phases.warm
        self._unanswered = 0
        self._bounded_s: float | None = None
        self._cpu_s = self._wall_s = 0.0
        self._reaching: asyncio.Task[Any] | None = None
        self._work: asyncio.Task[None] | None = None

    async def run(self) -> Probed:
        """Probe until every write is seen or given up, or until `stop`.

        Raises:
            Unreachable: the target is not there at the beginning; nothing was written to it.
            CancelledError: it was stopped before it began.

        """
        try:
            self._reaching = asyncio.create_task(self._way.reach())
            await self._reaching
            started, began_s, cpu_began_s = datetime.now(UTC), self._clock_s(), time.process_time()
            self._zero_s = began_s + self._probe.phases.warm
            zero_unix_s = time.time() - self._now_s()
            self._work = asyncio.create_task(self._probe_all(began_s, cpu_began_s))
            telling = asyncio.create_task(self._tell())
            await asyncio.wait([self._work])
            telling.cancel()
            interrupted_s = None
            if self._work.cancelled():
                interrupted_s = self._now_s()
                self._account(began_s, cpu_began_s)
            else:
                self._work.result()
            return Probed(
                recorder=self._recorder,
                started=started,
                zero_unix_s=zero_unix_s,
                generator=self._generator(),
                answers={
                    who: {str(status) if status else "none": n for status, n in sorted(counts.items())}
                    for who, counts in self._way.statuses.items()
                },
                unwatchable=dict(self._unwatchable),
                unread=[name for name in self._way.statuses if name in self._unread],
                gone_since_s=await self._gone_since_s(),
                interrupted_s=interrupted_s,
                bounded_s=self._bounded_s,
            )
        finally:
            await self._way.close()

    def stop(self) -> None:
        """End it now; what has been measured is kept."""
        for task in (self._reaching, self._work):
            if task is not None:
                task.cancel()

    async def _probe_all(self, began_s: float, cpu_began_s: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            if isinstance(self._probe.write.rate, Closed):
                await self._live(tasks, self._probe.write.rate)
            else:
                assert isinstance(self._probe.write.rate, Open), "a probe writes something"
                await self._pace(tasks, self._probe.write.rate)
            self._account(began_s, cpu_began_s)

    def _clock_s(self) -> float:
        return time.perf_counter()

    def _now_s(self) -> float:
        return self._clock_s() - self._zero_s

    # -- when to write ---------------------------------------------------------------------------------

    async def _pace(self, tasks: asyncio.TaskGroup, rate: Open) -> None:
        """Begin each write at its instant."""
        phases, bounds = self._probe.phases, self._probe.bounds
        stream = self._streams.stream("load/write")
        for due_s in rate.instants(stream, -phases.warm, phases.run, (0.0, phases.run)):
            await asyncio.sleep(max(due_s - self._now_s(), 0.0))
            values = self._next_values()
            if values is None:
                self._bounded_s = due_s
                return
            if self._in_flight >= bounds.in_flight or self._now_s() > due_s + OVERDUE_S:
                self._note(values, due_s, math.nan, DROPPED, "dropped")
            else:
                self._in_flight += 1
                tasks.create_task(self._write(tasks, values, due_s))

    async def _live(self, tasks: asyncio.TaskGroup, closed: Closed) -> None:
        """Let so many users think and write in turn until the end of the run phase."""
        async with asyncio.TaskGroup() as users:
            for number in range(closed.users):
                think = closed.think.sampler(self._streams.stream(f"load/write/think/{number}"))
                users.create_task(self._live_one(tasks, think))

    async def _live_one(self, tasks: asyncio.TaskGroup, think: Callable[[], float]) -> None:
        while (due_s := self._now_s() + think()) < self._probe.phases.run:
            await asyncio.sleep(due_s - self._now_s())
            values = self._next_values()
            if values is None:
                self._bounded_s = due_s if self._bounded_s is None else min(self._bounded_s, due_s)
                return
            self._in_flight += 1
            await self._write(tasks, values, due_s)

    def _next_values(self) -> dict[str, Any] | None:
        """What the next write is filled in with; None if there were enough."""
        if self._numbers == self._probe.bounds.writes:
            return None
        self._numbers += 1
        key = 1 + self._streams.stream("load/write/key").below(self._probe.write.keys)
        # Not from the seed: a target that knows an id from an earlier run would take the write for a repeat.
        return {"n": self._numbers, "key": key, "uuid": str(uuid.uuid4())}

    # -- writes ----------------------------------------------------------------------------------------

    async def _write(self, tasks: asyncio.TaskGroup, values: dict[str, Any], due_s: float) -> None:
        write = self._probe.write
        url = self._way.url(write.path, values)
        request = self._way.request(write.method, url, write.headers, values, write.body)
        started_s, answer = self._now_s(), None
        self._late_s.append(started_s - due_s)
        self._sent += 1
        try:
            answer = await self._ask(WRITE, request)
        finally:
            acknowledged_s = self._now_s()
            self._in_flight -= 1
            status = answer.status if answer else 0
            outcome = "rejected" if 400 <= status < 500 else "failed"
            is_acknowledged = status in write.success
            self._note(values, due_s, started_s, status, "ok" if is_acknowledged else outcome)
        if answer is not None and is_acknowledged and self._capture(answer, values):
            for view in self._probe.views:
                self._look_for(tasks, view, values, url, acknowledged_s)

    def _capture(self, answer: Answer, values: dict[str, Any]) -> bool:
        """Add to the values what the answer holds of them; whether all of it was there."""
        for name, spot in self._probe.write.capture.items():
            found = spot.values(answer)
            if not found:
                self._unwatchable[
                    f"answers to the write had nothing at {spot.text} (write.capture.{name})"
                ] += 1
                return False
            values[name] = found[0]
        return True

    def _note(
        self, values: Mapping[str, Any], due_s: float, started_s: float, status: int, outcome: str
    ) -> None:
        intern, now_s = self._recorder.intern, self._now_s()
        kind, request = intern(WRITE), intern(self._probe.write.request)
        self._request_row(
            (
                *(kind, request, values["key"], -1, values["n"], -1),
                *(due_s, started_s, now_s, status, intern(outcome)),
            )
        )

    async def _ask(self, who: str, request: httpx.Request) -> Answer | None:
        answer = await self._way.send(who, request)
        if answer is None:
            self._unanswered += 1
        else:
            self._answered_s, self._unanswered = self._now_s(), 0
        return answer

    # -- views -----------------------------------------------------------------------------------------

    def _look_for(
        self,
        tasks: asyncio.TaskGroup,
        view: View,
        values: Mapping[str, Any],
        written_at: str,
        acknowledged_s: float,
    ) -> None:
        """Begin to look for a write in a view, if that is possible and there is room."""
        if self._watching >= self._probe.bounds.watched:
            self._unwatched += 1
            return
        try:
            url = self._way.url(view.path, values, after=written_at)
            request = self._way.request(view.method, url, view.headers, values)
        except (Elsewhere, httpx.InvalidURL):
            self._unwatchable[f"what was captured for the path of {view.name} leads to another server"] += 1
            return
        self._watched += 1
        self._watching += 1
        tasks.create_task(self._watch(view, values, request, acknowledged_s))

    async def _watch(
        self, view: View, values: Mapping[str, Any], request: httpx.Request, acknowledged_s: float
    ) -> None:
        """Look for the write again and again; the last time at the deadline."""
        visible = replace(view.visible, value=fill_json(view.visible.value, values))
        jitter = self._streams.stream(f"view/{view.name}/jitter")
        phases = self._probe.phases
        deadline_s = max(acknowledged_s, min(acknowledged_s + view.deadline, phases.run + phases.settle))
        missed_s = seen_s = math.nan
        reads = 0
        try:
            while True:
                sent_s = self._now_s()
                reads += 1
                answer = await self._ask(view.name, request)
                if answer is not None and view.name in self._unread and visible.can_read(answer):
                    self._unread.discard(view.name)
                if answer is not None and visible.shown_by(answer):
                    seen_s = self._now_s()
                    return
                missed_s = sent_s
                if missed_s >= deadline_s:
                    return
                now_s = self._now_s()
                pause_s = max(view.poll, view.resolution * (now_s - acknowledged_s))
                due_s = min(now_s + pause_s + view.jitter * jitter.uniform(), max(deadline_s, now_s))
                await asyncio.sleep(due_s - now_s)
                self._looks_late_s.append(self._now_s() - due_s)
        finally:
            self._watching -= 1
            given_up_s = math.nan
            if math.isnan(seen_s):
                given_up_s = acknowledged_s if math.isnan(missed_s) else missed_s
            intern = self._recorder.intern
            self._probe_row(
                (
                    *(intern(WRITE), intern(view.name), values["n"]),
                    *(acknowledged_s, missed_s, seen_s, given_up_s, reads),
                )
            )

    # -- the prober itself -----------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Tell how far it is, again and again."""
        phases = self._probe.phases
        while True:
            now_s = self._now_s()
            if now_s < phases.run or self._in_flight:
                share = (now_s + phases.warm) / (phases.warm + phases.run)
                stage = f"{self._sent:,} written"
            else:
                share = (now_s - phases.run) / phases.settle
                stage = "waiting"
            self._on_progress(f"{stage}, {self._watching:,} not yet seen", min(share, 1.0))
            await asyncio.sleep(TICK_S)

    def _account(self, began_s: float, cpu_began_s: float) -> None:
        """Note what the prober has used, unless that is known: of the time in which it wrote."""
        if not self._wall_s:
            self._wall_s = self._clock_s() - began_s
            self._cpu_s = time.process_time() - cpu_began_s

    def _generator(self) -> dict[str, Any]:
        intended = self._recorder.count("requests")
        account = {
            "pid": os.getpid(),
            "wall_s": round(self._wall_s, 3),
            "cpu_s": round(self._cpu_s, 3),
            "intended": intended,
            "sent": self._sent,
            "dropped": intended - self._sent,
            "watched": self._watched,
            "unwatched": self._unwatched,
            "late_s": percentiles(self._late_s),
            "looks_late_s": percentiles(self._looks_late_s),
        }
        reason = shortfall(account)
        return account | {"kept_up": not reason, "reason": reason}

    async def _gone_since_s(self) -> float | None:
        """The instant of the last answer, if nothing was answered since and the target is not there now."""
        if not self._unanswered:
            return None
        try:
            await self._way.reach()
        except Unreachable:
            return self._answered_s
        return None
