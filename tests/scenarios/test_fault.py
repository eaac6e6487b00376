from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.messages import AnyEvent
from scenarios import names
from scenarios.distributions import Constant, Exponential
from scenarios.errors import ScenarioError
from scenarios.faultkinds import KINDS, NAMES, targets
from scenarios.randomness import Stream, Streams
from scenarios.scenario import Fault


def stream(seed: int = 1) -> Stream:
    return Streams(seed).stream("fault/0/occurrences")


def pause(**fields: object) -> Fault:
    return Fault(kind="pause", on="summary", **fields)  # type: ignore[arg-type]


def test_a_fault_without_recurrence_happens_once() -> None:
    assert pause(at=10.0, for_=5.0).occurrences(stream(), 60.0) == [(10.0, 15.0)]


def test_a_fault_without_a_length_lasts_until_the_end_of_the_run() -> None:
    assert pause(at=10.0).occurrences(stream(), 60.0) == [(10.0, 60.0)]


def test_a_fault_without_a_start_begins_with_the_run() -> None:
    assert pause(for_=5.0).occurrences(stream(), 60.0) == [(0.0, 5.0)]


def test_a_fault_that_reaches_beyond_the_run_ends_with_it() -> None:
    assert pause(at=59.0, for_=5.0).occurrences(stream(), 60.0) == [(59.0, 60.0)]


def test_a_fault_after_the_end_of_the_run_never_happens() -> None:
    assert pause(at=60.0, for_=5.0).occurrences(stream(), 60.0) == []


def test_the_time_between_occurrences_counts_from_the_end_of_one_to_the_start_of_the_next() -> None:
    fault = pause(at=10.0, for_=5.0, every=Constant(20.0))
    assert fault.occurrences(stream(), 70.0) == [(10.0, 15.0), (35.0, 40.0), (60.0, 65.0)]


def test_a_recurring_fault_without_a_start_first_waits_as_long_as_between_occurrences() -> None:
    fault = pause(for_=5.0, every=Constant(20.0))
    assert fault.occurrences(stream(), 50.0) == [(20.0, 25.0), (45.0, 50.0)]


def test_a_random_length_is_drawn_for_each_occurrence() -> None:
    fault = pause(length=Exponential(0.5), every=Exponential(10.0))
    found = fault.occurrences(stream(), 100_000.0)
    lengths = [end - start for start, end in found]
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(found)]
    assert len(found) == pytest.approx(9_524, abs=4.5 * 95)
    assert sum(lengths) / len(lengths) == pytest.approx(0.5, rel=0.05)
    assert sum(gaps) / len(gaps) == pytest.approx(10, rel=0.05)


@given(
    st.none() | st.floats(min_value=0, max_value=100),
    st.floats(min_value=0, max_value=50),
    st.floats(min_value=0.1, max_value=50),
    st.floats(min_value=0.1, max_value=200),
    st.integers(min_value=0, max_value=10**6),
)
def test_occurrences_follow_one_another_within_the_run(
    at: float | None, mean_length: float, mean_gap: float, run_end: float, seed: int
) -> None:
    fault = pause(at=at, length=Exponential(mean_length), every=Exponential(mean_gap))
    found = fault.occurrences(stream(seed), run_end)
    assert found == fault.occurrences(stream(seed), run_end)
    flat = [instant for occurrence in found for instant in occurrence]
    assert flat == sorted(flat)
    assert all(0 <= instant <= run_end for instant in flat)
    if at is not None and at < run_end:
        assert found[0][0] == at


def test_a_fault_has_one_length_and_a_recurring_one_has_a_length() -> None:
    with pytest.raises(ScenarioError, match="not both"):
        pause(for_=1.0, length=Exponential(1.0))
    with pytest.raises(ScenarioError, match="needs a length"):
        pause(every=Exponential(1.0))


def test_patterns_of_names_mean_what_the_format_says() -> None:
    assert targets("cut", "orders->*") == ("orders->inventory", "orders->summary")
    assert targets("cut", "inventory--orders") == targets("cut", "orders--inventory")
    assert set(targets("cut", "orders--inventory")) == {"orders->inventory", "inventory->orders"}
    assert set(targets("cut", "*")) == set(names.LINKS)
    assert set(targets("cut", "orders--*")) == {name for name in names.LINKS if "orders" in name.split("->")}
    assert set(targets("pause", "*")) == set(names.NODES)
    assert set(targets("unavailable", "store:*")) == set(names.STORES)
    assert targets("slow", "store:summary") == ("store:summary",)
    assert targets("surge", "load:orders") == ("load:orders",)
    assert targets("pause", "store:orders") == ()
    assert targets("pause", "order?") == ()


def test_the_messages_that_faults_name_are_all_events() -> None:
    assert set(names.MESSAGES) == {event.__name__ for event in AnyEvent.__args__}


def test_every_kind_of_the_format_is_in_the_table_with_its_target() -> None:
    expected = {
        "node": {"crash", "pause", "slow", "skew", "bug", "exhaust"},
        "link": {"cut", "drop", "duplicate", "reorder", "delay", "hold", "throttle"},
        "store": {"unavailable", "timeout", "error", "slow", "stale", "full"},
        "message": {"poison", "alter"},
        "load": {"surge", "hot"},
    }
    for target in NAMES:
        kinds = {name for name, kind in KINDS.items() if target in kind.targets and not kind.pattern}
        assert kinds == expected[target]
    assert {name for name, kind in KINDS.items() if kind.pattern} == {"flap", "rolling", "attrition"}
