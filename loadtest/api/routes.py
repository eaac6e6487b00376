"""Routes: what is at a path, whose parts in braces may be anything.

Its number of parts and the first of them leave few candidates, and most paths one.

>>> routes = Routes({"/orders": "all", "/orders/{orderId}": "one"})
>>> routes.find("/orders/7"), routes.find("/orders/"), routes.find("/orders")
(('one', {'orderId': '7'}), None, ('all', {}))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class Routes(Generic[T]):
    """Finds what is at a path. The first part of every path is a word."""

    def __init__(self, by_path: Mapping[str, T]) -> None:
        self._fixed = {path: found for path, found in by_path.items() if "{" not in path}
        self._shaped: dict[tuple[int, str], list[tuple[list[str], T]]] = {}
        for path, found in by_path.items():
            if "{" in path:
                parts = path.split("/")
                self._shaped.setdefault((len(parts), parts[1]), []).append((parts, found))

    def find(self, path: str) -> tuple[T, dict[str, str]] | None:
        """What is at the path, with the parts that may be anything by their names; None: nothing is."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        parts = path.split("/")
        if len(parts) == 1 or parts[0]:
            return None
        for shape, found in self._shaped.get((len(parts), parts[1]), ()):
            free: dict[str, str] = {}
            for wanted, part in zip(shape, parts, strict=True):
                if wanted == part:
                    continue
                if not part or not wanted.startswith("{"):
                    break
                free[wanted[1:-1]] = part
            else:
                return found, free
        return None
