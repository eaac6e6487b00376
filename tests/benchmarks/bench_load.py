"""What it costs Locust to write down every request: its rate with recording against its rate without.

One process of Locust with more to do than it can, against a server that can answer more: 30 users who hardly
think, turn by turn with and without a folder for what is measured. Rates are requests a second of processor
time, less what Locust needs to start and to end, as others may be at work on this machine. Two minutes; run
by `make bench`.
"""

import contextlib
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_facade import CORES, Rates, Server, serving

LOCUSTFILE = Path(__file__).parents[2] / "loadtest" / "locustfile.py"
ROUNDS, IDLE_ROUNDS, RUN_S, TIME_S_MAX = 5, 3, 5, 60.0
BUSY, IDLE = "closed(30, exp(1ms))", "every(1s)"
SCENARIO = """
name = "bench"
phases = {{ warm = "0s", run = "{run_s}s", settle = "1s" }}
load = {{ history = "{load}" }}
"""


def children_s() -> float:
    """The processor time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def made(server: Server, load: str, *, recorded: bool) -> tuple[int, float]:
    """How many requests Locust makes of this load, and the processor time (s) of its whole process."""
    with tempfile.TemporaryDirectory(prefix="cqrs-lab-bench-") as name:
        (scenario := Path(name) / "scenario.toml").write_text(SCENARIO.format(run_s=RUN_S, load=load))
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
        command += ["--shape", "scenario", "--scenario", str(scenario), "-H", server.url, "--csv", "of"]
        foreign = ("LOCUST", "CQRS_LAB")
        variables = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        variables |= {"CQRS_LAB_RECORD": name} if recorded else {}
        before_s = children_s()
        subprocess.run(command, env=variables, cwd=name, check=True, capture_output=True, timeout=TIME_S_MAX)
        used_s = children_s() - before_s
        with (Path(name) / "of_stats.csv").open(encoding="utf-8") as file:
            (count,) = (int(row["Request Count"]) for row in csv.DictReader(file) if not row["Type"])
    return count, used_s


def main() -> None:
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="cqrs-lab-bench-"))
        os.sched_setaffinity(0, CORES[1:] or CORES)
        lab = opened.enter_context(serving("lab", "service_lab.py", f"{folder}/lab", "sqlite"))
        modes = {"plain": False, "recording": True}
        idle_s = {
            name: statistics.median(made(lab, IDLE, recorded=recorded)[1] for _ in range(IDLE_ROUNDS))
            for name, recorded in modes.items()
        }
        rates = Rates()
        for number in range(ROUNDS):
            for name in sorted(modes, reverse=number % 2 == 1):
                count, used_s = made(lab, BUSY, recorded=modes[name])
                rates.add(name, count / (used_s - idle_s[name]))
        rates.report("Locust with recording / without", "recording", "plain", 0.95)


if __name__ == "__main__":
    main()
