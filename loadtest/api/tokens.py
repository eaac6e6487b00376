"""Position tokens: which events an answer reflects, as a header carries it.

A token is a structured field (RFC 9651), a dictionary of logs and positions. A command's answer has the
position of its event; a reader that presents it says which events it wants to see.

>>> dumps({"catalog": 3, "orders": 17}), of_event("orders", 18)
('catalog=3, orders=17', 'orders=18')
>>> loads("orders=17")
{'orders': 17}
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from actors.topology import SOURCES
from loadtest.api.problems import Problem, shortened

HEADER: Final = "Position"
AGE_HEADER: Final = "Position-Age"
STALE_HEADER: Final = "Position-Stale"

_LOG = "|".join(SOURCES)
PATTERN: Final = rf"^({_LOG})=[0-9]{{1,18}}(, *({_LOG})=[0-9]{{1,18}})*$"
_PATTERN = re.compile(PATTERN, re.ASCII)


def of_event(source: str, position: int) -> str:
    """The token for one event."""
    return f"{source}={position}"


def dumps(positions: Mapping[str, int]) -> str:
    """The token as a header carries it; many answers in a row have the same."""
    return _written(tuple(positions.items()))


@lru_cache
def _written(positions: tuple[tuple[str, int], ...]) -> str:
    return ", ".join([of_event(source, position) for source, position in positions])


def loads(text: str) -> dict[str, int]:
    """The token in a header.

    Raises:
        Problem: it is none.

    """
    if not _PATTERN.fullmatch(text):
        raise Problem(
            "bad-parameter",
            f"the header {HEADER} is no position token",
            "send a token as an answer's header has given it, such as orders=17",
            shortened(text),
        )
    pairs = (part.strip().split("=") for part in text.split(","))
    return {source: int(position) for source, position in pairs}
