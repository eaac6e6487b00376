"""Threads for calls that may never return."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import uvloop

from loadtest.system.bridge import NoAnswer, ServingRuntime
from loadtest.system.daemons import DaemonThreads

HANGS = """
import asyncio, time
from loadtest.system.bridge import NoAnswer, ServingRuntime
from loadtest.system.daemons import DaemonThreads

async def main():
    try:
        await ServingRuntime(unix_s=0.0).call(threads, lambda: time.sleep(600), 0.01)
    except NoAnswer:
        threads.shutdown()

threads = DaemonThreads(1, "hanging")
asyncio.run(main())
"""


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    some = DaemonThreads(1, "test")
    yield some
    some.shutdown()


@pytest.fixture
def runtime() -> Iterator[ServingRuntime]:
    with ServingRuntime(unix_s=time.time()) as one:
        yield one


def test_the_end_of_a_process_waits_for_no_call() -> None:
    subprocess.run([sys.executable, "-c", HANGS], check=True, timeout=60)


def test_a_call_is_answered_or_fails_as_it_would_anywhere(threads, runtime) -> None:
    async def both() -> None:
        assert await runtime.call(threads, lambda: divmod(7, 2), 8.0) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await runtime.call(threads, lambda: divmod(7, 0), 8.0)

    asyncio.run(both())


def test_what_nobody_waits_for_any_more_is_not_called(threads, runtime) -> None:
    go_on, called = threading.Event(), []

    async def three() -> None:
        first = asyncio.create_task(runtime.call(threads, lambda: go_on.wait(8.0), 8.0))
        await asyncio.sleep(0)  # it is the first to be called
        with pytest.raises(NoAnswer):
            await runtime.call(threads, lambda: called.append("late"), 0.01)
        go_on.set()
        assert await first
        await runtime.call(threads, lambda: called.append("in time"), 8.0)

    asyncio.run(three())
    assert called == ["in time"]


def test_who_waits_hardly_at_all_does_so_on_the_loop_of_a_server_too(threads, runtime) -> None:
    async def three() -> list[object]:
        calls = [runtime.call(threads, lambda: time.sleep(0.02), 1e-5) for _ in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [type(one) for one in runner.run(three())] == [NoAnswer] * 3


def test_threads_that_do_nothing_have_ended_once_they_are_shut_down() -> None:
    DaemonThreads(8, "idle").shutdown()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("idle")]
