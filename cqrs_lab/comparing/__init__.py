"""Runs laid side by side, for the terminal, a pull request or a page."""
