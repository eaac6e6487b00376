"""`hot`: the share `p` of the lines that a load orders or puts into carts name one product, the first.

A line stays as it is where that product is named already: an order names a product once.
"""

from collections.abc import Callable
from typing import Final

from scenarios.loads import LoadRule, Loads
from scenarios.randomness import Stream
from scenarios.scenario import Fault

HOT_PRODUCT: Final = 1


class Hot(LoadRule):
    """Lets a line name the hot product, each with the same probability."""

    def __init__(self, p: float, stream: Stream) -> None:
        self._p = p
        self._stream = stream

    def product(self) -> int | None:
        """See `LoadRule`."""
        return HOT_PRODUCT if self._stream.uniform() < self._p else None


def begin(fault: Fault, load: str, loads: Loads, stream: Stream) -> Callable[[], int]:
    """Touches each line that names the hot product on its account."""
    assert fault.p is not None, "what is hot is read with a probability in `p`"
    return loads.add_load_rule(load, Hot(fault.p, stream))
