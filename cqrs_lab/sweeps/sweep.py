r"""A sweep: the same scenario with many seeds, each run once, and what they come to together.

>>> from cqrs_lab.source import Source
>>> source = Source(name="tiny", text='name = "tiny"\nphases = { warm = "0s", run = "1s", settle = "0s" }')
>>> from concurrent.futures import ThreadPoolExecutor
>>> with ThreadPoolExecutor() as executor:
...     found = sweep(source, [1, 2, 3], executor=executor)
>>> found["verdict"], found["passed"]["count"]
('pass', 3)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cqrs_lab.sweeps.batch import work_off
from cqrs_lab.sweeps.replication import BROKEN, Replicated, Replication
from cqrs_lab.sweeps.stopping import SweepStopped
from reports.comparing.replications import Value, main_measures, measure_of, share, spread
from reports.judging.verdict import EXIT_CODES
from scenarios.errors import ScenarioError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    from cqrs_lab.source import Source
    from cqrs_lab.sweeps.folder import SweepFolder

MOST_SEEDS = 100_000
MOST_WORST = 5
"""So many seeds are named as the worst."""

Table = dict[str, Any]


def parse_seeds(text: str) -> list[int]:
    """The seeds that a text such as `1..50` or `1,4,7..9` names, in its order, each once.

    >>> parse_seeds("7,1..3,2")
    [7, 1, 2, 3]
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:\.\.\s*(\d{1,18})\s*)?", part)
        if not match:
            raise ScenarioError(f'{quoted(text)} is not a range of seeds; write it like "1..50" or "1,4,7".')
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ScenarioError(f"{quoted(text)} runs backwards; write the smaller seed first.")
        if last - first >= MOST_SEEDS - len(found):
            raise ScenarioError(f"{quoted(text)} is more than {MOST_SEEDS:,} seeds; write fewer.")
        found.update(dict.fromkeys(range(first, last + 1)))
    return list(found)


def sweep(
    source: Source,
    seeds: Sequence[int],
    *,
    folder: SweepFolder | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Table:
    """Run the scenario with each seed and return the table of sweep.json.

    The work is done by the executor, any of `concurrent.futures`, or by `jobs` processes (None: one a core).
    What a folder holds already is not run again, and what finishes is kept there at once.
    `on_progress(done, all)` hears how many seeds have ended.

    Raises:
        SweepStopped: the folder cannot be written any more; what has finished is kept.
        KeyboardInterrupt: likewise; says what is kept and how to go on.

    """
    replications = [Replication(str(seed), source, seed) for seed in seeds]
    results = run_all(replications, folder=folder, executor=executor, jobs=jobs, on_progress=on_progress)
    table = tabulate(source, {seed: results[str(seed)] for seed in seeds})
    if folder is not None:
        folder.complete(table)
    return table


def run_all(
    replications: Iterable[Replication],
    *,
    folder: SweepFolder | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> dict[str, Replicated]:
    """What becomes of each replication, by its key: from the folder, or by running it. See `sweep`."""
    wanted = {replication.key: replication for replication in replications}
    results = {} if folder is None else folder.finished(wanted)

    def on_result(result: Replicated) -> None:
        if folder is not None:
            folder.keep(result)
        results[result.key] = result
        on_progress(len(results), len(wanted))

    missing = [replication for key, replication in wanted.items() if key not in results]
    try:
        on_progress(len(results), len(wanted))
        work_off(missing, on_result, executor=executor, jobs=jobs)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {_kept(folder, results, wanted)}") from None
    except OSError as error:
        if folder is None:
            raise
        why = f"{folder.path} cannot be written any more ({error.strerror or error})"
        raise SweepStopped(f"{why}; {_kept(folder, results, wanted)}") from error
    return results


def _kept(folder: SweepFolder | None, results: Mapping[str, Replicated], wanted: Mapping[str, object]) -> str:
    """What is left of a sweep that does not go on; a new folder without anything in it is removed."""
    done = f"{len(results)} of {len(wanted)} runs had ended"
    if folder is None:
        return f"{done}, and nothing was kept"
    if not results and folder.made:
        folder.discard()
        return "no run had ended, and nothing was kept"
    return f"{done} and are kept; give the same command again with --resume {folder.path}"


def tabulate(source: Source, results: Mapping[int, Replicated]) -> Table:
    """What the seeds come to together, as plain data; every list and table is in the order of the seeds."""
    judged = {seed: result for seed, result in results.items() if result.summary is not None}
    measured = {seed: main_measures(result.summary or {}) for seed, result in judged.items()}
    names = list(dict.fromkeys(name for values in measured.values() for name in values))
    words = Counter(result.word for result in results.values())
    word = next((word for word in ("error", "fail", "unknown") if words[word]), "pass")
    errors = {seed: result for seed, result in results.items() if result.verdict is None}
    return {
        "scenario": source.name,
        "settings": list(source.settings),
        "seeds": list(results),
        "verdict": word,
        "exit_code": max((result.code for result in errors.values()), default=BROKEN)
        if word == "error"
        else next(code for known, code in EXIT_CODES.items() if known == word),
        "verdicts": {known: words[known] for known in (*EXIT_CODES, "error")},
        "passed": asdict(share(words["pass"], len(judged))) if judged else None,
        "measures": {
            name: _spread(name, {seed: values[name] for seed, values in measured.items() if name in values})
            for name in names
        },
        "claims": _claims(judged.values()),
        "worst": [_named(source, seed, results[seed]) for seed in _worst(results)],
        "errors": [{"seed": seed, "error": result.error} for seed, result in errors.items()],
        "by_seed": {
            str(seed): {
                "verdict": result.word,
                "values": {name: value.value for name, value in measured.get(seed, {}).items()},
            }
            for seed, result in results.items()
        },
    }


def _spread(name: str, values: Mapping[int, Value]) -> dict[str, Any]:
    measure = measure_of(name)
    return {"unit": measure.unit, **asdict(spread(values, measure))}


def _claims(results: Iterable[Replicated]) -> dict[str, dict[str, int]]:
    """In how many seeds each claim held, was broken, or could not be decided."""
    found: dict[str, Counter[str]] = {}
    outcomes = {True: "held", False: "broken", None: "undecided"}
    for result in results:
        for claim in (result.verdict or {}).get("results", ()):
            text = claim["text"] if claim["when"] == "run" else f"{claim['text']} ({claim['when']})"
            found.setdefault(text, Counter())[outcomes[claim["held"]]] += 1
    return {text: {word: counts[word] for word in outcomes.values()} for text, counts in found.items()}


def _worst(results: Mapping[int, Replicated]) -> list[int]:
    """The seeds to look at: those that broke, failed, or are unknown; else the one closest to failing."""
    rank = {"error": 0, "fail": 1, "unknown": 2}
    bad = [seed for seed, result in results.items() if result.word in rank]
    if bad:
        return sorted(bad, key=lambda seed: rank[results[seed].word])[:MOST_WORST]
    tight = {seed: closest(result) for seed, result in results.items()}
    margins = {seed: claim[0] for seed, claim in tight.items() if claim is not None}
    return [min(margins, key=margins.__getitem__)] if margins else []


def closest(result: Replicated) -> tuple[float, str] | None:
    """The claim with the least room left, as a share of its limit, and its text; None without any."""
    rooms = [
        (claim["margin"] / (abs(claim["limit"]) or 1.0), claim["text"])
        for claim in (result.verdict or {}).get("results", ())
        if claim["margin"] is not None
    ]
    return min(rooms, default=None)


def _named(source: Source, seed: int, result: Replicated) -> dict[str, Any]:
    tight = closest(result)
    near = f"closest to failing: {tight[1]}" if tight is not None else ""
    return {
        "seed": seed,
        "verdict": result.word,
        "why": result.why or near,
        "reproduce": source.command(seed),
    }
