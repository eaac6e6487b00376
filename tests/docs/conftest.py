"""Lets the tests share what stands beside them: pytest adds no folder to the path in its importlib mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
