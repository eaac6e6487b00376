"""What the shop of a scenario starts with: the same products, prices and stock on either clock.

>>> shop = catalogue(Population(products=2), Streams(1))
>>> shop.names, all(PRICE_MINOR_MIN <= price <= PRICE_MINOR_MAX for price in shop.prices_minor)
(('Product 1', 'Product 2'), True)
"""

from actors.system import Catalogue
from scenarios.population import PRICE_MINOR_MAX, PRICE_MINOR_MIN, Population, product_name
from scenarios.randomness import Streams


def catalogue(people: Population, streams: Streams) -> Catalogue:
    """The products of the population; their prices are drawn from the stream `catalogue/prices`."""
    prices = streams.stream("catalogue/prices")
    span = PRICE_MINOR_MAX - PRICE_MINOR_MIN + 1
    return Catalogue(
        tuple(product_name(number) for number in range(1, people.products + 1)),
        tuple(PRICE_MINOR_MIN + prices.below(span) for _ in range(people.products)),
        people.stock,
    )
