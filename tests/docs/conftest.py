"""Lets the tests share what stands here and in tests/loadtest: pytest itself adds no folder to the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "loadtest"))
