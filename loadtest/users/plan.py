"""The plan of a load: the requests of a scenario at their intended instants, as in virtual time.

Everything random comes from the same streams as there, and faults on loads act here, at their instants. So
the plan does not depend on how the requests fare, nor on how many processes share it: each goes through the
whole plan and makes its own part of it.

>>> from scenarios.arrivals import Every
>>> from scenarios.scenario import Load, Phases, Scenario
>>> shop = Scenario(name="x", phases=Phases(warm=0.0, run=1.0), load=Load(history=Every(0.5)))
>>> plan = Plan(shop)
>>> [(planned.at_s, planned.kind) for planned in plan.rest()]
[(0.0, 'history'), (0.5, 'history')]
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from loadtest.users.clock import Share
from scenarios.arrivals import Closed, Nothing, Open
from scenarios.faults import BEGIN_ON_LOAD
from scenarios.loads import ActiveLoadRule, LoadRules
from scenarios.names import LOADS
from scenarios.randomness import Streams
from scenarios.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenarios.arrivals import Arrivals
    from scenarios.loads import LoadRule
    from scenarios.requests import Draw
    from scenarios.scenario import Fault, Scenario

    Event = Callable[[], object]

WATCHED = ("orders", "checkouts")
"""The kinds of requests of which some are watched until they are visible."""


class Planned(NamedTuple):
    """A request and its instant (s); `request` is as `scenarios.requests` draws it."""

    at_s: float
    kind: str
    request: Any
    is_watched: bool


class Sampling:
    """Takes the first of the instants that are asked about in every interval of `every_s`; 0: none."""

    __slots__ = ("_every_s", "_next_s")

    def __init__(self, rate: float) -> None:
        self._every_s = 1 / rate if rate > 0 else 0.0
        self._next_s = float("-inf") if rate > 0 else float("inf")

    def takes(self, at_s: float) -> bool:
        """Whether this instant is taken; they are asked about in ascending order."""
        if at_s < self._next_s:
            return False
        self._next_s = (at_s // self._every_s + 1) * self._every_s
        return True


class Users(NamedTuple):
    """Users of a closed load: `draw` and `think_s` are theirs together; `goes_on` until they leave.

    `keeps` says of one of them, by number, whether a request is made; `sampling`, which are watched.
    """

    kind: str
    numbers: range
    draw: Draw
    think_s: Callable[[], float]
    keeps: Callable[[int], bool]
    goes_on: Callable[[], bool]
    sampling: Sampling | None


class Occurred(NamedTuple):
    """An occurrence of a fault on a load: its place in the scenario, and the own requests that it touched.

    `start_s` and `end_s` are when it did begin and end, by the plan's clock.
    """

    fault: int
    kind: str
    on: str
    start_s: float
    end_s: float
    hits: int


class Plan:
    """The part `share` of a scenario's load; of orders and check-outs `watch_rate` a second are watched.

    `advance` carries out what is due at `next_s`: it is called at that instant. `on_users` is told of users
    who begin; `users`, if given, is how many each closed load has. `clock_s` is asked when a fault begins and
    ends; without it, that is when it was to.

    To the faults it is the scenario's loads (`scenarios.loads.Loads`).
    """

    def __init__(
        self,
        scenario: Scenario,
        share: Share = Share(),  # noqa: B008  # it is frozen
        *,
        watch_rate: float = 0.0,
        users: int | None = None,
        on_users: Callable[[Users], object] = lambda _: None,
        clock_s: Callable[[], float] | None = None,
    ) -> None:
        self._share = share
        self._end_s = scenario.phases.run
        self._now_s: float = -scenario.phases.warm
        self._clock_s = clock_s or (lambda: self._now_s)
        self._loads: dict[str, Arrivals] = {
            kind: _peopled(getattr(scenario.load, kind), users) for kind in LOADS
        }
        self._rules = {kind: LoadRules(load) for kind, load in self._loads.items()}
        self._requests = Requests(scenario.population, self._rules, scenario.load.own_read)
        watched = [kind for kind in WATCHED if not isinstance(self._loads[kind], Nothing)]
        self._watch_rate = watch_rate / max(len(watched), 1)
        self._sampling = {kind: Sampling(self._watch_rate) for kind in watched}
        self._on_users = on_users
        self._events: list[tuple[float, int, Event]] = []
        self._order = count()
        self._copies = 0
        self._begun: list[ActiveLoadRule] = []  # by the fault that begins now
        self._under_way: list[Callable[[], Occurred]] = []
        self._ended: list[Occurred] = []
        streams = Streams(scenario.seed)
        for index, fault in enumerate(scenario.faults):
            if fault.kind in BEGIN_ON_LOAD:
                self._plan_fault(index, fault, streams)
        for kind, load in self._loads.items():
            self._plan_load(kind, load, streams)

    @property
    def next_s(self) -> float | None:
        """When to advance; None: the plan is over."""
        return self._events[0][0] if self._events else None

    @property
    def occurred(self) -> list[Occurred]:
        """The faults that have begun; those under way as if they ended now."""
        return [*self._ended, *(occurrence() for occurrence in self._under_way)]

    def advance(self) -> Planned | None:
        """Carry out what comes next; returned is the request to make, if it is one and it is of this part."""
        self._now_s, _, event = heapq.heappop(self._events)
        found = event()
        return found if isinstance(found, Planned) else None

    def rest(self) -> Iterator[Planned]:
        """All requests of this part that are still to come, at once."""
        while self._events:
            planned = self.advance()
            if planned is not None:
                yield planned

    def add_load_rule(self, load: str, rule: LoadRule) -> Callable[[], int]:
        """See `scenarios.loads.Loads`."""
        rules, active = self._rules[load], ActiveLoadRule(rule)
        rules.add(active)
        self._begun.append(active)
        added = rule.added(self._loads[load])
        if added is not None:
            self._copies += 1
            self._plan_load(load, added.arrivals, added.streams, active)

        def remove() -> int:
            rules.remove(active)
            return active.hits

        return remove

    # -- loads -----------------------------------------------------------------------------------------

    def _at(self, at_s: float, event: Event) -> None:
        heapq.heappush(self._events, (at_s, next(self._order), event))

    def _plan_load(
        self, kind: str, load: Arrivals, streams: Streams, surge: ActiveLoadRule | None = None
    ) -> None:
        """Let requests of this kind arrive from now on, those that a surge adds until it ends."""
        if isinstance(load, Nothing):
            return
        series = f"{self._copies}." if self._copies else ""
        if isinstance(load, Closed):
            self._at(self._now_s, partial(self._begin_users, kind, load, streams, series, surge))
            return
        assert isinstance(load, Open), "a load is open, closed or nothing"
        run = (0.0, self._end_s)
        instants = load.instants(streams.stream(f"load/{kind}"), self._now_s, self._end_s, run)
        draw = self._requests.draws(kind, streams, series)
        numbers, rules = count(), self._rules[kind]

        def arrive() -> Planned | None:
            at_s = self._now_s
            is_own = next(numbers) % self._share.of == self._share.number
            rules.counting = is_own
            request = draw()
            has_left = surge is not None and surge.ended
            is_made = not has_left and (not rules.active or rules.keep(None))
            rules.counting = True
            if not has_left:
                following()
            if not is_made:
                return None
            is_watched = kind in self._sampling and self._sampling[kind].takes(at_s)
            if not is_own:
                return None
            if surge is not None:
                surge.hits += 1
            return Planned(at_s, kind, request, is_watched)

        def following() -> None:
            instant = next(instants, None)
            if instant is not None:
                self._at(instant, arrive)

        following()

    def _begin_users(
        self, kind: str, load: Closed, streams: Streams, series: str, surge: ActiveLoadRule | None
    ) -> None:
        """Let this part's users begin; each part has streams of its own, the first the scenario's."""
        if self._share.number:
            own = streams.stream(f"load/{kind}/part/{self._share.number}")
            streams = Streams(own.below(2**53))
        draw, rules = self._requests.draws(kind, streams, series), self._rules[kind]

        def keeps(number: int) -> bool:
            if surge is not None:
                surge.hits += 1
                return True
            return not rules.active or rules.keep(number)

        self._on_users(
            Users(
                kind,
                range(self._share.number, load.users, self._share.of),
                draw,
                load.think.sampler(streams.stream(f"load/{kind}/think")),
                keeps,
                lambda: surge is None or not surge.ended,
                Sampling(self._watch_rate / self._share.of) if kind in WATCHED else None,
            )
        )

    # -- faults ----------------------------------------------------------------------------------------

    def _plan_fault(self, index: int, fault: Fault, streams: Streams) -> None:
        when = streams.stream(f"fault/{index}/occurrences")
        for start_s, end_s in fault.occurrences(when, self._end_s):
            self._at(start_s, partial(self._begin_fault, index, fault, end_s, streams))

    def _begin_fault(self, index: int, fault: Fault, end_s: float, streams: Streams) -> None:
        start_s, self._begun = self._clock_s(), []
        ends = [
            BEGIN_ON_LOAD[fault.kind](
                fault, target.removeprefix("load:"), self, streams.stream(f"fault/{index}/{target}")
            )
            for target in fault.targets
        ]
        begun = self._begun

        def occurrence() -> Occurred:
            hits = sum(rule.hits for rule in begun)
            return Occurred(index, fault.kind, fault.on, start_s, self._clock_s(), hits)

        def end() -> None:
            for end_one in ends:
                end_one()
            self._under_way.remove(occurrence)
            self._ended.append(occurrence())

        self._under_way.append(occurrence)
        self._at(end_s, end)


def _peopled(load: Arrivals, users: int | None) -> Arrivals:
    return replace(load, users=users) if isinstance(load, Closed) and users is not None else load
