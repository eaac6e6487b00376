"""What clients of a real server got: requests a second, and latency by kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reports.evidence.columns import names
from reports.figures.axes import count_axis, duration_axis, time_axis
from reports.figures.faultbands import fault_bands
from reports.figures.lag_over_time import LOWEST_S, widths
from reports.figures.style import BLUE, GREY, SERIES, VERMILION, described, legend, panels, sample
from reports.measures.client_side import outcomes
from reports.measures.clients import latency_over_time, requests_over_time
from reports.measures.timeline import WINDOWS
from reports.quantities import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.evidence.frames import Run

FEWEST = 20
"""Requests are counted in windows of a second, or in so many at least."""

KINDS = 3
"""So many kinds of request at most have a line of their own: the most frequent."""


def throughput_latency(run: Run) -> Figure | None:
    """Throughput above, latency (p50 thin, p99 thick) below; None if the run had no real clients."""
    if "requests" not in run.tables or run.requests.empty:
        return None
    figure, (upper, lower) = panels(["Requests per second", "Latency"])
    words = [_throughput(run, upper), _latency(run, lower), fault_bands(run, upper)]
    fault_bands(run, lower, names=False)
    time_axis(run, upper)
    time_axis(run, lower)
    return described(figure, *words)


def frequent_kinds(run: Run) -> list[str]:
    """The kinds of request (`POST /orders`), the most frequent first."""
    whole = run.phases.window("always")
    counts = {one: sum(outcomes(run, one, whole).values()) for one in names(run, "requests", "request")}
    return sorted(counts, key=lambda one: (-counts[one], one))


def _throughput(run: Run, axes: Axes) -> str:
    seconds = int(run.phases.window("always").length_s)
    over_time = requests_over_time(run, min(max(seconds, FEWEST), WINDOWS))
    for column, label, style in _RATES:
        axes.plot(over_time["t_s"].to_numpy(), over_time[column].to_numpy(), label=label, **style)
    highest = max(float(over_time[column].max()) for column, _, _ in _RATES)
    axes.set_ylim(0.0, highest * 1.12 or 1.0)
    count_axis(axes)
    legend(axes)
    return f"At most {highest:,.0f} requests per second."


_RATES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("intended_per_s", "meant to be sent", {"color": GREY, "linewidth": 0.8}),
    ("answered_per_s", "answered", {"color": BLUE}),
    ("failed_per_s", "failed or dropped", {"color": VERMILION, "linestyle": "--"}),
)


def _latency(run: Run, axes: Axes) -> str:
    lines, said, seen_s = [], [], [LOWEST_S * 10.0]
    for kind, style in zip(frequent_kinds(run)[:KINDS], SERIES, strict=False):
        over_time = latency_over_time(run, kind)
        if over_time.empty:
            continue
        for column, width in (("p50_s", 0.7), ("p99_s", 1.7)):
            latency_s = np.maximum(over_time[column].to_numpy(), LOWEST_S)
            axes.plot(over_time["t_s"].to_numpy(), latency_s, linewidth=width, **style)
            seen_s += [float(latency_s.max()), float(latency_s.min())]
        lines.append(sample(kind, **style))
        said.append(f"{kind} p99 at most {duration(float(over_time['p99_s'].max()))}")
    duration_axis(axes, log=True)
    axes.set_ylim(10.0 ** np.floor(np.log10(min(seen_s)) + 1e-9), max(seen_s) * 2.0)
    legend(axes, [*lines, *widths()])
    return f"Latency in windows: {'; '.join(said)}."
