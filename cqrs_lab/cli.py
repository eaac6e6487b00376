"""The command line.

Exit codes: 0 pass, 1 fail, 2 bad usage or a bad file, 3 unknown, 70 the tool itself broke, 130 interrupted.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

BAD_USAGE, BROKEN, INTERRUPTED = 2, 70, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measures how far the read models of a CQRS system lag and what breaks when a part fails.",
)

ScenarioName = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="A scenario of the library, or the path of a scenario file."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key, such as policy.join=carried. Repeatable."
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Override the scenario's seed.")]
Seeds = Annotated[
    str | None, typer.Option("--seeds", metavar="1..50", help="Run once with each of these seeds.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the folder exactly there.")]
Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="DIR", help="Continue the sweep in this folder: run what is missing."),
]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="How many processes; default: one a core.")]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="tcp://HOST:8786", help="Run on the workers of a Dask cluster."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON on stdout and nothing else.")]


def _stop(message: str, code: int) -> NoReturn:
    print(f"cqrs-lab: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextlib.contextmanager
def _errors_reported() -> Iterator[None]:
    """Turn what goes wrong in a command into one message on stderr and its exit code."""
    from actors.runtime.port import RuntimeFailure
    from actors.stores.port import StoreError
    from cqrs_lab.folder import FolderError, explain
    from cqrs_lab.sweeps.executors import ClusterError
    from cqrs_lab.sweeps.stopping import SweepStopped
    from scenarios.errors import ScenarioError

    try:
        yield
    except typer.Exit:
        raise
    except (ScenarioError, FolderError, ClusterError, StoreError) as error:
        _stop(str(error), BAD_USAGE)
    except (RuntimeFailure, SweepStopped) as error:
        _stop(str(error), BROKEN)
    except OSError as error:
        _stop(explain(error), BROKEN)
    except KeyboardInterrupt as error:
        _stop(str(error) or "interrupted; no run folder was written", INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last resort: say that it is our fault
        traceback.print_exc()
        _stop(f"cqrs-lab itself broke: {type(error).__name__}: {error}; please report it", BROKEN)


@app.command()
@_errors_reported()
def run(
    scenario: ScenarioName,
    seed: Seed = None,
    seeds: Seeds = None,
    settings: Settings = None,
    out: Out = None,
    resume: Resume = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Run a scenario in virtual time: the verdict, the numbers, and where the run folder is.

    With --seeds: once with each, on all cores or on a cluster, and what they come to together.
    """
    if seeds is not None:
        if seed is not None:
            _stop("--seed and --seeds exclude each other; give one of them", BAD_USAGE)
        _sweep(scenario, seeds, settings, out, resume, jobs, cluster, as_json)
    for name, value in (("--resume", resume), ("--jobs", jobs), ("--cluster", cluster)):
        if value is not None:
            _stop(f"{name} is for a sweep; give its --seeds too, such as --seeds 1..50", BAD_USAGE)
    from cqrs_lab.experiment import run_simulated
    from cqrs_lab.source import Source
    from cqrs_lab.terminal.run import Progressing, show

    source = Source.find(scenario, settings or ())
    described = source.read(seed)
    with Progressing(Console(stderr=True), described.name) as on_progress:
        again = source.command(described.seed)
        outcome = run_simulated(described, out=out, reproduce=again, on_progress=on_progress)
    _print(outcome.summary if as_json else show(outcome, described.question, Console().width), as_json)
    raise typer.Exit(outcome.verdict["exit_code"])


def _sweep(
    scenario: str,
    seeds: str,
    settings: list[str] | None,
    out: Path | None,
    resume: Path | None,
    jobs: int | None,
    cluster: str | None,
    as_json: bool,
) -> NoReturn:
    from cqrs_lab.source import Source
    from cqrs_lab.sweeps.sweep import parse_seeds, sweep
    from cqrs_lab.terminal.sweep import show_sweep

    numbers = parse_seeds(seeds)
    source = Source.find(scenario, settings or ())
    described = source.read(numbers[0])
    with _executor(cluster, jobs) as executor:
        folder = _sweep_folder(source, f"seeds-{seeds}", ((),), out, resume)
        with _counting(described.name, "seeds") as on_progress:
            table = sweep(
                source, numbers, folder=folder, executor=executor, jobs=jobs, on_progress=on_progress
            )
    _print(table if as_json else show_sweep(table, described.question, folder.path), as_json)
    raise typer.Exit(table["exit_code"])


@app.command()
@_errors_reported()
def cost(
    scenario: ScenarioName,
    seed: Seed = None,
    settings: Settings = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """What each fault costs: the same seed with all faults, without each in turn, and without any."""
    from cqrs_lab.source import Source
    from cqrs_lab.sweeps.cost import cost as cost_of_faults
    from cqrs_lab.terminal.cost import show_cost

    source = Source.find(scenario, settings or ())
    described = source.read(seed)
    with _executor(cluster, jobs) as executor, _counting(described.name, "runs") as on_progress:
        table = cost_of_faults(source, seed, executor=executor, jobs=jobs, on_progress=on_progress)
    _print(table if as_json else show_cost(table, described.question, Console().width), as_json)
    raise typer.Exit(table["exit_code"])


@app.command()
@_errors_reported()
def vary(
    scenario: ScenarioName,
    over: Annotated[
        list[str],
        typer.Option("--over", metavar="KEY=A,B", help="A key and the values to compare. Repeatable."),
    ],
    seeds: Seeds = None,
    settings: Settings = None,
    out: Out = None,
    resume: Resume = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Compare designs: all combinations of some settings under identical load and faults."""
    from cqrs_lab.source import Source
    from cqrs_lab.sweeps.sweep import parse_seeds
    from cqrs_lab.sweeps.vary import designs, parse_over, sources_of
    from cqrs_lab.sweeps.vary import vary as vary_designs
    from cqrs_lab.terminal.vary import show_vary

    combined = designs([parse_over(text) for text in over])
    source = Source.find(scenario, settings or ())
    described = source.read()
    numbers = [described.seed] if seeds is None else parse_seeds(seeds)
    sources = dict(zip(combined, sources_of(scenario, settings or (), combined), strict=True))
    with _executor(cluster, jobs) as executor:
        folder = _sweep_folder(source, f"{len(combined)}-designs", combined, out, resume)
        with _counting(described.name, "runs") as on_progress:
            table = vary_designs(
                sources, numbers, folder=folder, executor=executor, jobs=jobs, on_progress=on_progress
            )
    _print(table if as_json else show_vary(table, described.question, folder.path, Console().width), as_json)
    raise typer.Exit(table["exit_code"])


@app.command()
@_errors_reported()
def verify(jobs: Jobs = None, cluster: Cluster = None, as_json: Json = False) -> None:
    """Run the whole library, and compare each verdict with the one that its file expects."""
    from cqrs_lab.sweeps.verify import verify as verify_library
    from cqrs_lab.terminal.verify import show_verify

    with _executor(cluster, jobs) as executor, _counting("library", "scenarios") as on_progress:
        table = verify_library(executor=executor, jobs=jobs, on_progress=on_progress)
    _print(table if as_json else show_verify(table), as_json)
    raise typer.Exit(0 if table["agrees"] else 1)


@app.command()
@_errors_reported()
def serve(
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="sqlite:///DIR, postgresql://…, embedded-postgres or memory://; default: a SQLite folder.",
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario", metavar="NAME|FILE", help="Whose policy and population to serve; not its faults."
        ),
    ] = None,
    settings: Settings = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8000,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Write a run folder at the end.")
    ] = None,
    ready_lag: Annotated[
        str, typer.Option("--ready-lag", metavar="TIME", help="How far behind a view may be for /readyz.")
    ] = "10s",
    admin: Annotated[
        bool, typer.Option("--admin", help="Have /admin: faults, projections, dead letters.")
    ] = False,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Option("--log-level", help="Which logs to write to stderr, as JSON lines."),
    ] = "warning",
) -> None:
    """Serve the shop over HTTP until Ctrl-C: real endpoints on a real database."""
    from cqrs_lab.serve import serve_until_stopped, source_of
    from loadtest.server.serving import CannotListen
    from scenarios.errors import ScenarioError
    from scenarios.values import parse_duration

    try:
        ready_lag_s = parse_duration(ready_lag)
    except ScenarioError as error:
        _stop(f"--ready-lag {error}", BAD_USAGE)
    try:
        serve_until_stopped(
            source_of(scenario, settings or ()),
            store=store,
            host=host,
            port=port,
            ready_lag_s=ready_lag_s,
            log_level=log_level,
            admin=admin,
            record=record,
        )
    except CannotListen as error:
        _stop(str(error), BAD_USAGE)


@app.command()
@_errors_reported()
def probe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The path of a probe file.")],
    seed: Seed = None,
    settings: Settings = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="HOST", help="Another machine that may be probed. Repeatable."),
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure the lag of a system of your own over HTTP: write to it, and look until the write is seen."""
    from cqrs_lab.probe import read_probe, run_probe
    from cqrs_lab.terminal.probe import show_probe
    from cqrs_lab.terminal.run import Progressing

    described = read_probe(file, settings or (), seed, allow_host or ())
    with Progressing(Console(stderr=True), described.name) as on_progress:
        outcome = run_probe(described, file, out=out, on_progress=on_progress)
    _print(outcome.summary if as_json else show_probe(outcome, described.question), as_json)
    raise typer.Exit(outcome.verdict["exit_code"])


@app.command()
@_errors_reported()
def live(
    scenario: ScenarioName,
    seed: Seed = None,
    settings: Settings = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="Empty stores: sqlite:///DIR, postgresql://… or embedded-postgres; default: SQLite.",
        ),
    ] = None,
    users: Annotated[
        int | None, typer.Option("--users", min=1, help="How many users each closed load has.")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="How many processes make load.")] = 1,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run a scenario on the wall clock: a real server and database, load by Locust, the same verdict."""
    from cqrs_lab.live.processes import LocustMissing
    from cqrs_lab.live.run import run_live, with_users
    from cqrs_lab.source import Source
    from cqrs_lab.terminal.run import Progressing, show
    from loadtest.system.stores import without_password

    source = Source.find(scenario, settings or ())
    described = source.read(seed)
    options = {"--store": store and without_password(store), "--users": users}
    options |= {"--processes": processes if processes > 1 else None}
    again = source.command(described.seed, "live", options)
    if users is not None:
        described = with_users(described, users)
    try:
        with Progressing(Console(stderr=True), described.name) as on_progress:
            found = run_live(
                described, store=store, processes=processes, out=out, reproduce=again, on_progress=on_progress
            )
    except LocustMissing as error:
        _stop(str(error), BAD_USAGE)
    outcome = found.outcome
    _print(outcome.summary if as_json else show(outcome, described.question, Console().width), as_json)
    raise typer.Exit(INTERRUPTED if found.interrupted else outcome.verdict["exit_code"])


RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run folder: a path, or a name below runs/, such as latest.")
]
RunNames = Annotated[
    list[str],
    typer.Argument(metavar="RUN…", help="Folders of runs or sweeps: paths, or names below runs/."),
]


@contextlib.contextmanager
def _runs_read() -> Iterator[None]:
    """Turn a run folder that cannot be used into one message; around commands that read some."""
    from cqrs_lab.comparing.compare import Incomparable
    from reports.evidence.frames import RunError

    try:
        yield
    except (RunError, Incomparable, FileExistsError) as error:
        _stop(str(error), BAD_USAGE)


@app.command()
@_errors_reported()
def runs(as_json: Json = False) -> None:
    """List the runs and sweeps below runs/, the newest first, with verdict and main numbers."""
    from cqrs_lab.runs import runs as runs_below
    from cqrs_lab.runs import show_runs

    rows = runs_below()
    _print(rows if as_json else show_runs(rows, Console().width), as_json)


@app.command()
@_errors_reported()
@_runs_read()
def report(
    run: RunName,
    png: Annotated[bool, typer.Option("--png", help="Write the figures as PNG too.")] = False,
) -> None:
    """Write the report of a run anew, report.html and its figures, and print where it is."""
    from cqrs_lab.report import write_report
    from reports.evidence.frames import folder_of, load_run

    folder = folder_of(run)
    print(write_report(folder, png=png))
    for lacking in load_run(folder).missing:
        print(f"cqrs-lab: {lacking}; the report shows what it can", file=sys.stderr)


@app.command("open")
@_errors_reported()
@_runs_read()
def open_(run: RunName = "latest") -> None:
    """Open the report of a run in the browser; it is written if there is none."""
    from cqrs_lab.open import report_of, show_in_browser

    page = report_of(run)
    print(page)
    if not show_in_browser(page):
        print("cqrs-lab: there is no browser to open it with; open that file yourself", file=sys.stderr)


@app.command()
@_errors_reported()
@_runs_read()
def compare(
    runs: RunNames,
    force: Annotated[
        bool, typer.Option("--force", help="Compare also what answers different questions.")
    ] = False,
    form: Annotated[
        Literal["text", "md"], typer.Option("--format", help="How to print it; md: for a pull request.")
    ] = "text",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write compare.html and its figures there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Lay runs or sweeps side by side: what differs in them, and what comes of it for certain.

    The first is the base. Runs that differ in their seeds alone are taken together.
    """
    from cqrs_lab.comparing.compare import compare as compare_sides
    from cqrs_lab.comparing.markdown import markdown
    from cqrs_lab.comparing.sides import sides_of
    from cqrs_lab.terminal.compare import show_compare

    sides = sides_of(runs)
    table = compare_sides(sides, force=force)
    if out is not None:
        from cqrs_lab.comparing.page import write_comparison

        write_comparison(table, sides, out)
    if form == "md" and not as_json:
        print(markdown(table), end="")
        return
    _print(table if as_json else show_compare(table, out, Console().width), as_json)


@app.command()
@_errors_reported()
@_runs_read()
def calibrate(
    run: RunName,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The scenario file to write.")],
    measured: Annotated[
        bool, typer.Option("--measured", help="Take the durations as they were measured, and fit nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a scenario whose times are those of a run, such as a live one, to simulate the same system."""
    from cqrs_lab.calibrate import as_data, write_calibrated
    from cqrs_lab.calibrate import calibrate as calibrate_from
    from cqrs_lab.terminal.calibrate import show_calibrated
    from reports.evidence.frames import load_run

    loaded = load_run(run)
    found = calibrate_from(loaded, out.stem, measured=measured)
    write_calibrated(found, loaded, out)
    _print(as_data(found) if as_json else show_calibrated(found, out, Console().width), as_json)


@app.command()
@_errors_reported()
@_runs_read()
def junit(
    runs: RunNames,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The XML file to write.")],
) -> None:
    """Write the verdicts of runs or sweeps as JUnit XML, for a system for continuous integration.

    It exits with 0 whatever the verdicts are: who reads the file decides.
    """
    from cqrs_lab.runs import verdicts
    from reports.evidence.frames import folder_of
    from reports.junit import junit as as_xml

    named = [one for run in runs for one in verdicts(folder_of(run))]
    out.write_text(as_xml(named), encoding="utf-8")
    print(f"{out}: {len(named):,} test suites")


@app.command()
@_errors_reported()
def check(scenario: ScenarioName, settings: Settings = None) -> None:
    """Validate a scenario without running it."""
    from cqrs_lab.source import Source

    described = Source.find(scenario, settings or ()).read()
    faults = len(described.faults)
    claims = sum(len(expect.that) for expect in described.expect)
    print(f"{scenario}: {described.name} is valid: {faults} faults, {claims} expectations")


@app.command()
@_errors_reported()
def scenarios() -> None:
    """List the library: each scenario and the question that it answers."""
    from scenarios.file import read
    from scenarios.library import find, names

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scenario", no_wrap=True)
    table.add_column("question")
    table.add_column("expected")
    for name in names():
        described = read(find(name))
        table.add_row(name, described.question, described.expected_verdict)
    _print(table, as_json=False)


@app.command()
@_errors_reported()
def presets() -> None:
    """List the presets: named sets of design decisions, for the key `preset` of a scenario's policy."""
    from scenarios.presets import find, names

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("preset", no_wrap=True)
    table.add_column("what it is")
    for name in names():
        first = find(name).read_text(encoding="utf-8").partition("\n")[0]
        table.add_row(name, first.removeprefix("#").strip())
    _print(table, as_json=False)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"cqrs-lab {metadata.version('cqrs-lab')}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # What fails in an actor is in the run folder; Pykka's log of it would only be in the way here.
    logging.getLogger("pykka").addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
    sys.exit(0)


@contextlib.contextmanager
def _executor(cluster: str | None, jobs: int | None) -> Iterator[Executor | None]:
    """The cluster, or None for processes of this machine."""
    from cqrs_lab.sweeps import executors

    if cluster is None:
        yield None
        return
    if jobs is not None:
        _stop("--jobs is for this machine; leave it out with --cluster", BAD_USAGE)
    with executors.cluster(cluster) as executor:
        yield executor


@contextlib.contextmanager
def _counting(label: str, what: str) -> Iterator[Callable[[int, int], object]]:
    """A progress bar on stderr that counts."""
    from cqrs_lab.terminal.run import Progressing

    with Progressing(Console(stderr=True), label) as on_progress:
        yield lambda done, every: on_progress(f"{done:,} of {every:,} {what}", done / every if every else 1.0)


def _sweep_folder(source: Any, what: str, combined: Any, out: Path | None, resume: Path | None) -> Any:
    from cqrs_lab.sweeps.folder import sweep_folder

    if out is not None and resume is not None:
        _stop("--out and --resume exclude each other; --resume names the folder to continue", BAD_USAGE)
    return sweep_folder(source, what, combined, out=resume or out, resume=resume is not None)


def _print(content: Any, as_json: bool) -> None:
    if as_json:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    else:
        console = Console()
        with console.capture() as captured:
            console.print(content, crop=False)  # a command that is cut off cannot be copied
        text = captured.get()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough; the exit code still counts
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
