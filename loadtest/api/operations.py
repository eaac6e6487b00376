"""The operations of the API: one table, which routes requests and from which the OpenAPI document is made.

To add one: write its endpoint, and add a line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta

from loadtest.api import bodies, endpoints, health, idempotency, metrics, tokens
from loadtest.api.call import CURSOR_PATTERN, PAGE_DEFAULT, PAGE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.api.endpoints import Endpoint
    from loadtest.api.request import Request

BODY_PROBLEMS: Final = ("malformed-json", "slow-body", "body-too-large", "wrong-media-type", "invalid-body")
"""How a request with a body may end."""

EVERYWHERE: Final = ("headers-too-large", "internal-error", "service-unavailable", "too-busy")
"""How any request may end."""

ANSWERING: Final = ("store-unavailable", "service-unavailable")
"""How a request may end that needs a service or its store."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the request beside its body."""

    name: str
    where: Literal["path", "query", "header"]
    type: Any
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is no problem; `headers` are those that it always has, `may_have` others."""

    status: int
    about: str
    type: Any = None
    headers: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """What a method does at a path."""

    method: str
    path: str
    endpoint: Endpoint
    answers: tuple[Answered, ...]
    problems: tuple[str, ...] = ()
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    guard: Callable[[Request], None] | None = None  # refuses who may not ask for it

    @property
    def name(self) -> str:
        """A name that no other operation has."""
        return self.endpoint.__name__

    @property
    def about(self) -> str:
        """What it does, in a sentence."""
        return (self.endpoint.__doc__ or "").strip().splitlines()[0]

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Every kind of problem that it may end with."""
        of_body = BODY_PROBLEMS if self.body is not None else ()
        of_parts = ("bad-parameter",) if self.parameters else ()
        return tuple(dict.fromkeys((*of_parts, *of_body, *self.problems, *EVERYWHERE)))


HEADERS: Final[dict[str, tuple[Any, str]]] = {
    "Location": (str, "Where what was made is to be found."),
    "Link": (Annotated[str, Meta(pattern='^<.*>; rel="next"$')], "The next page, if there is one."),
    tokens.HEADER: (
        Annotated[str, Meta(pattern=tokens.PATTERN)],
        "Of a command: the position of its event. Of a read: the positions that the answer reflects.",
    ),
    tokens.AGE_HEADER: (
        Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]{3}$")],
        "For how many seconds the view has lacked something that a log has by now; 0.000: nothing.",
    ),
    tokens.STALE_HEADER: (
        Annotated[str, Meta(pattern=r"^\?[01]$")],
        "Whether (?1) the answer does not reflect the positions that were asked for.",
    ),
    "Preference-Applied": (str, "For how long the view was ready to wait."),
    "Retry-After": (Annotated[str, Meta(pattern="^[0-9]+$")], "After how many seconds to ask again."),
    "Allow": (str, "The methods that are for this path."),
}
"""The headers of answers: how they look and what they say."""

CUSTOMER = Parameter("customerId", "path", bodies.CustomerId)
PRODUCT = Parameter("productId", "path", bodies.ProductId)
ORDER = Parameter("orderId", "path", bodies.OrderId)
LIMIT = Parameter(
    "limit",
    "query",
    Annotated[int, Meta(ge=1, le=PAGE_MAX, examples=[PAGE_DEFAULT])],
    f"How many rows a page has at most; {PAGE_DEFAULT} unless it is said.",
)
CURSOR = Parameter(
    "cursor",
    "query",
    Annotated[str, Meta(pattern=CURSOR_PATTERN, examples=["41"])],
    "Where the page begins, as a link says.",
)
KEY = Parameter(
    idempotency.HEADER,
    "header",
    Annotated[str, Meta(pattern=idempotency.PATTERN, examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"])],
    "Makes it safe to repeat the request: under one key one order is placed, and the answer is the same.",
)
POSITION = Parameter(
    tokens.HEADER,
    "header",
    Annotated[str, Meta(pattern=tokens.PATTERN, examples=["orders=1"])],
    "What the answer should reflect: the Position that a command was answered with. Under the policy "
    "read = wait the view is waited for.",
)
PREFER = Parameter(
    "Prefer",
    "header",
    Annotated[str, Meta(examples=["wait=5"])],
    "wait=5: wait for the view for at most so many seconds (RFC 7240), up to 30.",
)
READING = (POSITION, PREFER)

REFLECTING = (tokens.AGE_HEADER, tokens.HEADER)
ON_REQUEST = (tokens.STALE_HEADER, "Preference-Applied")

PLACED = (
    Answered(201, "The order is placed, durably.", bodies.PlacedOrder, ("Location", tokens.HEADER)),
    Answered(
        202,
        "The order is placed, durably, and waits for its units (policy stock = saga).",
        bodies.PlacedOrder,
        ("Location", tokens.HEADER),
    ),
)
PLACING: Final = ("insufficient-stock", "product-not-sold", "refused", *ANSWERING)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/orders",
        endpoints.place_order,
        PLACED,
        (*PLACING, "key-in-flight", "key-reused"),
        bodies.NewOrder,
        (KEY,),
    ),
    Operation(
        "GET",
        "/orders/{orderId}",
        endpoints.order,
        (Answered(200, "The order.", bodies.Order, REFLECTING),),
        ("unknown-order", *ANSWERING),
        parameters=(ORDER,),
    ),
    Operation(
        "GET",
        "/customer/{customerId}/orders",
        endpoints.history,
        (Answered(200, "A page of orders.", list[bodies.OrderSummary], REFLECTING, (*ON_REQUEST, "Link")),),
        ANSWERING,
        parameters=(CUSTOMER, LIMIT, CURSOR, *READING),
    ),
    Operation(
        "GET",
        "/inventory/products/{productId}",
        endpoints.stock,
        (Answered(200, "The stock.", bodies.Stock, REFLECTING, ON_REQUEST),),
        ("unknown-product", *ANSWERING),
        parameters=(PRODUCT, *READING),
    ),
    Operation(
        "POST",
        "/inventory/products/{productId}/adjustments",
        endpoints.adjust_stock,
        (Answered(200, "The stock is adjusted.", bodies.ChangedProduct, (tokens.HEADER,)),),
        ("unknown-product", "insufficient-stock", "refused", *ANSWERING),
        bodies.Adjustment,
        (PRODUCT,),
    ),
    Operation(
        "GET",
        "/products",
        endpoints.products,
        (Answered(200, "A page of products.", list[bodies.Product], REFLECTING, (*ON_REQUEST, "Link")),),
        ANSWERING,
        parameters=(LIMIT, CURSOR, *READING),
    ),
    Operation(
        "POST",
        "/products",
        endpoints.add_product,
        (Answered(201, "The product is added.", bodies.ChangedProduct, ("Location", tokens.HEADER)),),
        ("refused", *ANSWERING),
        bodies.NewProduct,
    ),
    Operation(
        "GET",
        "/products/{productId}",
        endpoints.product,
        (Answered(200, "The product.", bodies.Product, REFLECTING, ON_REQUEST),),
        ("unknown-product", "not-yet-visible", *ANSWERING),
        parameters=(PRODUCT, *READING),
    ),
    Operation(
        "PATCH",
        "/products/{productId}",
        endpoints.change_product,
        (Answered(200, "The product is changed.", bodies.ChangedProduct, (tokens.HEADER,)),),
        ("unknown-product", "refused", *ANSWERING),
        bodies.ProductChange,
        (PRODUCT,),
    ),
    Operation(
        "GET",
        "/customer/{customerId}/cart",
        endpoints.cart,
        (Answered(200, "The cart.", bodies.Cart, (tokens.AGE_HEADER,)),),
        ANSWERING,
        parameters=(CUSTOMER,),
    ),
    Operation(
        "PUT",
        "/customer/{customerId}/cart/items/{productId}",
        endpoints.put_in_cart,
        (Answered(204, "The cart holds it."),),
        ("cart-full", "refused", *ANSWERING),
        bodies.CartQuantity,
        (CUSTOMER, PRODUCT),
    ),
    Operation(
        "DELETE",
        "/customer/{customerId}/cart/items/{productId}",
        endpoints.remove_from_cart,
        (Answered(204, "The cart does not hold it."),),
        ANSWERING,
        parameters=(CUSTOMER, PRODUCT),
    ),
    Operation(
        "POST",
        "/customer/{customerId}/cart/checkout",
        endpoints.check_out,
        PLACED,
        (*PLACING, "cart-empty"),
        bodies.CheckOutRequest,
        (CUSTOMER,),
    ),
    Operation("GET", "/livez", health.livez, (Answered(200, "The server is alive.", bodies.Health),)),
    Operation(
        "GET",
        "/readyz",
        health.readyz,
        (Answered(200, "The system can be used.", bodies.Health),),
        ("not-ready",),
    ),
    Operation(
        "GET",
        "/metrics",
        metrics.metrics,
        (Answered(200, "Numbers for Prometheus.", str, media_type=metrics.MEDIA_TYPE),),
    ),
)
"""What every server has; `loadtest.admin.operations` has the others."""
