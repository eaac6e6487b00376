"""Puts faults on a runtime's clock: begins and ends each occurrence, records what it touched."""

from collections.abc import Callable, Sequence

from actors.runtime.port import Runtime
from scenarios.faults import BEGIN, BEGIN_ON_LOAD, PREPARE
from scenarios.loads import Loads
from scenarios.randomness import Streams
from scenarios.scenario import Fault


def inject(
    runtime: Runtime,
    faults: Sequence[Fault],
    streams: Streams,
    run_end_s: float,
    loads: Loads | None = None,
) -> Callable[[], None]:
    """Schedule every occurrence of every fault; all of them end by `run_end_s`, the end of the run phase.

    `loads` are what faults on loads act on; without any they touch nothing. What is returned ends at once
    what is under way then, for a run that does not last as long as it was to.
    """
    under_way: list[Callable[[], None]] = []
    for index, fault in enumerate(faults):
        if fault.kind in PREPARE:
            for target in fault.targets:
                PREPARE[fault.kind](fault, target, runtime)
        when = streams.stream(f"fault/{index}/occurrences")
        for occurrence in fault.occurrences(when, run_end_s):
            _schedule(runtime, index, fault, occurrence, streams, loads, under_way)

    def end_all() -> None:
        while under_way:
            under_way[0]()

    return end_all


def _schedule(
    runtime: Runtime,
    index: int,
    fault: Fault,
    occurrence: tuple[float, float],
    streams: Streams,
    loads: Loads | None,
    under_way: list[Callable[[], None]],
) -> None:
    start_s, end_s = occurrence
    intern = runtime.recorder.intern
    row = runtime.recorder.row("faults")
    now = runtime.now()

    def begin_on(target: str) -> Callable[[], int]:
        stream = streams.stream(f"fault/{index}/{target}")
        if fault.kind not in BEGIN_ON_LOAD:
            return BEGIN[fault.kind](fault, target, runtime, stream)
        if loads is None:
            return lambda: 0
        return BEGIN_ON_LOAD[fault.kind](fault, target.removeprefix("load:"), loads, stream)

    def begin() -> None:
        begun_s = runtime.now()
        ends = [begin_on(target) for target in fault.targets]

        def end() -> None:
            if end not in under_way:
                return
            under_way.remove(end)
            hits = sum(end_one() for end_one in ends)
            row((index, intern(fault.kind), intern(fault.on), begun_s, runtime.now(), hits))

        under_way.append(end)
        runtime.after(end_s - runtime.now(), end)

    runtime.after(start_s - now, begin)
