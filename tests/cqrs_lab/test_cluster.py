"""The same sweep on the workers of a Dask cluster: a real scheduler, and workers one of which is killed."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tiny import tiny

from cqrs_lab.sweeps.executors import ClusterError, cluster
from cqrs_lab.sweeps.sweep import sweep

HERE = Path(__file__).parent
PATIENCE_S = 60.0


class Cluster(NamedTuple):
    """A scheduler's address, and the processes of its workers."""

    address: str
    workers: list[subprocess.Popen[str]]


def started(*arguments: str, until: str) -> tuple[subprocess.Popen[str], str]:
    """A Dask process that has come up, and what the expression has found in its output."""
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=HERE,  # so that a worker can import the tests' own sources
        env={"PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore", "PATH": ""},
    )
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(until, line)
        if found:
            return process, found[0]
    raise AssertionError(f"{arguments} ended with {process.wait()}")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers on 127.0.0.1, with ports of their own choice."""
    processes: list[subprocess.Popen[str]] = []
    folder = str(tmp_path_factory.mktemp("dask"))
    try:
        scheduler, address = started(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter"),
            until=r"tcp://127\.0\.0\.1:\d+",
        )
        processes.append(scheduler)
        for _ in range(2):
            worker, _ = started(
                *("worker", address, "--no-nanny", "--no-dashboard", "--nthreads", "1"),
                *("--host", "127.0.0.1", "--local-directory", folder),
                until="Registered to",
            )
            processes.append(worker)
        yield Cluster(address, processes[1:])
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


def test_a_worker_killed_half_way_costs_no_seed_and_counts_none_twice(dask: Cluster) -> None:
    seeds = range(1, 25)
    heard: list[int] = []

    def on_progress(done: int, _all: int) -> None:
        heard.append(done)
        if done == len(seeds) // 2:
            dask.workers[0].kill()

    with cluster(dask.address) as executor:
        table = sweep(tiny(), seeds, executor=executor, on_progress=on_progress)
    assert dask.workers[0].wait(PATIENCE_S) == -9
    assert heard == list(range(len(seeds) + 1))
    assert table["errors"] == []
    assert table == sweep(tiny(), seeds, jobs=1)


def test_the_command_line_sweeps_on_a_cluster(dask: Cluster, lab, tiny_file, tmp_path) -> None:
    result = lab("run", "tiny.toml", "--seeds", "1..4", "--cluster", dask.address, "--json", "--out", "far")
    assert result.returncode in (0, 1), result.stderr
    here = lab("run", "tiny.toml", "--seeds", "1..4", "--jobs", "1", "--json", "--out", "near")
    assert json.loads(result.stdout) == json.loads(here.stdout)


# -- what cannot be used -------------------------------------------------------------------------------


def test_a_cluster_that_does_not_answer_is_one_message_and_exit_code_2(lab, tiny_file, tmp_path) -> None:
    result = lab("run", "tiny.toml", "--seeds", "1..3", "--cluster", "tcp://127.0.0.1:1")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [tiny_file]


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "http://127.0.0.1:8786"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="no Dask scheduler answers"), cluster(address, timeout_s=2.0):
        pass


def test_without_the_extra_the_message_says_what_to_install(tmp_path, tiny_file) -> None:
    """An empty finder stands in for a machine on which `distributed` is not installed."""
    program = (
        "import sys\n"
        "sys.modules['distributed'] = None\n"
        "from cqrs_lab.cli import main\n"
        "sys.argv = ['cqrs-lab', 'run', 'tiny.toml', '--seeds', '1..2', '--cluster', 'tcp://127.0.0.1:1']\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    assert "pip install 'cqrs-lab[cluster]'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_cluster_without_workers_says_how_to_start_one() -> None:
    scheduler, address = started(
        *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter"),
        until=r"tcp://127\.0\.0\.1:\d+",
    )
    try:
        with pytest.raises(ClusterError, match="has no workers"), cluster(address):
            pass
    finally:
        scheduler.kill()
        scheduler.wait()
        assert scheduler.stderr is not None
        scheduler.stderr.close()
