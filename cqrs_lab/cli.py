"""The command line.

Exit codes: 0 pass, 1 fail, 2 bad usage or a bad file, 3 unknown, 70 the tool itself broke, 130 interrupted.
"""

import contextlib
import json
import logging
import signal
import sys
import traceback
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn

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


def _stop(message: str, code: int) -> NoReturn:
    print(f"cqrs-lab: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextlib.contextmanager
def _errors_reported() -> Iterator[None]:
    """Turn what goes wrong in a command into one message on stderr and its exit code."""
    from actors.runtime import RuntimeFailure
    from actors.stores.port import StoreError
    from cqrs_lab.folder import FolderError, explain
    from scenarios.errors import ScenarioError

    try:
        yield
    except typer.Exit:
        raise
    except (ScenarioError, FolderError, StoreError) as error:
        _stop(str(error), BAD_USAGE)
    except RuntimeFailure as error:
        _stop(str(error), BROKEN)
    except OSError as error:
        _stop(explain(error), BROKEN)
    except KeyboardInterrupt:
        _stop("interrupted; no run folder was written", INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last resort: say that it is our fault
        traceback.print_exc()
        _stop(f"cqrs-lab itself broke: {type(error).__name__}: {error}; please report it", BROKEN)


@app.command()
@_errors_reported()
def run(
    scenario: ScenarioName,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the run folder exactly there.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json on stdout and nothing else.")
    ] = False,
) -> None:
    """Run a scenario in virtual time: the verdict, the numbers, and where the run folder is."""
    from cqrs_lab.experiment import run_simulated
    from cqrs_lab.terminal import Progressing, show

    described = _read(scenario, settings, seed)
    with Progressing(Console(stderr=True), described.name) as on_progress:
        outcome = run_simulated(described, out=out, on_progress=on_progress)
    if as_json:
        print(json.dumps(outcome.summary, indent=2, ensure_ascii=False))
    else:
        Console().print(show(outcome, described.question))
    raise typer.Exit(outcome.verdict["exit_code"])


@app.command()
@_errors_reported()
def check(scenario: ScenarioName, settings: Settings = None) -> None:
    """Validate a scenario without running it."""
    described = _read(scenario, settings, None)
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
    Console().print(table)


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


def _read(scenario: str, settings: list[str] | None, seed: int | None) -> Any:
    from scenarios.file import read
    from scenarios.library import find
    from scenarios.supported import refuse_unsupported

    path = find(scenario)
    described = read(path, settings or (), seed)
    refuse_unsupported(described, str(path))
    return described
