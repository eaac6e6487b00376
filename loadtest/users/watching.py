"""Watching: how long it takes until an acknowledged order can be seen through the read model.

Each order that is watched is looked for by itself, from its acknowledgment on, whatever becomes of others, so
that an outage is sampled as often as good times. One that is not seen by its deadline is censored: its lag is
at least that long, and it is counted, never dropped.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

import gevent
from gevent.pool import Group
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from loadtest.users.shop import Shop

if TYPE_CHECKING:
    from locust.env import Environment

    from loadtest.users.session import Session
    from loadtest.users.shop import Placed

WATCH_RATE: Final = 5.0
"""So many orders a second are watched at most, whatever the load."""

INTERVAL_S: Final = (0.005, 0.010)
"""Between two looks, at random, so that they do not fall into step with anything."""

RELATIVE: Final = 0.05
LONGEST_S: Final = 0.5
"""Once that is longer: between two looks this share of the time that has been waited, and at most so long.

A lag is so known to 5 ms or to 5 %, and an outage of a minute is not made worse by the looking.
"""

CONNECTIONS: Final = 32
TIMEOUT_S: Final = 5.0
"""For so long one look waits for its answer."""

WRITE, VIEW = "order", "summary"


class Watching:
    """Watches orders for at most `deadline_s` each."""

    def __init__(self, session: Session, environment: Environment, deadline_s: float) -> None:
        self._session = session
        self._environment = environment
        self._deadline_s = deadline_s
        self._group = Group()
        self._looked_for: dict[int, Placed] = {}
        self._shop: Shop | None = None

    def watch(self, placed: Placed) -> None:
        """Begin to look for an order."""
        self._looked_for[placed.order_id] = placed
        self._group.spawn(self._watch, placed)

    def join(self) -> None:
        """Wait until every order is seen or given up."""
        self._group.join()

    def end(self) -> None:
        """Give up what has not been seen."""
        self._group.kill()
        for placed in list(self._looked_for.values()):  # their looking had not even begun
            self._ended(placed, math.nan, math.nan, self._session.clock.now_s(), 0)

    def _eyes(self) -> Shop:
        """A way to the shop whose requests neither count as the load's nor wait for them."""
        if self._shop is None:
            http = FastHttpSession(
                self._environment.host,
                EventHook(),
                None,
                concurrency=CONNECTIONS,
                network_timeout=TIMEOUT_S,
                connection_timeout=TIMEOUT_S,
            )
            self._shop = Shop(http, self._session)
        return self._shop

    def _watch(self, placed: Placed) -> None:
        eyes, clock, acknowledged_s = self._eyes(), self._session.clock, placed.acknowledged_s
        deadline_s = acknowledged_s + self._deadline_s
        missed_s = seen_s = math.nan
        reads = 0
        try:
            while clock.now_s() < deadline_s:
                sent_s, reads = clock.now_s(), reads + 1
                if eyes.sees(placed):
                    seen_s = clock.now_s()
                    break
                missed_s = sent_s
                waited_s = clock.now_s() - acknowledged_s
                pause_s = max(random.uniform(*INTERVAL_S), min(RELATIVE * waited_s, LONGEST_S))
                gevent.sleep(min(pause_s, max(deadline_s - clock.now_s(), 0.0)))
        finally:
            self._ended(placed, missed_s, seen_s, clock.now_s(), reads)

    def _ended(self, placed: Placed, missed_s: float, seen_s: float, now_s: float, reads: int) -> None:
        del self._looked_for[placed.order_id]
        session, acknowledged_s = self._session, placed.acknowledged_s
        is_seen = not math.isnan(seen_s)
        lag_s = (seen_s if is_seen else now_s) - acknowledged_s
        if is_seen:
            session.consistency.saw(acknowledged_s, lag_s)
        else:
            session.consistency.gave_up(acknowledged_s, lag_s)
        session.tables.lag(f"{WRITE}->{VIEW}", lag_s, is_censored=not is_seen)
        session.recording.probe(
            WRITE,
            VIEW,
            placed.order_id,
            acknowledged_s=acknowledged_s,
            missed_s=missed_s,
            seen_s=seen_s,
            given_up_s=math.nan if is_seen else now_s,
            reads=reads,
        )
