"""What is acknowledged survives SIGKILL of the writer and of the server; the rest is whole or not there."""

from random import Random

import pytest
from postgres_server import postgres_server
from writing import acknowledged, assert_whole, kill, orders_store, settle, still_acknowledged, writer

from actors.stores.port import StoreUnavailable

ROUNDS = 3
ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX = 3, 60


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_acknowledged_orders_survive_the_death_of_their_writer(url: str, kind: str) -> None:
    stored: list[int] = []
    moments = Random(f"kill {kind}")
    for _ in range(ROUNDS):
        with writer(url) as process:
            promised = acknowledged(process, moments.randint(ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX))
            promised += kill(process)
        settle(url)
        with orders_store(url) as store:
            stored = assert_whole(store, stored + promised, extra_max=1)
        assert stored == list(range(1, len(stored) + 1)), "a restarted writer goes on where the store ends"


def test_acknowledged_orders_survive_the_death_of_the_server() -> None:
    with postgres_server() as server:
        url = server.fresh_database()
        with orders_store(url) as store:
            with writer(url) as process:
                promised = acknowledged(process, 40)
                server.kill()
                promised += still_acknowledged(process)
                assert process.stderr is not None
                assert process.stderr.read().startswith("StoreUnavailable: store orders: writing failed")
            with pytest.raises(StoreUnavailable):
                store.head()
            server.start()
            stored = assert_whole(store, promised, extra_max=1)
        with writer(url) as process:
            promised = acknowledged(process, 5)
            promised += kill(process)
        settle(url)
        with orders_store(url) as store:
            assert_whole(store, stored + promised, extra_max=1)
