"""Which services there are and which logs each one follows: the shape of the system as plain tables."""

from actors.policy import Policy

CONSUMERS: dict[str, tuple[str, ...]] = {
    "inventory": ("orders",),
    "summary": ("orders",),
    "products": ("catalog", "inventory"),
    "orders": ("catalog", "inventory"),
}
"""Which logs each consumer follows."""

READ_MODELS = ("products", "summary")
"""The consumers that only show what others have decided: there may be several copies of each."""

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


def replicas(policy: Policy, consumer: str) -> tuple[str, ...]:
    """The names of a read model's copies, of which the first is called as the read model is.

    >>> replicas(Policy(), "summary")
    ('summary',)
    """
    number = policy.of(consumer).replicas if consumer in READ_MODELS else 1
    return (consumer, *(f"{consumer}/{copy}" for copy in range(2, number + 1)))


def consumers(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Which logs each consumer follows under this policy.

    The order service needs to hear of the inventory only if that concerns its decisions. Each copy of a read
    model is a consumer of its own.
    """
    hears = policy.stock in ("view", "saga")
    follows = CONSUMERS if hears else CONSUMERS | {"orders": ("catalog",)}
    return {copy: sources for consumer, sources in follows.items() for copy in replicas(policy, consumer)}


def stores(policy: Policy) -> tuple[str, ...]:
    """The names of the stores under this policy: one for each service, and for each copy of a read model."""
    return tuple(copy for service in SERVICES for copy in replicas(policy, service))


def followers(policy: Policy, source: str) -> tuple[str, ...]:
    """The consumers of one log."""
    return tuple(name for name, sources in consumers(policy).items() if source in sources)


def node_of(consumer: str) -> str:
    """The process that a consumer is part of: `summary/2`, a replica, is part of `summary`."""
    return consumer.partition("/")[0]
