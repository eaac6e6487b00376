"""Reads run folders: frames, measures, verdict."""

from reports.evidence.frames import Run, RunError, load_run, load_runs

__all__ = ["Run", "RunError", "load_run", "load_runs"]
