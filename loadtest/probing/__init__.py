"""Measuring a system that is not ours, through HTTP alone."""
