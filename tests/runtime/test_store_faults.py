"""What each fault on a store does, whichever clock its callers live on and whatever the store is made of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pykka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages import InventoryUpdated
from actors.runtime.gated import GatedStore
from actors.runtime.live import LiveRuntime
from actors.runtime.port import Reply
from actors.runtime.rules import StoreCall
from actors.runtime.supervision import SupervisedRuntime
from actors.stores.memory import SharedMemoryStore
from actors.stores.opening import close_all, open_stores
from actors.stores.port import Delete, NewEvent, Put, Store, StoreError, StoreFull, StoreUnavailable
from actors.tables import (
    CART_ITEMS,
    ORDERS,
    SUMMARIES,
    CartItemRow,
    OrderRow,
    SummaryItem,
    SummaryRow,
    tables_of,
)
from scenarios.distributions import Constant
from scenarios.faults import BEGIN, PREPARE, End
from scenarios.faults.error import concerns
from scenarios.injection import inject
from scenarios.randomness import Stream, Streams
from scenarios.scenario import Fault
from simulation.runtime import VirtualRuntime

ANN, BOB = 1, 2
LAMP, TABLE = 10, 20
MOMENT_S = 0.02
"""How long a wait on the wall clock lasts."""
AGES_S = 1_000.0
"""Longer than any test."""


def item(customer_id: int = ANN, product_id: int = LAMP, quantity: int = 1) -> CartItemRow:
    return CartItemRow(customer_id, product_id, quantity)


def event(product_id: int = LAMP) -> NewEvent:
    return NewEvent(product_id, 0.0, InventoryUpdated(product_id, 5))


class Caller(pykka.ThreadingActor):
    """Makes the calls that it is told, and answers with what came of each and how long (s) it took."""

    def __init__(self, runtime: SupervisedRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def on_receive(self, message: Any) -> tuple[Any, float]:
        begun_s = self._runtime.now()
        try:
            outcome = message()
        except StoreError as error:
            outcome = error
        return outcome, self._runtime.now() - begun_s


class Place:
    """A store before which faults may stand, the same one bare, and callers."""

    def __init__(self, runtime: SupervisedRuntime, bare: Store) -> None:
        self.runtime = runtime
        self.bare = bare
        self.store = GatedStore(bare, runtime.gate("carts"))
        for name in ("caller", "another"):
            runtime.start(Caller, runtime, name=name)

    def begin(self, kind: str, *, stream: Stream | None = None, **fields: Any) -> End:
        fault = Fault(kind=kind, on="store:carts", at=0.0, **fields)
        return BEGIN[kind](fault, "store:carts", self.runtime, stream or Streams(0).stream(kind))

    def request(self, call: Callable[[], Any], by: str = "caller") -> Reply:
        return self.runtime.request(by, call)

    def call(self, call: Callable[[], Any]) -> tuple[Any, float]:
        """What came of the call, an error too, and how long (s) it took its caller."""
        answer: tuple[Any, float] = self.request(call).get(timeout=10.0)
        return answer

    def outcome(self, call: Callable[[], Any]) -> Any:
        return self.call(call)[0]

    def read(self) -> Any:
        return self.store.get(CART_ITEMS, (ANN, LAMP))

    def write(self, quantity: int = 1) -> list[int]:
        return self.store.write([Put(CART_ITEMS, item(quantity=quantity))], [event()])

    def until(self, holds: Callable[[], object]) -> None:
        deadline = self.runtime.now() + 10.0
        while not holds():
            assert self.runtime.now() < deadline, "it never came to hold"
            self.runtime.sleep(MOMENT_S / 4)


@pytest.fixture(params=["virtual", "live", "live on sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    stores = open_stores(f"sqlite:///{tmp_path}" if "sqlite" in request.param else "memory://")
    try:
        with VirtualRuntime() if request.param == "virtual" else LiveRuntime() as runtime:
            yield Place(runtime, stores["carts"])
    finally:
        close_all(stores)


@pytest.fixture
def virtual() -> Iterator[Place]:
    """In virtual time, where a call takes a quarter of a second."""
    with VirtualRuntime(times={"store:carts": Constant(0.25)}) as runtime:
        yield Place(runtime, SharedMemoryStore("carts", tables_of("carts")))


def reads(place: Any) -> list[Callable[[], Any]]:
    """Every call that only reads."""
    store = place.store
    return [
        lambda: store.get(CART_ITEMS, (ANN, LAMP)),
        lambda: store.get_many(CART_ITEMS, [(ANN, LAMP), (BOB, LAMP)]),
        lambda: store.page(CART_ITEMS, ANN, limit=9),
        lambda: store.page(CART_ITEMS, ANN, limit=9, before=(ANN, TABLE)),
        lambda: store.count(CART_ITEMS, ANN),
        lambda: list(store.scan(CART_ITEMS)),
        lambda: store.read_log(0, 9),
        store.head,
    ]


# -- unavailable -------------------------------------------------------------------------------------------


def test_an_unavailable_store_fails_every_call_and_is_itself_again_afterwards(place: Place) -> None:
    end = place.begin("unavailable")
    calls = [*reads(place), place.write]
    for call in calls:
        assert isinstance(place.outcome(call), StoreUnavailable)
    assert end() == len(calls)
    assert place.bare.head() == 0
    assert place.outcome(place.write) == [1]
    assert place.outcome(place.read) == item()


def test_an_unavailable_store_fails_at_once(virtual: Place) -> None:
    virtual.begin("unavailable")
    assert [virtual.call(call)[1] for call in (virtual.read, virtual.write)] == [0.0, 0.0]


# -- timeout -----------------------------------------------------------------------------------------------


def test_a_call_that_is_never_answered_fails_when_its_caller_gives_up(place: Place) -> None:
    end = place.begin("timeout", by=MOMENT_S)
    for call in (place.read, place.write):
        error, took_s = place.call(call)
        assert isinstance(error, StoreUnavailable)
        assert "did not answer" in str(error)
        assert took_s >= MOMENT_S
    assert end() == 2
    assert place.bare.head() == 0
    assert place.outcome(place.read) is None


def test_only_the_caller_waits_for_an_answer_that_does_not_come(place: Place) -> None:
    place.begin("timeout", by=10 * MOMENT_S)
    done: list[str] = []
    waiting = place.request(place.read)
    waiting.on_done(lambda _: done.append("caller"))
    other = place.request(lambda: place.bare.head(), by="another")
    other.on_done(lambda _: done.append("another"))
    assert other.get(timeout=10.0)[0] == 0
    assert isinstance(waiting.get(timeout=10.0)[0], StoreUnavailable)
    assert done == ["another", "caller"]


def test_a_caller_gives_up_after_a_second_unless_the_fault_says_otherwise(virtual: Place) -> None:
    end = virtual.begin("timeout")
    assert virtual.call(virtual.read)[1] == 1.0
    end()
    virtual.begin("timeout", by=0.5)
    assert virtual.call(virtual.write)[1] == 0.5


def test_a_caller_that_waits_when_the_fault_ends_is_not_answered_all_the_same(virtual: Place) -> None:
    end = virtual.begin("timeout")
    reply = virtual.request(virtual.write)
    virtual.runtime.sleep(0.5)
    assert end() == 1
    assert isinstance(reply.get()[0], StoreUnavailable)
    assert virtual.runtime.now() == 1.0
    assert virtual.bare.head() == 0


# -- error -------------------------------------------------------------------------------------------------


def test_the_first_so_many_calls_fail_and_no_more(place: Place) -> None:
    end = place.begin("error", first=3)
    outcomes = [place.outcome(call) for call in (place.write, place.read, place.write, place.write)]
    assert [isinstance(outcome, StoreError) for outcome in outcomes] == [True, True, True, False]
    assert end() == 3
    assert place.bare.head() == 1


def test_calls_fail_with_the_probability_given(place: Place) -> None:
    end = place.begin("error", p=0.3, stream=Streams(4).stream("fault"))
    draws = Streams(4).stream("fault")
    expected = [draws.uniform() < 0.3 for _ in range(100)]
    assert [isinstance(place.outcome(place.read), StoreError) for _ in range(100)] == expected
    assert end() == sum(expected)
    assert 10 < sum(expected) < 50


def test_with_a_condition_only_writes_fail_that_touch_such_a_field(place: Place) -> None:
    place.outcome(place.write)
    end = place.begin("error", p=1.0, where={"customer_id": ANN, "product_id": LAMP})
    write = place.store.write
    for changes, events, fails in [
        ([Put(CART_ITEMS, item(quantity=9))], [], True),
        ([Put(CART_ITEMS, item(BOB)), Delete(CART_ITEMS, (ANN, LAMP))], [], True),
        ([Put(CART_ITEMS, item(BOB, LAMP)), Put(CART_ITEMS, item(ANN, TABLE))], [], False),
        ([Delete(CART_ITEMS, (BOB, LAMP))], [event(LAMP)], False),
    ]:
        outcome = place.outcome(lambda changes=changes, events=events: write(changes, events))
        assert isinstance(outcome, StoreError) is fails
    for read in reads(place):
        assert not isinstance(place.outcome(read), StoreError)
    assert end() == 2
    assert place.bare.get(CART_ITEMS, (ANN, LAMP)) == item()


def test_a_condition_is_about_the_lines_of_a_row_that_has_some() -> None:
    of_order = OrderRow(1, ANN, 0.0, 5, "", lines=3)  # how many, not which
    shown = SummaryRow(1, 0, ANN, 0.0, 5, (SummaryItem("Lamp", 2, LAMP),))
    for where, order_meant, summary_meant in [
        ({"customer_id": ANN}, True, True),
        ({"customer_id": BOB}, False, False),
        ({"lines": 3}, True, False),
        ({"product_id": LAMP}, False, True),
        ({"product_id": TABLE}, False, False),
    ]:
        assert concerns(StoreCall("write", [Put(ORDERS, of_order)]), where) is order_meant
        assert concerns(StoreCall("write", [Put(SUMMARIES, shown)]), where) is summary_meant


def test_a_condition_may_be_about_an_event_that_is_written(place: Place) -> None:
    end = place.begin("error", first=1, where={"product_id": TABLE})
    assert place.outcome(lambda: place.store.write([], [event(LAMP)])) == [1]
    assert isinstance(place.outcome(lambda: place.store.write([], [event(LAMP), event(TABLE)])), StoreError)
    assert place.outcome(lambda: place.store.write([], [event(TABLE)])) == [2]
    assert end() == 1


def test_a_call_that_fails_takes_no_time(virtual: Place) -> None:
    virtual.begin("error", first=1)
    assert [virtual.call(virtual.read)[1] for _ in range(2)] == [0.0, 0.25]


# -- full --------------------------------------------------------------------------------------------------


def test_a_full_store_refuses_writes_and_serves_reads(place: Place) -> None:
    place.outcome(place.write)
    end = place.begin("full")
    assert isinstance(place.outcome(place.write), StoreFull)
    assert isinstance(place.outcome(lambda: place.store.write([Delete(CART_ITEMS, (ANN, LAMP))])), StoreFull)
    for read in reads(place):
        assert not isinstance(place.outcome(read), StoreError)
    assert end() == 2
    assert place.bare.head() == 1
    assert place.outcome(place.write) == [2]


# -- slow --------------------------------------------------------------------------------------------------


class Plodding(SharedMemoryStore):
    """A store whose calls take a moment of their own."""

    def __init__(self, runtime: SupervisedRuntime) -> None:
        super().__init__("carts", tables_of("carts"))
        self._runtime = runtime

    def get(self, *args: Any) -> Any:
        self._runtime.sleep(MOMENT_S)
        return super().get(*args)

    def write(self, *args: Any) -> Any:
        self._runtime.sleep(MOMENT_S)
        return super().write(*args)


@pytest.mark.parametrize("clock", [VirtualRuntime, LiveRuntime])
def test_what_a_call_takes_by_itself_is_stretched(clock: Callable[[], SupervisedRuntime]) -> None:
    with clock() as runtime:
        place = Place(runtime, Plodding(runtime))
        end = place.begin("slow", by=3.0)
        for call in (place.write, place.read):
            outcome, took_s = place.call(call)
            assert not isinstance(outcome, StoreError)
            assert took_s == pytest.approx(3 * MOMENT_S) or (clock is LiveRuntime and took_s > 3 * MOMENT_S)
        assert end() == 2
        assert place.call(place.read)[1] >= MOMENT_S


def test_the_time_that_is_drawn_for_a_call_is_stretched(virtual: Place) -> None:
    end = virtual.begin("slow", by=4.0)
    assert [virtual.call(call)[1] for call in (virtual.read, virtual.write)] == [1.0, 1.0]
    assert end() == 2
    assert virtual.call(virtual.read)[1] == 0.25


def test_slowness_does_not_touch_calls_that_take_no_time() -> None:
    with VirtualRuntime() as runtime:
        place = Place(runtime, SharedMemoryStore("carts", tables_of("carts")))
        end = place.begin("slow", by=4.0)
        assert place.call(place.read) == (None, 0.0)
        assert end() == 0


def test_a_slow_node_serves_its_messages_in_so_many_times_the_time() -> None:
    with VirtualRuntime(times={"caller": Constant(0.5)}) as runtime:
        place = Place(runtime, SharedMemoryStore("carts", tables_of("carts")))
        fault = Fault(kind="slow", on="caller", at=0.0, by=3.0)
        end = BEGIN["slow"](fault, "caller", runtime, Streams(0).stream("slow"))
        place.outcome(place.read)
        assert runtime.now() == 1.5
        assert end() == 1


# -- stale -------------------------------------------------------------------------------------------------


def test_reads_of_a_stale_store_answer_from_the_past_while_writes_land(place: Place) -> None:
    place.outcome(place.write)
    before = [place.outcome(read) for read in reads(place)]
    end = place.begin("stale", by=AGES_S)
    assert place.outcome(lambda: place.write(quantity=2)) == [2]
    assert place.outcome(lambda: place.store.write([Put(CART_ITEMS, item(ANN, TABLE))])) == []
    assert [place.outcome(read) for read in reads(place)] == before
    assert place.bare.get(CART_ITEMS, (ANN, LAMP)) == item(quantity=2)
    assert end() == len(before)
    assert place.outcome(place.read) == item(quantity=2)
    assert place.outcome(place.store.head) == 2
    assert place.outcome(lambda: place.store.count(CART_ITEMS, ANN)) == 2


def test_a_prepared_fault_knows_the_past_from_before_it_began(place: Place) -> None:
    fault = Fault(kind="stale", on="store:carts", at=0.0, by=AGES_S)
    place.outcome(lambda: place.write(quantity=1))
    PREPARE["stale"](fault, "store:carts", place.runtime)
    place.outcome(lambda: place.write(quantity=2))
    place.begin("stale", by=AGES_S)
    assert place.outcome(place.read) == item(quantity=1)
    assert place.outcome(place.store.head) == 1


def test_a_write_shows_in_stale_reads_once_it_is_so_old(place: Place) -> None:
    place.begin("stale", by=5 * MOMENT_S)
    begun_s = place.runtime.now()
    place.outcome(place.write)
    place.until(lambda: place.outcome(place.read) is not None)
    assert place.runtime.now() - begun_s >= 5 * MOMENT_S
    assert place.outcome(place.store.head) == 1


def test_a_stale_read_takes_the_time_of_a_read(virtual: Place) -> None:
    virtual.begin("stale", by=2.0)
    virtual.call(virtual.write)
    landed_s = virtual.runtime.now()
    virtual.runtime.sleep(1.5)
    assert virtual.call(virtual.read) == (None, 0.25)
    assert virtual.call(virtual.read) == (item(), 0.25)
    assert virtual.runtime.now() == landed_s + 2.0


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["put", "delete", "append", "read"]), st.integers(1, 3)),
    max_size=30,
)
"""How long to wait (s), what to do then, and to which product."""


def written(kind: str, product_id: int, number: int) -> tuple[list[Any], list[NewEvent]]:
    match kind:
        case "put":
            return [Put(CART_ITEMS, item(ANN, product_id, number))], []
        case "delete":
            return [Delete(CART_ITEMS, (ANN, product_id))], []
        case _:
            return [], [event(product_id)]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 10), st.integers(1, 9))
def test_a_stale_read_sees_every_write_up_to_its_instant_in_the_past_and_none_after(
    steps: list[tuple[int, str, int]], begin_after: int, ago: int
) -> None:
    with VirtualRuntime() as runtime:
        place = Place(runtime, SharedMemoryStore("carts", tables_of("carts")))
        PREPARE["stale"](Fault(kind="stale", on="store:carts", at=0.0, by=ago), "store:carts", runtime)
        landed: list[tuple[float, tuple[list[Any], list[NewEvent]]]] = []
        for number, (wait_s, kind, product_id) in enumerate(steps):
            if number == begin_after:
                place.begin("stale", by=ago)
            runtime.sleep(wait_s)
            if kind == "read":
                model = SharedMemoryStore("carts", tables_of("carts"))
                for landed_s, write in landed:
                    if number < begin_after or landed_s <= runtime.now() - ago:
                        model.write(*write)
                expected = reads(SimpleNamespace(store=model))
                assert [read() for read in reads(place)] == [read() for read in expected]
            else:
                place.store.write(*written(kind, product_id, number))
                landed.append((runtime.now(), written(kind, product_id, number)))


def test_copies_of_a_read_model_are_stale_each_as_it_was_itself(place: Place) -> None:
    place.outcome(place.write)
    other_bare = SharedMemoryStore("carts/2", tables_of("carts"))
    other = GatedStore(other_bare, place.runtime.gate("carts"))
    place.begin("stale", by=AGES_S)
    place.outcome(lambda: other.write([Put(CART_ITEMS, item())]))
    assert place.outcome(place.read) == item()
    assert place.outcome(lambda: other.get(CART_ITEMS, (ANN, LAMP))) is None
    assert other_bare.count(CART_ITEMS, ANN) == 1


# -- several at once ---------------------------------------------------------------------------------------


def test_unavailable_beats_all_and_a_refusal_beats_silence(place: Place) -> None:
    ends = {
        "stale": place.begin("stale", by=AGES_S),
        "slow": place.begin("slow", by=2.0),
        "timeout": place.begin("timeout", by=MOMENT_S),
        "full": place.begin("full"),
        "unavailable": place.begin("unavailable"),
    }
    hits: dict[str, int] = {}
    for kind, words in [("unavailable", "unavailable"), ("full", "full"), ("timeout", "did not answer")]:
        assert words in str(place.outcome(place.write))
        hits[kind] = ends.pop(kind)()
    assert hits == {"unavailable": 1, "full": 1, "timeout": 1}
    assert [end() for end in ends.values()] == [0, 0]


def test_factors_of_slow_faults_multiply(virtual: Place) -> None:
    ends = [virtual.begin("slow", by=by) for by in (2.0, 4.0)]
    assert virtual.call(virtual.read)[1] == 2.0
    assert [end() for end in ends] == [1, 1]


def test_errors_act_independently(place: Place) -> None:
    ends = [place.begin("error", p=0.5, stream=Streams(seed).stream("fault")) for seed in (1, 2)]
    one, other = (Streams(seed).stream("fault") for seed in (1, 2))
    # The second is asked only if the first lets the call pass.
    expected = [one.uniform() < 0.5 or other.uniform() < 0.5 for _ in range(50)]
    assert [isinstance(place.outcome(place.read), StoreError) for _ in range(50)] == expected
    assert sum(end() for end in ends) == sum(expected)


def test_of_two_stale_faults_the_one_that_goes_back_further_decides(virtual: Place) -> None:
    ends = [virtual.begin("stale", by=by) for by in (1.0, 3.0)]
    virtual.call(virtual.write)
    virtual.runtime.sleep(2.0)
    assert virtual.outcome(virtual.read) is None
    assert ends[1]() == 1
    assert virtual.outcome(virtual.read) == item()
    assert ends[0]() == 2


def test_a_slow_and_stale_store_is_both(virtual: Place) -> None:
    virtual.begin("stale", by=10.0)
    virtual.begin("slow", by=2.0)
    virtual.call(virtual.write)
    assert virtual.call(virtual.read) == (None, 0.5)


# -- in a scenario -----------------------------------------------------------------------------------------


def test_a_scenario_prepares_its_stale_stores_and_writes_down_what_was_touched(place: Place) -> None:
    runtime = place.runtime
    fault = Fault(kind="stale", on="store:carts", at=0.05, for_=0.3, by=AGES_S)
    inject(runtime, [fault], Streams(0), run_end_s=1.0)
    place.outcome(place.write)
    trace = runtime.recorder
    place.until(lambda: place.outcome(place.store.head) == 0 or trace.count("faults"))
    place.until(lambda: trace.count("faults"))
    assert place.outcome(place.store.head) == 1
    assert next(iter(trace.column("faults", "hits"))) >= 1
