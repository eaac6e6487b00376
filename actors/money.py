"""Amounts: integers in minor units (cents) inside, exact decimals at the edge."""

from decimal import Decimal


def to_decimal(minor: int) -> Decimal:
    """The amount in major units.

    >>> to_decimal(1999)
    Decimal('19.99')
    """
    return Decimal(minor).scaleb(-2)


def to_minor(amount: Decimal) -> int:
    """The amount in minor units.

    >>> to_minor(Decimal("19.9"))
    1990

    Raises:
        ValueError: the amount is finer than one minor unit, or not a number.

    """
    if not amount.is_finite():
        raise ValueError(f"amount {amount} is not a number; write one such as 19.99")
    minor = amount.scaleb(2)
    if minor != minor.to_integral_value():
        raise ValueError(f"amount {amount} has more than two decimals; round it to cents")
    return int(minor)
