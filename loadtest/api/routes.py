"""Routes: what is at a path, whose parts in braces may be anything.

Its number of parts and the first of them leave few candidates, and most paths one.

>>> routes = Routes({"/orders": "all", "/orders/{orderId}": "one"})
>>> routes.find("/orders/7"), routes.find("/orders/"), routes.find("/orders")
(('one', {'orderId': '7'}), None, ('all', {}))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class Routes(Generic[T]):
    """Finds what is at a path. The first part of every path is a word."""

    def __init__(self, by_path: Mapping[str, T]) -> None:
        self._fixed = {path: found for path, found in by_path.items() if "{" not in path}
        self._shaped: dict[tuple[int, str], list[tuple[re.Pattern[str], T]]] = {}
        for path, found in by_path.items():
            if "{" in path:
                shape = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))
                self._shaped.setdefault(_kind(path), []).append((shape, found))

    def find(self, path: str) -> tuple[T, dict[str, str]] | None:
        """What is at the path, with the parts that may be anything by their names; None: nothing is."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for shape, found in self._shaped.get(_kind(path), ()):
            match = shape.fullmatch(path)
            if match is not None:
                return found, match.groupdict()
        return None


def _kind(path: str) -> tuple[int, str]:
    """How many parts the path has, and the first one."""
    return path.count("/"), path[: path.find("/", 1)]
