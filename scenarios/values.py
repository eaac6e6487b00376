"""Durations and rates as text: `"3m30s"`, `"20/s"`.

Text is read in decimal arithmetic and rounded once, to the nearest float; a float is written with the
fewest digits that bring it back. So writing and reading again gives the same number to the last bit.
"""

import math
import re
from decimal import Context, Decimal

from scenarios.errors import ScenarioError, nearest, quoted

_UNITS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
_PERIODS = {"s": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_PIECE = re.compile(rf"\s*({_NUMBER})\s*([a-zA-Zµ]*)")
_RATE = re.compile(rf"({_NUMBER})\s*/\s*([a-zA-Z]+)")
_EXACT = Context(prec=800)  # holds any float's shortest decimal, scaled to any unit, without rounding


def parse_number(text: str) -> float:
    """A plain, finite number that is not negative.

    >>> parse_number("1.5")
    1.5
    """
    if not re.fullmatch(_NUMBER, text) or not math.isfinite(number := float(text)):
        raise ScenarioError(f'{quoted(text)} is not a number; write digits only, such as "1.5".')
    return number


def format_number(number: float) -> str:
    """The number with as few digits as tell it from its neighbours.

    >>> format_number(4.0), format_number(0.1)
    ('4', '0.1')
    """
    text = repr(float(number))
    return text.removesuffix(".0")


def parse_duration(text: str, *, allow_negative: bool = False) -> float:
    """Seconds of a duration such as `250ms`, `3m30s`, `1h`; units h, m, s, ms, us, ns, each at most once.

    >>> parse_duration("3m30s"), parse_duration("250ms"), parse_duration("-2s", allow_negative=True)
    (210.0, 0.25, -2.0)
    """
    body = text.strip()
    negative = body.startswith("-")
    if negative:
        if not allow_negative:
            raise ScenarioError(f"{quoted(text)} is negative; write a duration of 0s or more.")
        body = body[1:]
    total = Decimal(0)
    smallest: Decimal | None = None
    at = 0
    while at < len(body) or not body:
        piece = _PIECE.match(body, at)
        if piece is None:
            raise ScenarioError(
                f'{quoted(text)} is not a duration; write numbers with units, such as "250ms" or "3m30s".'
            )
        number, unit = piece.groups()
        if not unit:
            raise ScenarioError(
                f"{quoted(text)} has no unit; write {quoted(text.strip() + 's')} for seconds."
            )
        scale = _UNITS.get(unit)
        if scale is None:
            near = nearest(unit, _UNITS)
            raise ScenarioError(
                f"{quoted(text)} has the unknown unit {quoted(unit)}; the nearest is {quoted(near)}. "
                f"Write {quoted(body[: piece.start(2)] + near + body[piece.end(2) :])} "
                "(units: h, m, s, ms, us, ns)."
            )
        if smallest is not None and scale >= smallest:
            raise ScenarioError(
                f'{quoted(text)} has its units out of order; write the largest first, such as "3m30s".'
            )
        smallest = scale
        total = _EXACT.add(total, _EXACT.multiply(Decimal(number), scale))
        at = piece.end()
    seconds = float(total)
    if not math.isfinite(seconds):
        raise ScenarioError(f"{quoted(text)} is longer than any number can say; write a shorter duration.")
    return -seconds if negative else seconds


def format_duration(seconds: float) -> str:
    """The duration as text; `parse_duration` gives back exactly the same float.

    >>> [format_duration(s) for s in (0.25, 210.0, 3600.0, 0.0, 1.0, 61.5, 0.00105)]
    ['250ms', '3m30s', '1h', '0s', '1s', '1m1.5s', '1.05ms']
    """
    if seconds < 0:
        return "-" + format_duration(-seconds)
    exact = Decimal(repr(float(seconds)))
    if seconds == 0:
        return "0s"
    if not 1e-9 <= seconds < 1e9:
        return f"{format_number(seconds)}s"
    if seconds < 60:
        unit = next(unit for unit in ("s", "ms", "us", "ns") if exact >= _UNITS[unit])
        return f"{_plain(_EXACT.divide(exact, _UNITS[unit]))}{unit}"
    text = ""
    for unit in ("h", "m", "s"):
        whole = exact // _UNITS[unit] if unit != "s" else exact
        exact = _EXACT.subtract(exact, _EXACT.multiply(whole, _UNITS[unit]))
        if whole:
            text += f"{_plain(whole)}{unit}"
    return text


def _plain(number: Decimal) -> str:
    """Digits without an exponent and without zeros at the end."""
    return f"{number.normalize(_EXACT):f}"


def parse_rate(text: str) -> float:
    """Events per second of a rate such as `20/s`, `600/min`, `5/h`.

    >>> parse_rate("20/s"), parse_rate("600/min")
    (20.0, 10.0)
    """
    body = text.strip()
    if body.startswith("-"):
        raise ScenarioError(f'{quoted(text)} is negative; write a rate of 0 or more, such as "20/s".')
    match = _RATE.fullmatch(body)
    if match is None:
        raise ScenarioError(f'{quoted(text)} is not a rate; write a number for each second, such as "20/s".')
    number, period = match.groups()
    if period not in _PERIODS:
        near = nearest(period, _PERIODS)
        raise ScenarioError(
            f"{quoted(text)} has the unknown period {quoted(period)}; the nearest is {quoted(near)}. "
            f"Write {quoted(f'{number}/{near}')} (periods: s, min, h)."
        )
    rate = float(_EXACT.divide(Decimal(number), _PERIODS[period]))
    if not math.isfinite(rate):
        raise ScenarioError(f"{quoted(text)} is more than any number can say; write a lower rate.")
    return rate


def format_rate(rate: float) -> str:
    """The rate as text, in the period that takes the fewest digits; `parse_rate` gives back the same float.

    >>> format_rate(20.0), format_rate(1 / 3)
    ('20/s', '20/min')
    """
    texts = [f"{format_number(rate)}/s"]
    for period, seconds in (("min", 60), ("h", 3600)):
        if math.isfinite(rate * seconds):
            text = f"{format_number(rate * seconds)}/{period}"
            if len(text) < len(texts[0]) - 3 and parse_rate(text) == rate:
                texts.append(text)
    return min(texts, key=len)
