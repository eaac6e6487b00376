"""The report: of a run with 100,000 orders, and of a run as short as most are.

Each time stands beside one of something that is there anyway, measured in the same run: simulating the run,
reading its tables with Arrow alone, starting the interpreter. Run by `make bench`.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
from ratios import report

from cqrs_lab.experiment import conclude, keep, surroundings
from cqrs_lab.folder import run_folder
from reports import load_run
from scenarios.account import account
from scenarios.file import loads
from simulation.run import simulate

MB = 1e6
TIMES = 5

LARGE = """
name = "hundred-thousand-orders"
[phases]
warm = "20s"
run = "990s"
settle = "60s"
[load]
orders = "poisson(100/s)"
history = "poisson(100/s)"
own_read = "exp(500ms)"
[time]
orders = "lognormal(1ms, p99 5ms)"
inventory = "exp(1ms)"
products = "exp(0.5ms)"
summary = "lognormal(2ms, p99 8ms)"
[[fault]]
kind = "unavailable"
on = "store:products"
at = "1m"
for = "30s"
[[fault]]
kind = "crash"
on = "summary"
at = "5m"
for = "10s"
[[expect]]
when = "always"
that = ["no lost", "no phantom", "no doubled", "no reordered", "join right", "stock conserved", "converged"]
[[expect]]
that = ["lag.p99{summary} < 60s", "stale_reads{history} < 0.5"]
"""
"""100,000 orders, 300,000 events, 600,000 handlings and 200,000 reads, two faults, every checker."""

SHORT = "products-outage"
"""5 minutes at 20 orders/s, with 40 reads/s besides."""


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, by the clock on the wall."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def large(folder: Path) -> None:
    """The run with 100,000 orders: its report, its tables, its page."""
    scenario = loads(LARGE, source="large", folder=Path())
    begun = time.perf_counter()
    simulated = simulate(scenario)
    simulating_s = time.perf_counter() - begun
    info = account("simulated", scenario, simulated.recorder, simulated.failures)
    with run_folder(scenario.name, scenario.seed, folder) as kept:
        keep(
            kept, scenario, simulated.recorder, info | surroundings(datetime.now(UTC), simulating_s, "again")
        )
        reporting_s = seconds(lambda: conclude(kept, scenario, "again"))
    orders = simulated.recorder.count("orders")
    detail = f"{reporting_s / simulating_s:.2f} × simulating these {orders:,} orders ({simulating_s:.1f} s)"
    report("measures, verdict, page and figures, s", reporting_s, at_most=5.0, detail=detail)

    tables = sorted((folder / "tables").glob("*.parquet"))
    names = [path.stem for path in tables]
    loading_s = min(seconds(lambda: every_frame(folder, names)) for _ in range(TIMES))
    arrow_s = min(
        seconds(lambda: [pyarrow.parquet.read_table(path) for path in tables]) for _ in range(TIMES)
    )
    detail = f"{every_frame(folder, names):,} rows, {loading_s / arrow_s:.2f} × reading them with Arrow alone"
    report("its tables into pandas, s", loading_s, at_most=1.0, detail=detail)
    report("its page, MB", (folder / "report.html").stat().st_size / MB, at_most=3.0)


def every_frame(folder: Path, names: list[str]) -> int:
    """Load the run and every table of it as a frame; how many rows they have."""
    run = load_run(folder)
    return sum(len(getattr(run, name)) for name in names)


def short(folder: Path) -> None:
    """A run of 5 simulated minutes from the command line to its report, beside the interpreter's start."""
    command = [sys.executable, "-m", "cqrs_lab", "run", SHORT, "--out"]

    def run(number: int) -> None:
        subprocess.run([*command, str(folder / str(number))], capture_output=True, check=True)

    pairs = [
        (
            seconds(lambda: run(number)),  # noqa: B023  # called at once
            seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)),
        )
        for number in range(TIMES)
    ]
    whole_s, start_s = (min(side) for side in zip(*pairs, strict=True))  # that which was disturbed least
    detail = f"{(whole_s - start_s) / start_s:.0f} × starting the interpreter ({start_s * 1e3:.0f} ms)"
    report("5 min at 20 orders/s with its report, s", whole_s - start_s, at_most=3.0, detail=detail)
    report("its page, MB", (folder / "0" / "report.html").stat().st_size / MB, at_most=3.0)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        short(Path(place))
        large(Path(place) / "large")


if __name__ == "__main__":
    main()
