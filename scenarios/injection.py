"""Puts faults on a runtime's clock: begins and ends each occurrence, records what it touched."""

from collections.abc import Sequence

from actors.runtime import Runtime
from scenarios.faults import BEGIN
from scenarios.randomness import Streams
from scenarios.scenario import Fault


def inject(runtime: Runtime, faults: Sequence[Fault], streams: Streams, run_end_s: float) -> None:
    """Schedule every occurrence of every fault; all of them end by `run_end_s`, the end of the run phase."""
    for index, fault in enumerate(faults):
        when = streams.stream(f"fault/{index}/occurrences")
        for occurrence in fault.occurrences(when, run_end_s):
            _schedule(runtime, index, fault, occurrence, streams)


def _schedule(
    runtime: Runtime, index: int, fault: Fault, occurrence: tuple[float, float], streams: Streams
) -> None:
    start_s, end_s = occurrence
    intern = runtime.recorder.intern
    row = runtime.recorder.row("faults")
    now = runtime.now()

    def begin() -> None:
        begun_s = runtime.now()
        ends = [
            BEGIN[fault.kind](fault, target, runtime, streams.stream(f"fault/{index}/{target}"))
            for target in fault.targets
        ]

        def end() -> None:
            hits = sum(end_one() for end_one in ends)
            row(index, intern(fault.kind), intern(fault.on), begun_s, runtime.now(), hits)

        runtime.after(end_s - runtime.now(), end)

    runtime.after(start_s - now, begin)
