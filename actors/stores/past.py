"""A store as it was some time ago: a copy in memory that takes in every write so much later than it landed.

It answers as a replica would that lags by a constant time, the log and its head included.

>>> from actors.stores.memory import SharedMemoryStore
>>> from actors.tables import CATALOG, CatalogRow
>>> past = PastStore(SharedMemoryStore("catalog", [CATALOG]), lag_s=5.0)
>>> past.note(10.0, [Put(CATALOG, CatalogRow(product_id=7, name="Lamp", price_minor=1999))], [])
>>> past.at(14.9).get(CATALOG, (7,)), past.at(15.0).get(CATALOG, (7,)).name
(None, 'Lamp')
"""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from actors.stores.memory import SharedMemoryStore
from actors.stores.port import Change, NewEvent, Put, Store
from actors.tables import tables_of

_WHOLE_LOG = 2**31 - 1


class PastStore:
    """What `store` was `lag_s` seconds ago; before this copy was made, what it was then.

    It learns from `note` alone, which is to be told of every write from then on, in the order of landing.

    Raises:
        StoreError: the store cannot be read.

    """

    def __init__(self, store: Store, lag_s: float) -> None:
        tables = tables_of(store.name)
        self._lag_s = lag_s
        self._lock = Lock()
        self._landed: deque[tuple[float, Sequence[Change], Sequence[NewEvent]]] = deque()
        self._copy = SharedMemoryStore(store.name, tables)
        self._copy.write(
            [Put(table, row) for table in tables for row in store.scan(table)],
            [NewEvent(one.key, one.recorded_at, one.event) for one in store.read_log(0, _WHOLE_LOG)],
        )

    def note(self, landed_s: float, changes: Sequence[Change], events: Sequence[NewEvent]) -> None:
        """Hear of a write that landed at this instant."""
        with self._lock:
            self._landed.append((landed_s, tuple(changes), tuple(events)))
        self.at(landed_s)  # so that what is kept spans no more than the lag

    def at(self, now_s: float) -> SharedMemoryStore:
        """The store for a read at this instant."""
        with self._lock:
            landed = self._landed
            while landed and landed[0][0] + self._lag_s <= now_s:
                _, changes, events = landed.popleft()
                self._copy.write(changes, events)
        return self._copy
