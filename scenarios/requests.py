"""What the clients of each kind ask, drawn request by request, whatever the clock.

Every kind of load draws from streams of its own, named after it, and all about a request is drawn when it
arrives, so that nothing that happens in the system moves an arrival or changes what is asked.

>>> from scenarios.arrivals import Nothing
>>> from scenarios.loads import LoadRules
>>> from scenarios.population import Population
>>> from scenarios.randomness import Streams
>>> draw = Requests(Population(), {"history": LoadRules(Nothing())}, Nothing()).draws("history", Streams(1))
>>> 1 <= draw() <= 500
True
"""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from actors.messages import AdjustStock, OrderLine, PlaceOrder, RenameProduct, RepriceProduct
from scenarios.arrivals import Nothing
from scenarios.population import PRICE_MINOR_MAX, PRICE_MINOR_MIN, Span, product_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.distributions import Distribution
    from scenarios.loads import LoadRules
    from scenarios.population import Population
    from scenarios.randomness import Streams

    Draw = Callable[[], Any]

CART_ADDS_MAX = 3
RESTOCK_MAX = 10
CATALOGUE_PAGE_SHARE = 0.5
"""The share of `browse` reads that ask for a page of the catalogue rather than for one product."""


class Cart(NamedTuple):
    """What a customer puts into the cart, product by product, the last one first, and then checks out."""

    customer_id: int
    items: list[tuple[int, int]]


class Requests:
    """The requests of a scenario's loads.

    `draws` gives a function that makes up the next request of a kind: a `PlaceOrder` for `orders`, a `Cart`
    for `checkouts`, a customer for `history`, a product for `stock` and `browse` (−1: a page of the
    catalogue), an `AdjustStock` for `restock`, a `RenameProduct` or `RepriceProduct` for `catalogue`. If the
    scenario has customers read back what they have ordered, `orders` and `checkouts` come in pairs with the
    think time (s) before that. `series` sets the names that a catalogue's copy gives apart from the others'.
    """

    def __init__(
        self, people: Population, rules: Mapping[str, LoadRules], own_read: Distribution | Nothing
    ) -> None:
        self._people = people
        self._rules = rules
        self._own_read = own_read
        self._draws: dict[str, Callable[[str, Streams, str], Draw]] = {
            "orders": self._orders,
            "checkouts": self._checkouts,
            "history": lambda kind, streams, _: self._customer(kind, streams),
            "stock": lambda kind, streams, _: self._product(kind, streams),
            "browse": self._browse,
            "restock": self._restock,
            "catalogue": self._catalogue,
        }

    def draws(self, kind: str, streams: Streams, series: str = "") -> Draw:
        """A function that makes up the next request of this kind."""
        return self._draws[kind](kind, streams, series)

    # -- what requests are made of ---------------------------------------------------------------------

    def _customer(self, kind: str, streams: Streams) -> Callable[[], int]:
        return Span(1, self._people.customers).sampler(streams.stream(f"load/{kind}/customer"))

    def _product(self, kind: str, streams: Streams) -> Callable[[], int]:
        stream = streams.stream(f"load/{kind}/product")
        return self._people.popularity.sampler(stream, self._people.products)

    def _quantity(self, kind: str, streams: Streams) -> Callable[[], int]:
        return self._people.quantity.sampler(streams.stream(f"load/{kind}/quantity"))

    # -- orders ----------------------------------------------------------------------------------------

    def _orders(self, kind: str, streams: Streams, _series: str) -> Draw:
        customer, product = self._customer(kind, streams), self._product(kind, streams)
        quantity = self._quantity(kind, streams)
        lines = self._people.lines.sampler(streams.stream(f"load/{kind}/lines"))
        products, rules = self._people.products, self._rules[kind]

        def draw() -> PlaceOrder:
            wanted: dict[int, int] = {}
            number_of_lines = lines()
            if number_of_lines > products:
                number_of_lines = products
            for _ in range(number_of_lines):
                number = product()
                if rules.active:
                    number = rules.product(number, wanted)
                while number in wanted:  # an order names a product once: the next one on the shelf instead
                    number = number % products + 1
                wanted[number] = quantity()
            return PlaceOrder(customer(), tuple(starmap(OrderLine, wanted.items())))

        return self._reading_back(kind, draw, streams)

    def _checkouts(self, kind: str, streams: Streams, _series: str) -> Draw:
        customer, product = self._customer(kind, streams), self._product(kind, streams)
        quantity, adds = self._quantity(kind, streams), streams.stream(f"load/{kind}/adds")
        rules = self._rules[kind]

        def draw() -> Cart:
            who = customer()
            items: list[tuple[int, int]] = []
            for _ in range(1 + adds.below(CART_ADDS_MAX)):
                number = product()
                if rules.active:
                    number = rules.product(number, [named for named, _ in items])
                items.append((number, quantity()))
            return Cart(who, items)

        return self._reading_back(kind, draw, streams)

    def _reading_back(self, kind: str, draw: Draw, streams: Streams) -> Draw:
        """The requests with think times, if customers read back."""
        own = self._own_read
        if isinstance(own, Nothing):
            return draw
        think = own.sampler(streams.stream("load/own_read" if kind == "orders" else f"load/own_read/{kind}"))
        return lambda: (draw(), think())

    # -- the rest --------------------------------------------------------------------------------------

    def _browse(self, kind: str, streams: Streams, _series: str) -> Draw:
        product, choice = self._product(kind, streams), streams.stream(f"load/{kind}/choice")

        def draw() -> int:
            number = product()
            return -1 if choice.uniform() < CATALOGUE_PAGE_SHARE else number

        return draw

    def _restock(self, kind: str, streams: Streams, _series: str) -> Draw:
        product, units = self._product(kind, streams), streams.stream(f"load/{kind}/units")
        return lambda: AdjustStock(product(), 1 + units.below(RESTOCK_MAX))

    def _catalogue(self, kind: str, streams: Streams, series: str) -> Draw:
        product, choice = self._product(kind, streams), streams.stream(f"load/{kind}/choice")
        editions: dict[int, int] = {}

        def draw() -> RenameProduct | RepriceProduct:
            number = product()
            if choice.below(2):
                price = PRICE_MINOR_MIN + choice.below(PRICE_MINOR_MAX - PRICE_MINOR_MIN + 1)
                return RepriceProduct(number, price)
            editions[number] = editions.get(number, 1) + 1
            return RenameProduct(number, f"{product_name(number)}, edition {series}{editions[number]}")

        return draw
