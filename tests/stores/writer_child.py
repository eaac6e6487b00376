"""A process that places orders until it is killed, and says which ones the store has acknowledged.

    python writer_child.py URL FIRST COUNT

It writes COUNT orders (0: without end), one transaction each, with ids from FIRST on, or from behind those
that the store already holds. One line on standard output, an order id, follows each write that has returned.
It ends with the failure's message when the store fails.
"""

import sys
from itertools import count, islice

from actors.messages import OrderPlaced, PlacedLine
from actors.stores.opening import close_all, open_stores
from actors.stores.port import Insert, NewEvent, Store, StoreError
from actors.tables import ORDER_ITEMS, ORDERS, OrderItemRow, OrderRow

IDS_OF_A_WRITER = 1_000_000
"""A writer from FIRST on uses ids below FIRST plus this; so several can share a store."""


def lines_of(order_id: int) -> int:
    """How many lines the order with this id has."""
    return 1 + order_id % 3


def place(store: Store, order_id: int) -> None:
    lines = range(lines_of(order_id))
    store.write(
        [
            Insert(
                ORDERS,
                OrderRow(order_id, order_id % 5, 0.0, 100 * len(lines), "Rue de l'Été 5", len(lines)),
            ),
            *(Insert(ORDER_ITEMS, OrderItemRow(order_id, line, line + 1, 1, 100)) for line in lines),
        ],
        [
            NewEvent(
                order_id % 5,
                0.0,
                OrderPlaced(
                    order_id,
                    order_id % 5,
                    0.0,
                    100 * len(lines),
                    tuple(PlacedLine(line + 1, 1, 100) for line in lines),
                ),
            )
        ],
    )


def main(url: str, first: int, number: int) -> None:
    stores = open_stores(url)
    store = stores["orders"]
    mine = (row.order_id for row in store.scan(ORDERS) if first <= row.order_id < first + IDS_OF_A_WRITER)
    for order_id in islice(count(max(mine, default=first - 1) + 1), number or None):
        place(store, order_id)
        print(order_id, flush=True)
    close_all(stores)


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except StoreError as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
