"""Measures two things against each other in one run, turn by turn, so that the machine's mood hits both."""

import statistics
import time
from collections.abc import Callable

ROUNDS = 7


def rate(work: Callable[[], float]) -> float:
    """Units a second of processor time; `work` returns how many units it did."""
    begun = time.process_time()
    units = work()
    return units / (time.process_time() - begun)


def compare(
    name: str, ours: Callable[[], float], reference: Callable[[], float], *, at_least: float
) -> float:
    """Print and return the median, over some rounds, of our rate as a multiple of the reference's."""
    pairs = [(rate(ours), rate(reference)) for _ in range(ROUNDS)]
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    ratio = statistics.median(ratios)
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    report(name, ratio, at_least=at_least, detail=f"{mine:,.0f}/s against {theirs:,.0f}/s")
    print(f"{'':46}rounds from {ratios[0]:.2f} to {ratios[-1]:.2f}")
    return ratio


def report(
    name: str, value: float, *, at_least: float | None = None, at_most: float | None = None, detail: str = ""
) -> None:
    """Print one line: what, the value, its target, whether it is met."""
    target = f"≥ {at_least:g}" if at_least is not None else f"≤ {at_most:g}"
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    print(f"{name:46}{value:8.2f}  target {target:8}{'met' if met else 'MISSED':8}{detail}")
