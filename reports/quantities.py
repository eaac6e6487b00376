"""Quantities as people read them: three digits, the unit after the number."""

from __future__ import annotations

import re
from typing import Any

from scenarios.expectations import MEASURES

UNITS = {"duration": "s", "share": "share", "count": "count"}


def duration(seconds: float | None) -> str:
    """A duration for people.

    >>> [duration(s) for s in (0.0, 0.00042, 0.0123, 1.5, 75.0, None)]
    ['0 s', '0.42 ms', '12.3 ms', '1.5 s', '75 s', '–']
    >>> duration(-0.25), duration(4e-7)
    ('−250 ms', '0.4 µs')
    """
    if seconds is None:
        return "–"
    if seconds < 0.0:
        return f"−{duration(-seconds)}"
    if 0.0 < seconds < 9.995e-6:
        return f"{seconds * 1e6:.3g} µs"
    if seconds and seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:,.0f} s"


def quantity(value: float | None, unit: str) -> str:
    """A value of a measure for people; `unit` is s, share, count or ratio.

    >>> [quantity(0.25, unit) for unit in ("s", "share", "count", "ratio")]
    ['250 ms', '25 %', '0.25', '0.25']
    >>> [quantity(value, "count") for value in (1234.0, 12.5, 0)]
    ['1,234', '12.5', '0']
    >>> quantity(-0.02, "share")
    '−2 %'
    """
    if value is None:
        return "–"
    if value < 0.0:
        return f"−{quantity(-value, unit)}"
    if unit == "s":
        return duration(value)
    if unit == "share":
        return f"{100.0 * value:.3g} %"
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def change(value: float, unit: str) -> str:
    """A difference of two values of a measure for people; one of shares is in percentage points.

    >>> change(0.25, "s"), change(-0.153, "share"), change(0.0, "count")
    ('+250 ms', '−15.3 pp', '0')
    """
    sign = "+" if value > 0.0 else ""
    return f"{sign}{quantity(value, unit)}".replace(" %", " pp")


def claimed(text: str, value: float | None) -> str:
    """A value of the measure that an expectation speaks of, whatever its braces name.

    >>> claimed("lag.p99{summary} < 2s", 0.25), claimed("oversold <= 0", 47.0)
    ('250 ms', '47')
    """
    measure = MEASURES.get(re.split(r"\W", text, maxsplit=1)[0])
    return quantity(value, UNITS[measure.unit] if measure is not None else "count")


def name_of_fact(key: str) -> str:
    """What a fact of a counter-example is called; `_s` in a key says that it holds seconds."""
    return key.replace("_", " ").removesuffix(" s")


def fact(key: str, value: Any) -> str:
    """A fact of a counter-example for people.

    >>> name_of_fact("committed_s"), fact("committed_s", 40.02411), fact("order_id", 1356)
    ('committed', '40.024 s', '1356')
    """
    if value is None:
        return "–"
    if key.endswith("_s") and isinstance(value, int | float):
        return f"{value:,.3f} s"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
