"""The lab from Python and notebooks: scenarios run in memory, designs compared, as pandas has it.

>>> quiet = run("healthy", "phases.warm=5s", "phases.run=10s")
>>> quiet.verdict.verdict
'pass'
>>> bool(quiet.run.applied["applied_s"].max() < 20)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cqrs_lab.experiment import Measured, measure_simulated
from cqrs_lab.source import Source
from cqrs_lab.sweeps.vary import designs, parse_over, sources_of, vary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def run(name_or_file: str, *settings: str, seed: int | None = None) -> Measured:
    """Run a scenario of the library, or of a file, in virtual time and keep nothing on disk.

    A setting is what `--set` takes, such as `"policy.join=carried"`.

    Raises:
        ScenarioError: there is no such scenario, or it is not valid with these settings.

    """
    return measure_simulated(Source.find(name_or_file, settings).read(seed))


def compare_designs(
    name_or_file: str, over: Mapping[str, str], *settings: str, seeds: Sequence[int] = (1,)
) -> pd.DataFrame:
    """All combinations of the keys' values, parted by commas, under identical load, faults and seeds.

    One row a design, indexed by the keys. Columns: each main measure by its name in expectations (durations
    in seconds; means over the seeds, lower bounds where something was never applied), and `passed`, the
    share of the seeds on which every expectation held.

    Raises:
        ScenarioError: a design is not valid.

    """
    import pandas as pd

    combined = designs([parse_over(f"{key}={values}") for key, values in over.items()])
    sources = dict(zip(combined, sources_of(name_or_file, settings, combined), strict=True))
    rows = vary(sources, seeds)["designs"]
    index = pd.MultiIndex.from_tuples(
        [tuple(setting.partition("=")[2] for setting in row["design"]) for row in rows], names=list(over)
    )
    return pd.DataFrame([_measures(row) for row in rows], index=index)


def _measures(row: Mapping[str, Any]) -> dict[str, float]:
    passed = row["passed"]["share"] if row["passed"] else 0.0
    return {"passed": passed} | {name: spread["mean"] for name, spread in row["measures"].items()}
