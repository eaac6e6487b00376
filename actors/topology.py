"""Which services there are and which logs each one follows: the shape of the system as plain tables."""

from actors.policy import Policy

CONSUMERS: dict[str, tuple[str, ...]] = {
    "inventory": ("orders",),
    "summary": ("orders",),
    "products": ("catalog", "inventory"),
    "orders": ("catalog", "inventory"),
}
"""Which logs each consumer follows."""

SOURCES = ("orders", "catalog", "inventory")
"""The services that have a log."""

NODES = ("orders", "carts", "catalog", "inventory", "products", "summary", "relay")
"""The processes that can be down, paused or slow by themselves."""

SERVICES = ("orders", "carts", "catalog", "inventory", "products", "summary")
"""The services that keep something, each in a store of its own."""

STORES = tuple(f"store:{service}" for service in SERVICES)
"""The stores, as faults and times name them."""

LINKS = tuple(f"{source}->{name}" for name, sources in CONSUMERS.items() for source in sources)
"""The directions in which events travel, from producer to consumer."""


def consumers(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Which logs each consumer follows under this policy.

    The order service needs to hear of the stock only if it checks orders against it.
    """
    if policy.stock == "view":
        return dict(CONSUMERS)
    return CONSUMERS | {"orders": ("catalog",)}


def followers(policy: Policy, source: str) -> tuple[str, ...]:
    """The consumers of one log."""
    return tuple(name for name, sources in consumers(policy).items() if source in sources)
