"""The lab's own server, as `cqrs-lab serve` starts it, for `bench_facade`.

python service_lab.py PORT FOLDER sqlite|URL [record]
"""

import sys
from pathlib import Path

from loadtest.server.serving import serve
from scenarios.population import Population
from scenarios.scenario import Scenario

PRODUCTS, STOCK = 1_000, 1_000_000_000
"""Enough stock that no order is refused."""

if __name__ == "__main__":
    port, folder, store, *record = sys.argv[1:]
    serve(
        None if store == "sqlite" else store,
        Scenario(name="bench", population=Population(products=PRODUCTS, stock=STOCK)),
        port=int(port),
        record=bool(record),
        folder=Path(folder),
    )
