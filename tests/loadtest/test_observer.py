"""What the observer says of how far consumers are, against the same told event by event."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from actors import topology
from actors.policy import Policy
from actors.stores.opening import open_stores
from loadtest.system import commits
from loadtest.system.commits import Commits
from loadtest.system.observer import BUCKETS_S, Observer

CONSUMERS: Final = topology.followers(Policy(), "orders")
DONE: Final = {"applied", "skipped", "parked", "duplicate", "repaired"}

stretches = st.tuples(st.integers(1, 9), st.integers(0, 4))
steps = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 5), st.just("")),
    st.tuples(st.just("late commit"), st.integers(1, 5), st.just("")),
    st.tuples(
        st.sampled_from(CONSUMERS),
        st.lists(stretches, min_size=1, max_size=3),
        st.sampled_from(["applied", "applied", "applied", "parked", "skipped", "stopped", "repaired"]),
    ),
)


class EventByEvent:
    """The same numbers, told one event after the other."""

    def __init__(self) -> None:
        self.head = 0
        self.committed_s: dict[int, float] = {}
        self.done: dict[str, set[int]] = {name: set() for name in CONSUMERS}
        self.parked: dict[str, dict[int, float]] = {name: {} for name in CONSUMERS}
        self.latencies_s: dict[str, list[float]] = {name: [] for name in CONSUMERS}

    def handle(self, name: str, position: int, outcome: str, now_s: float) -> None:
        if outcome not in DONE:
            return
        if position in self.done[name]:
            committed_s = self.parked[name].pop(position, None)
        else:
            self.done[name].add(position)
            committed_s = self.committed_s.get(position)
        if committed_s is not None and outcome == "applied":
            self.latencies_s[name].append(now_s - committed_s)
        elif committed_s is not None and outcome == "parked":
            self.parked[name][position] = committed_s

    def position(self, name: str) -> int:
        position = 0
        while position + 1 in self.done[name]:
            position += 1
        return position


@given(st.lists(steps, max_size=30))
def test_whatever_happens_it_says_what_counting_each_event_says(steps) -> None:
    policy = Policy()
    stores = open_stores("memory://", topology.stores(policy))
    observer = Observer(keeps=False)
    observer.begin(stores, policy, lambda unix_s: unix_s)
    committed, handled = observer.many("events"), observer.many("applied")
    orders, kind = observer.intern("orders"), observer.intern("OrderPlaced")
    told, untold, now_s, end = EventByEvent(), [], 0.0, 0

    def tell(rows) -> None:
        committed(rows)
        told.head = max(told.head, rows[-1][1])
        told.committed_s.update({row[1]: row[5] for row in rows})

    for what, parts, outcome in steps:
        now_s += 0.25
        if what.endswith("commit"):
            rows = [(orders, end + n, kind, 1, end + n, now_s) for n in range(1, parts + 1)]
            end += parts
            if what == "commit":
                tell(rows)
            else:
                untold.append(rows)  # who has committed comes to say so after all others
        else:
            positions = [first + n for first, more in parts for n in range(more + 1) if first + n <= end]
            if not positions:
                continue
            ids = (observer.intern(what), orders)
            handled([(*ids, position, now_s, now_s, 1, observer.intern(outcome)) for position in positions])
            for position in positions:
                told.handle(what, position, outcome, now_s)
    for rows in untold:
        tell(rows)

    assert observer.heads["orders"] == told.head
    for name in CONSUMERS:
        one, position = observer.following[name, "orders"], told.position(name)
        assert observer.position(name, "orders") == position
        assert one.missing(told.head) == len(set(range(1, told.head + 1)) - told.done[name])
        assert one.parked == told.parked[name]
        latencies_s = told.latencies_s[name]
        assert sum(one.histogram.counts) == len(latencies_s)
        assert one.histogram.sum_s == sum(latencies_s)
        for count, below_s, most_s in zip(one.histogram.counts, (-1, *BUCKETS_S), BUCKETS_S, strict=False):
            assert count == sum(below_s < latency_s <= most_s for latency_s in latencies_s)
        if one.missing(told.head):
            since_s = told.committed_s[position + 1]
            assert observer.behind_s(name, "orders", now_s) == now_s - since_s
        else:
            assert observer.behind_s(name, "orders", now_s) == 0.0


def test_of_too_many_commits_the_first_and_the_last_are_known(monkeypatch) -> None:
    monkeypatch.setattr(commits, "STRETCHES_MAX", 10)
    monkeypatch.setattr(commits, "_GIVEN_UP_AT_ONCE", 3)
    known = Commits()
    for position in range(1, 101):
        known.note(position, position, at_s=position / 10)
    assert len(known) <= 10
    assert known.since_s(1) == 0.1, "who is furthest behind is told since when"
    assert known.at_s(2) is None
    assert known.since_s(2) == known.since_s(90), "of what was given up, since when at least"
    assert [known.at_s(position) for position in (99, 100)] == [9.9, 10.0]


def test_what_everybody_has_applied_takes_no_room() -> None:
    known = Commits()
    for position in range(1, 10_001):
        known.note(position, position, at_s=0.0)
        known.forget_up_to(position - 1)
    assert len(known) == 1
    assert len(known._lasts) < 3_000
