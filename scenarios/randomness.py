"""Random numbers: one independent stream for each purpose, the same on every machine.

A stream is derived from the seed and a name, so that removing one fault or changing one policy leaves every
other stream as it was. Only the raw 64-bit outputs of PCG64 are taken from numpy, whose policy keeps them
stable between versions; everything above them is made here.

>>> Streams(1).stream("arrivals").uniform() == Streams(1).stream("arrivals").uniform()
True
"""

import hashlib
from collections.abc import Iterator
from typing import overload

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GRID_PER_S = 2.0**36
_GRID_S = 2.0**-36
_FIRST_BLOCK, _LARGEST_BLOCK = 64, 4096


class Stream:
    """An endless sequence of independent uniforms in [0, 1), each a multiple of 2⁻⁵³.

    Every method takes from the one sequence, in the order of the calls: `uniforms(n)` gives what n calls
    of `uniform` would have given.
    """

    __slots__ = ("_bits", "_next", "_sizes", "_values")

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))
        self._values: list[float] = []
        self._next = 0
        self._sizes = block_sizes()

    def uniform(self) -> float:
        """The next uniform in [0, 1)."""
        at = self._next
        if at == len(self._values):
            self._values = self._fresh(next(self._sizes)).tolist()
            at = 0
        self._next = at + 1
        return self._values[at]

    def below(self, n: int) -> int:
        """A whole number from 0 to n − 1; each is equally likely up to n · 2⁻⁵³. One uniform."""
        return int(self.uniform() * n)

    def uniforms(self, n: int) -> Floats:
        """The next n uniforms in [0, 1)."""
        left = self._values[self._next : self._next + n]
        if not left:
            return self._fresh(n)
        self._next += len(left)
        return np.concatenate([np.array(left), self._fresh(n - len(left))])

    def _fresh(self, n: int) -> Floats:
        raw: npt.NDArray[np.uint64] = self._bits.random_raw(n)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Streams:
    """The streams of one seed: one for each name, made when it is first asked for, and the same one after."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        """The stream of this name; what others take from theirs does not change it."""
        stream = self._streams.get(name)
        if stream is None:
            digest = hashlib.sha256(f"{self.seed}\n{name}".encode()).digest()
            stream = self._streams[name] = Stream(int.from_bytes(digest, "little"))
        return stream


def block_sizes() -> Iterator[int]:
    """How many numbers to make at a time: few at first, so that a small run is cheap, then many."""
    size = _FIRST_BLOCK
    while True:
        yield size
        size = min(2 * size, _LARGEST_BLOCK)


@overload
def quantise(seconds: float) -> float: ...
@overload
def quantise(seconds: Floats) -> Floats: ...
def quantise(seconds: float | Floats) -> float | Floats:
    """Seconds rounded to the nearest multiple of 2⁻³⁶ s (about 15 ps), ties to the even one.

    The last bit of a logarithm differs between machines (libm, SIMD); on this grid the difference vanishes.
    Sums and differences of such times are exact as long as they stay below 2¹⁷ s (36 h), so the order of
    adding does not matter and instants that should coincide do.

    >>> quantise(0.1 + 0.2) == quantise(0.3)
    True
    """
    if isinstance(seconds, np.ndarray):
        return np.rint(seconds * _GRID_PER_S) * _GRID_S
    if not -(2.0**17) < seconds < 2.0**17:
        return seconds  # lies on the grid already
    return round(seconds * _GRID_PER_S) * _GRID_S
