from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import names
from scenarios.distributions import Exponential
from scenarios.errors import ScenarioError
from scenarios.file import dumps, loads
from scenarios.scenario import Fault, Scenario


def scenario(*rows: str, run: str = "5m", seed: int = 1) -> Scenario:
    text = f'name = "x"\nseed = {seed}\n[phases]\nrun = "{run}"\n'
    return loads(text + "".join(f"[[fault]]\n{row}\n" for row in rows), source="x.toml", folder=Path())


def faults(row: str, run: str = "5m", seed: int = 1) -> tuple[Fault, ...]:
    return scenario(row, run=run, seed=seed).faults


def attrition(most: int = 2, every: str = "exp(8s)", length: str = "exp(2s)", on: str = "*") -> str:
    return f'kind = "attrition"\non = "{on}"\nevery = "{every}"\nfor = "{length}"\nmost = {most}'


# -- flap ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "kind"), [("summary", "crash"), ("store:products", "unavailable"), ("orders->summary", "cut")]
)
def test_what_flaps_is_down_again_and_again(on: str, kind: str) -> None:
    (found,) = faults(f'kind = "flap"\non = "{on}"\nat = "10s"\nfor = "1s"\nevery = "exp(5s)"')
    assert found == Fault(kind=kind, on=on, at=10.0, for_=1.0, every=Exponential(5.0))


def test_everything_that_a_pattern_of_names_means_flaps() -> None:
    (found,) = faults('kind = "flap"\non = "store:*"\nfor = "exp(1s)"\nevery = "exp(5s)"')
    assert found == Fault(kind="unavailable", on="store:*", length=Exponential(1.0), every=Exponential(5.0))
    assert found.targets == names.STORES


# -- rolling -------------------------------------------------------------------------------------------


def test_in_a_rolling_restart_each_node_crashes_once_the_last_is_up_again() -> None:
    found = faults('kind = "rolling"\non = "*"\nat = "20s"\nfor = "3s"')
    assert [fault.on for fault in found] == list(names.NODES)
    assert [fault.at for fault in found] == [20.0 + 3.0 * turn for turn in range(7)]
    assert {(fault.kind, fault.for_) for fault in found} == {("crash", 3.0)}


def test_a_rolling_restart_may_leave_time_between_one_node_and_the_next() -> None:
    found = faults('kind = "rolling"\non = "*s"\nfor = "3s"\nevery = "10s"')
    assert [(fault.on, fault.at) for fault in found] == [("orders", 0.0), ("carts", 13.0), ("products", 26.0)]


@given(st.integers(1, 10**10), st.integers(0, 10**10))
def test_rolling_restarts_of_any_length_follow_one_another(down_ns: int, gap_ns: int) -> None:
    text = f'kind = "rolling"\non = "*"\nfor = "{down_ns}ns"\nevery = "{gap_ns}ns"'
    for one, other in pairwise(faults(text)):
        assert other.at == pytest.approx(one.at + one.for_ + gap_ns * 1e-9, abs=2e-9)


# -- attrition -----------------------------------------------------------------------------------------


@given(
    st.integers(1, 7),
    st.floats(0.05, 20),
    st.floats(0, 20),
    st.none() | st.floats(0, 9),
    st.integers(0, 2**40),
)
def test_never_more_than_most_nodes_are_down_at_once_and_none_twice(
    most: int, every_s: float, mean_s: float, at_s: float | None, seed: int
) -> None:
    row = attrition(most, f"exp({every_s!r}s)", f"exp({mean_s!r}s)")
    row += "" if at_s is None else f'\nat = "{at_s!r}s"'
    found = [fault for fault in faults(row, run="10s", seed=seed) if fault.enabled]
    assert all(fault.kind == "crash" and fault.on in names.NODES for fault in found)
    down = [(fault.at, fault.at + fault.for_, fault.on) for fault in found]
    assert down == sorted(down)
    assert all(0 <= start < 10 and end <= 10 + 1e-9 for start, end, _ in down)
    for start, _, _ in down:
        there = [on for begun, end, on in down if begun <= start < end - 1e-9]
        assert len(there) == len(set(there)) <= most
    if at_s is not None and found:
        assert found[0].at == pytest.approx(at_s, abs=1e-6)


def test_attrition_is_drawn_from_the_seed() -> None:
    assert faults(attrition()) == faults(attrition())
    assert faults(attrition(), seed=2) != faults(attrition(), seed=1)


def test_crashes_of_an_attrition_come_as_often_as_it_says_and_spare_no_node() -> None:
    found = faults(attrition(7, "exp(1s)", "0s"), run="2000s")
    assert len(found) == pytest.approx(2000, abs=4.5 * 2000**0.5)
    counts = [sum(fault.on == node for fault in found) for node in names.NODES]
    assert counts == pytest.approx([2000 / 7] * 7, abs=4.5 * (2000 / 7) ** 0.5)


def test_attrition_takes_only_the_nodes_that_it_names() -> None:
    assert {fault.on for fault in faults(attrition(1, "1s", "100ms", on="*s"))} == {
        "orders",
        "carts",
        "products",
    }


def test_an_attrition_that_spares_every_node_keeps_its_place() -> None:
    (spared,) = faults(attrition(1, "1h", "1s"))
    assert not spared.enabled
    assert spared.occurrences(None, 300.0) == []  # type: ignore[arg-type]


# -- the file ------------------------------------------------------------------------------------------


def test_plain_faults_stand_in_the_place_of_a_pattern_and_the_copy_says_so() -> None:
    cut = 'kind = "cut"\non = "orders->summary"\nat = "1s"\nfor = "1s"'
    found = scenario(cut, 'kind = "rolling"\non = "*s"\nfor = "1s"', cut)
    assert [fault.kind for fault in found.faults] == ["cut", "crash", "crash", "crash", "cut"]
    assert loads(dumps(found), source="copy.toml", folder=Path()) == found


@pytest.mark.parametrize(
    "row",
    [
        attrition(),
        'kind = "rolling"\non = "*"\nfor = "1s"',
        'kind = "flap"\non = "*"\nfor = "1s"\nevery = "5s"',
    ],
)
def test_a_pattern_that_is_not_enabled_has_as_many_rows_as_if_it_were(row: str) -> None:
    on, off = faults(row), faults(f"{row}\nenabled = false")
    assert [(fault.on, fault.at) for fault in on] == [(fault.on, fault.at) for fault in off]
    assert not any(fault.enabled for fault in off)


# -- what cannot be ------------------------------------------------------------------------------------

ROLLING = 'kind = "rolling"\non = "*"\nfor = "10s"'


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (['kind = "rolling"\non = "*"\nfor = "1m"'], ["fault.0.kind", "7 nodes until 7m", "ends at 5m"]),
        ([f'{ROLLING}\nat = "4m"'], ["fault.0.kind", "until 5m10s", "`at`"]),
        ([f'{ROLLING}\nevery = "1m"'], ["until 7m10s"]),
        (['kind = "rolling"\non = "*"\nfor = "exp(1s)"'], ["fault.0.for", "not a fixed time"]),
        ([f'{ROLLING}\nevery = "exp(1s)"'], ["fault.0.every", "not a fixed time"]),
        ([attrition(8)], ["fault.0.most = 8", "the 7 nodes", "most = 7"]),
        ([attrition(4, on="*s")], ["fault.0.most = 4", "the 3 nodes"]),
        ([attrition(1, "1ms")], ["fault.0.every", "without end"]),
        ([attrition(1, "0s")], ["fault.0.every", "without end"]),
        ([attrition(), attrition()], ["fault.1.kind", "fault.0 (attrition)", "may crash"]),
        ([ROLLING, attrition(1, on="summary")], ["fault.1.kind", "summary", "fault.0 (rolling)"]),
        (
            [
                'kind = "cut"\non = "orders->summary"',
                ROLLING,
                'kind = "flap"\non = "relay"\nfor = "1s"\nevery = "3s"',
            ],
            ["fault.2.kind", "may crash relay", "fault.1 (rolling)"],
        ),
        (
            ['kind = "flap"\non = "relay"\nfor = "exp(1s)"\nevery = "3s"', f'{ROLLING}\nat = "2m"'],
            ["fault.1.kind", "may crash relay at 3m", "fault.0 (flap)"],
        ),
        ([ROLLING, f'{ROLLING}\nat = "5s"'], ["fault.1.kind", "fault.0 (rolling)"]),
    ],
)
def test_patterns_that_cannot_be_are_refused_with_their_rows(rows: list[str], parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(*rows)
    assert all(part in str(caught.value) for part in ["x.toml: ", *parts]), str(caught.value)


@pytest.mark.parametrize(
    "rows",
    [
        [ROLLING, f'{ROLLING}\nat = "10s"'],  # the second follows on the first's heels
        [attrition(1, on="summary"), attrition(1, on="relay")],
        [attrition(), f"{ROLLING}\nenabled = false"],
        [ROLLING, 'kind = "crash"\non = "summary"\nat = "51s"\nfor = "2s"'],
        ['kind = "flap"\non = "store:orders"\nfor = "1s"\nevery = "1s"'] * 2,
        [
            'kind = "flap"\non = "relay"\nat = "1s"\nfor = "1s"\nevery = "200s"',
            'kind = "rolling"\non = "relay"\nat = "2s"\nfor = "200s"',
        ],
    ],
)
def test_patterns_that_do_not_meet_may_stand_side_by_side(rows: list[str]) -> None:
    assert scenario(*rows).faults


def test_whether_two_patterns_may_meet_does_not_depend_on_the_seed() -> None:
    rows = [attrition(1, "exp(30s)", "exp(1s)"), 'kind = "rolling"\non = "*"\nfor = "1ms"']
    refusals = set()
    for seed in range(20):
        with pytest.raises(ScenarioError) as caught:
            scenario(*rows, seed=seed)
        refusals.add(str(caught.value))
    assert len(refusals) == 1
    assert not any(one == other for one, other in combinations(refusals, 2))
