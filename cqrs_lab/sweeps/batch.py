"""A batch: replications worked off by an executor, each answered once, whatever happens to the processes."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import TYPE_CHECKING

from cqrs_lab.sweeps.executors import cores, processes
from cqrs_lab.sweeps.replication import BROKEN, Replicated, replicate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from cqrs_lab.sweeps.replication import Replication


def work_off(
    replications: Iterable[Replication],
    on_result: Callable[[Replicated], object],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
) -> None:
    """Run each replication and hand what became of it to `on_result`, in the order in which they end.

    They run on the executor, which stays open, or else in `jobs` processes of this machine (None: one a
    core), none of which is left behind. If such a process dies, what was in hand is run again, one
    replication at a time; one that ends its process is answered with an error.
    """
    waiting = deque(replications)
    if executor is not None:
        for lost in _keep_busy(executor, waiting, len(waiting), on_result) + list(waiting):
            on_result(_died(lost, "the executor broke before it had run"))
        return
    jobs = jobs or cores()
    suspects: deque[Replication] = deque()
    while waiting:
        with processes(min(jobs, len(waiting))) as pool:
            suspects += _keep_busy(pool, waiting, 2 * jobs, on_result)
    while suspects:
        with processes(1) as alone:
            for guilty in _keep_busy(alone, suspects, 1, on_result):
                on_result(_died(guilty, "its process ended: killed, or out of memory"))


def _keep_busy(
    executor: Executor,
    waiting: deque[Replication],
    most: int,
    on_result: Callable[[Replicated], object],
) -> list[Replication]:
    """Work off `waiting`, at most so many in hand at a time, until the executor breaks.

    What was in hand then is returned, what was not begun is left in `waiting`.
    """
    futures: dict[Future[Replicated], Replication] = {}
    lost: list[Replication] = []
    broken = False
    try:
        while futures or (waiting and not broken):
            while waiting and not broken and len(futures) < most:
                try:
                    future = executor.submit(replicate, waiting[0])
                except BrokenExecutor:
                    broken = True
                else:
                    futures[future] = waiting.popleft()
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                replication = futures.pop(future)
                answer = _answer(future, replication)
                if answer is None:
                    lost.append(replication)
                    broken = True
                else:
                    on_result(answer)
    finally:
        for future in futures:
            future.cancel()
    return lost


def _answer(future: Future[Replicated], replication: Replication) -> Replicated | None:
    """What the future holds; None if it was lost together with its executor."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError):
        return None
    except Exception as error:  # noqa: BLE001  # such as that of Dask for what killed several workers
        return _died(replication, f"{type(error).__name__}: {error}")


def _died(replication: Replication, why: str) -> Replicated:
    return Replicated(
        replication.key, replication.seed, BROKEN, error=f"{why}; try it alone: {_command(replication)}"
    )


def _command(replication: Replication) -> str:
    seed = replication.seed
    return replication.source.command(replication.source.read().seed if seed is None else seed)
