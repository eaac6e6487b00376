"""Presets: names for whole sets of policies, one TOML file each, whose comment says what it is and is not.

A preset has keys of `[policy]` only, no tables for single consumers; what it leaves out has its default.
"""

import tomllib
from pathlib import Path
from typing import Any

from scenarios.errors import unknown
from scenarios.names import PRESETS


def names() -> list[str]:
    """Their names, from the simplest design to the most careful."""
    return list(PRESETS)


def find(name: str) -> Path:
    """The file of a preset.

    Raises:
        ScenarioError: there is none of this name; names the nearest.

    """
    if name not in PRESETS:
        raise unknown(name, "a preset", PRESETS)
    return Path(__file__).resolve().parent / f"{name}.toml"


def table(name: str) -> dict[str, Any]:
    """What the preset writes into `[policy]`; see `find` for errors."""
    policy: dict[str, Any] = tomllib.loads(find(name).read_text(encoding="utf-8"))["policy"]
    return policy
