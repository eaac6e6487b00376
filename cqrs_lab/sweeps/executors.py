"""Where replications run: in processes of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

from cqrs_lab.sweeps.replication import prepare_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

CONNECT_TIMEOUT_S = 10.0


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what to do."""


def cores() -> int:
    """How many processors this process may use."""
    import loky

    count: int = loky.cpu_count()
    return count


@contextlib.contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """So many processes of this machine; none of them is left, however this ends."""
    import loky

    executor = loky.ProcessPoolExecutor(
        max_workers=jobs, initializer=prepare_process, initargs=(os.getpid(),)
    )
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


@contextlib.contextmanager
def cluster(address: str, timeout_s: float = CONNECT_TIMEOUT_S) -> Iterator[Executor]:
    """The workers of the Dask cluster whose scheduler is at the address, such as `tcp://HOST:8786`.

    A worker that dies is no loss: its work goes to another. What is not finished on leaving is cancelled.

    Raises:
        ClusterError: `distributed` is not installed, nobody answers there, there are no workers, or one of
            them has another version of cqrs-lab, or none.

    """
    try:
        import distributed
    except ImportError:
        raise ClusterError(
            "--cluster needs the extra cqrs-lab[cluster]; install it with: pip install 'cqrs-lab[cluster]'"
        ) from None
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=timeout_s, set_as_default=False
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, "
            "or write the address that it prints, such as tcp://HOST:8786"
        ) from None
    with client:
        _check_workers(client, address)
        executor: Executor = client.get_executor(pure=False)
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False)
            raise
        executor.shutdown(wait=True)


def _check_workers(client: Any, address: str) -> None:
    ours = metadata.version("cqrs-lab")
    try:
        theirs = client.run(_version)
    except Exception as error:  # noqa: BLE001  # whatever a worker raises when it cannot import us
        raise ClusterError(
            f"the workers of {address} cannot run cqrs-lab ({type(error).__name__}: {error}); "
            f"install cqrs-lab {ours} on them"
        ) from None
    if not theirs:
        raise ClusterError(
            f"the cluster at {address} has no workers; start some with `dask worker {address}`"
        )
    for worker, version in theirs.items():
        if version != ours:
            raise ClusterError(
                f"the worker {worker} has cqrs-lab {version} and this is {ours}; install the same on both"
            )


def _version() -> str:
    return metadata.version("cqrs-lab")
