"""Amounts: integers in minor units (cents) inside, exact decimals at the edge."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact

DECIMALS = 2
MAGNITUDE_MAX = 60
"""Amounts have at most so many digits before the decimal point, and one."""


_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])
_UNIT = Decimal((0, (1,), -DECIMALS))


def to_decimal(minor: int) -> Decimal:
    """The amount in major units.

    >>> to_decimal(1999)
    Decimal('19.99')
    """
    return _EXACT.multiply(_UNIT, minor)  # whatever the precision that the program asks of its decimals


def to_minor(amount: Decimal) -> int:
    """The amount in minor units.

    >>> to_minor(Decimal("19.9"))
    1990

    Raises:
        ValueError: the amount is finer than one minor unit, not a number, or beyond all reason.

    """
    if not amount.is_finite():
        raise ValueError(f"amount {amount} is not a number; write one such as 19.99")
    if not amount:
        return 0
    if amount.adjusted() > MAGNITUDE_MAX:
        raise ValueError(f"amount {amount} is too large; write at most {MAGNITUDE_MAX} digits")
    sign, digits, exponent = amount.normalize(Context(prec=len(amount.as_tuple().digits))).as_tuple()
    assert isinstance(exponent, int), "a finite number has an exponent"
    if exponent < -DECIMALS:
        raise ValueError(f"amount {amount} has more than two decimals; round it to cents")
    minor: int = int("".join(map(str, digits))) * 10 ** (exponent + DECIMALS)
    return -minor if sign else minor
