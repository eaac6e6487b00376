"""Figures of runs: each a function from a run to a matplotlib Figure, which writes nothing."""

from reports.figures.backlog import backlog
from reports.figures.comparison import ecdf_compare, lag_compare
from reports.figures.consistency import consistency
from reports.figures.drawing import png, svg
from reports.figures.gaps import gaps
from reports.figures.lag_ccdf import lag_ccdf
from reports.figures.lag_over_time import lag_over_time
from reports.figures.message_sequence import message_sequence
from reports.figures.probed_visibility import probed_visibility
from reports.figures.session_violations import session_violations
from reports.figures.style import words_of
from reports.figures.throughput_latency import throughput_latency
from reports.figures.time_behind import time_behind
from reports.figures.visibility import visibility

__all__ = [
    "backlog",
    "consistency",
    "ecdf_compare",
    "gaps",
    "lag_ccdf",
    "lag_compare",
    "lag_over_time",
    "message_sequence",
    "png",
    "probed_visibility",
    "session_violations",
    "svg",
    "throughput_latency",
    "time_behind",
    "visibility",
    "words_of",
]
