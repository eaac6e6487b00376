"""The gate before a store: what a call costs in virtual time, and what faults make of it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from actors.runtime.rules import ActiveRule, StoreCall, Treatment
from actors.stores.past import PastStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.runtime.port import Runtime
    from actors.runtime.rules import StoreRule
    from actors.stores.port import Change, NewEvent, Store

T = TypeVar("T")

_READ = StoreCall("read")


class RuleGate:
    """Stands before a service's store and its copies; `active` while calls take time or faults are on.

    `time` draws how long a call takes (s). A call that a fault lets fail does not reach the store. Several
    factors of its time multiply; of several faults that answer reads from the past, the one that goes back
    furthest decides.
    """

    def __init__(self, runtime: Runtime, store: str, time: Callable[[], float] | None = None) -> None:
        self.active = time is not None
        self.remembers = False
        self._runtime = runtime
        self._store = store
        self._time = time
        self._rules: list[ActiveRule] = []
        self._deciding = Lock()
        self._landing = Lock()
        self._remembered: tuple[float, ...] = ()
        self._pasts: dict[tuple[str, float], PastStore] = {}  # of each store, by how long ago (s)

    @property
    def is_faulty(self) -> bool:
        """Whether some fault decides about the calls now."""
        return bool(self._rules)

    # -- making a call ---------------------------------------------------------------------------------

    def read(self, store: Store, ask: Callable[[Store], T]) -> T:
        """See `actors.runtime.port.Gate`."""
        if not self._rules:
            self._take_time(1.0)
            return ask(store)
        treatment, slowing = self._treatment(_READ)
        if treatment.ago_s:
            return self._make(lambda: ask(self._past(store, treatment.ago_s)), treatment.times, slowing)
        return self._make(lambda: ask(store), treatment.times, slowing)

    def write(self, store: Store, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """See `actors.runtime.port.Gate`."""
        if not self._rules:
            self._take_time(1.0)
            return self._land(store, changes, events)
        treatment, slowing = self._treatment(StoreCall("write", changes, events))
        return self._make(lambda: self._land(store, changes, events), treatment.times, slowing)

    def _treatment(self, call: StoreCall) -> tuple[Treatment, list[ActiveRule]]:
        """What all rules together make of the call, and those of them that change the time it takes.

        Raises:
            StoreError: the one with which a rule lets the call fail.

        """
        times, ago_s = 1.0, 0.0
        slowing: list[ActiveRule] = []
        with self._deciding:  # one call at a time: rules count
            for active in self._rules:
                one: Treatment | None = active.rule.on_call(self._store, call)
                if one is None:
                    continue
                if one.error is not None:
                    active.hits += 1
                    break
                if one.times != 1.0:
                    times *= one.times
                    slowing.append(active)
                if one.ago_s:
                    ago_s = max(ago_s, one.ago_s)
                    active.hits += 1
            else:
                return Treatment(times=times, ago_s=ago_s), slowing
        if one.wait_s:
            self._runtime.sleep(one.wait_s)
        raise one.error

    def _make(self, call: Callable[[], T], times: float, slowing: Sequence[ActiveRule]) -> T:
        """Make the call and let it take `times` as long as it would; that is what those `slowing` touch."""
        drawn_s = self._take_time(times)
        begun_s = self._runtime.now()
        answer = call()
        own_s = self._runtime.now() - begun_s
        if own_s > 0.0 and times > 1.0:
            self._runtime.sleep(own_s * (times - 1.0))
        if slowing and drawn_s + own_s > 0.0:
            with self._deciding:
                for active in slowing:
                    active.hits += 1
        return answer

    def _take_time(self, times: float) -> float:
        """Let the calling actor wait so many times as long as is drawn; return what is drawn (s)."""
        if self._time is None:
            return 0.0
        drawn_s = self._time()
        self._runtime.sleep(drawn_s * times)
        return drawn_s

    # -- the past --------------------------------------------------------------------------------------

    def remember(self, ago_s: float) -> None:
        """See `actors.runtime.port.Gate`."""
        if ago_s not in self._remembered:
            self._remembered = (*self._remembered, ago_s)
        self.remembers = True

    def _past(self, store: Store, ago_s: float) -> Store:
        """The store as it was so long ago."""
        with self._landing:
            past = self._kept(store, ago_s)
        return past.at(self._runtime.now())

    def _kept(self, store: Store, ago_s: float) -> PastStore:
        past = self._pasts.get((store.name, ago_s))
        if past is None:
            past = self._pasts[store.name, ago_s] = PastStore(store, ago_s)
        return past

    def _land(self, store: Store, changes: Sequence[Change], events: Sequence[NewEvent]) -> list[int]:
        """Write; what is remembered learns of it."""
        if not self.remembers:
            return store.write(changes, events)
        with self._landing:  # all learn of the writes in the order in which they land
            pasts = [self._kept(store, ago_s) for ago_s in self._remembered]
            positions = store.write(changes, events)
            landed_s = self._runtime.now()
            for past in pasts:
                past.note(landed_s, changes, events)
        return positions

    # -- rules -----------------------------------------------------------------------------------------

    def add(self, rule: StoreRule) -> Callable[[], int]:
        """Let the rule decide from now on; the function returned ends that and gives the number of hits."""
        active = ActiveRule(rule)
        self._rules = sorted([*self._rules, active], key=lambda other: other.rule.rank)
        self.active = True

        def remove() -> int:
            self._rules = [other for other in self._rules if other is not active]
            self.active = self._time is not None or bool(self._rules)
            return active.hits

        return remove
