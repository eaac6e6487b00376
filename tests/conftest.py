"""What all tests share: quiet failures, and property tests that on a CI machine always draw the same."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and their children would not hear of an interrupt either.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _quiet_failures() -> Iterator[None]:
    """Failures of actors are part of many laws; Pykka's report of each is not of their output."""
    logger = logging.getLogger("pykka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)
