"""The occurrences of a run's faults in the order of time, and how each consumer recovered from them."""

import numpy as np
import pandas as pd

from reports.following import of_consumer
from reports.frames import Run
from reports.recovery import Recovery, level_s, recoveries


def occurrences(run: Run) -> pd.DataFrame:
    """The rows of `faults`, by start; one whose end was not noted lasted until the end of the run phase."""
    rows = run.faults.sort_values(["start_s", "fault"], kind="stable").reset_index(drop=True)
    return rows.fillna({"end_s": run.phases.run_s})


def recovered(run: Run, consumer: str) -> list[Recovery]:
    """How the consumer recovered from each occurrence, in their order."""
    events = of_consumer(run, consumer)
    rows = occurrences(run)
    starts_s = rows["start_s"].to_numpy(dtype=np.float64)
    ends_s = rows["end_s"].to_numpy(dtype=np.float64)
    return recoveries(events, starts_s, ends_s, level_s(events, run.phases.window("warm")))
