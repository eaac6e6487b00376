"""What each fault does to the messages of a link, on both clocks."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pykka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages import InventoryUpdated, OrderPlaced, PlacedLine, Record
from actors.runtime.supervision import SupervisedRuntime
from scenarios.distributions import Constant, Distribution, Exponential
from scenarios.faults import BEGIN, End
from scenarios.randomness import Streams
from scenarios.scenario import Fault
from simulation.runtime import VirtualRuntime

Eventually = Callable[[Callable[[], bool]], None]

MOMENT_S = 0.05
LINK = "orders->end"


class Witness(pykka.ThreadingActor):
    """Writes down when it is told what; fails on `fail`."""

    def __init__(self, runtime: SupervisedRuntime, seen: list[tuple[float, Any]]) -> None:
        super().__init__()
        self._runtime = runtime
        self._seen = seen

    def on_receive(self, message: Any) -> Any:
        self._seen.append((self._runtime.now(), message))
        if message == "fail":
            raise ValueError("told to fail")
        return ("answer to", message)


class FarEnd:
    """The far end of a link: what came there, when, and what of it was lost on its way."""

    def __init__(self, runtime: SupervisedRuntime, **how: Any) -> None:
        self.runtime = runtime
        self.seen: list[tuple[float, Any]] = []
        self.lost: list[Any] = []
        self.on_lost = self.lost.append
        runtime.start(Witness, runtime, self.seen, name="end", **how)

    def send(self, *messages: Any, over: str = LINK) -> list[bool]:
        return [self.runtime.link(over).send(message, lost=self.on_lost) for message in messages]

    def begin(self, kind: str, draw: int = 0, **fields: Any) -> End:
        fault = Fault(kind=kind, on=LINK, at=0.0, **fields)
        return BEGIN[kind](fault, LINK, self.runtime, Streams(draw).stream("fault"))

    @property
    def messages(self) -> list[Any]:
        return [message for _, message in self.seen]

    def settle(self) -> None:
        """Let everything arrive that leaves by now and takes no longer than a few moments."""
        self.runtime.sleep(6 * MOMENT_S)


@pytest.fixture
def end(runtime: SupervisedRuntime) -> FarEnd:
    return FarEnd(runtime)


def assert_instants(end: FarEnd, begun_s: float, *moments: float) -> None:
    """The arrivals came so many moments after the beginning: exactly, or on threads no sooner than that."""
    found = [at - begun_s for at, _ in end.seen]
    expected = [MOMENT_S * moment for moment in moments]
    if isinstance(end.runtime, VirtualRuntime):
        assert found == pytest.approx(expected, abs=1e-9)
    else:
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert other - 1e-6 <= one <= other + 10 * MOMENT_S


def after(moments: float) -> Constant:
    return Constant(MOMENT_S * moments)


def order(order_id: int, customer_id: int = 7, product_id: int = 1) -> Record:
    event = OrderPlaced(order_id, customer_id, 0.0, 100, (PlacedLine(product_id, 1, 100),))
    return Record("orders", order_id, customer_id, 0.0, event)


# -- drop ----------------------------------------------------------------------------------------------


def test_a_dropped_message_is_refused_and_never_arrives(end: FarEnd) -> None:
    stop = end.begin("drop", p=1.0)
    assert end.send(1, 2) == [False, False]
    assert stop() == 2
    assert end.send(3) == [True]
    end.settle()
    assert end.messages == [3]
    assert end.lost == []


def test_each_message_is_dropped_with_probability_p(end: FarEnd) -> None:
    stop = end.begin("drop", p=0.25)
    passed = end.send(*range(2000))
    hits = stop()
    assert hits == passed.count(False)
    assert abs(hits - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)
    end.settle()
    assert end.messages == [number for number, sent in enumerate(passed) if sent]


def test_two_drops_act_independently(end: FarEnd) -> None:
    end.begin("drop", draw=1, p=0.5)
    end.begin("drop", draw=2, p=0.5)
    passed = end.send(*range(2000)).count(True)
    assert abs(passed - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize("kind", ["drop", "duplicate", "reorder"])
def test_only_the_first_n_messages_are_touched(end: FarEnd, kind: str) -> None:
    stop = end.begin(kind, p=1.0, first=2, by=None if kind == "drop" else after(1))
    end.send(*range(5))
    end.settle()
    expected = {"drop": [2, 3, 4], "duplicate": [0, 1, 2, 3, 4, 0, 1], "reorder": [2, 3, 4, 0, 1]}
    assert end.messages == expected[kind]
    assert stop() == 2


@pytest.mark.parametrize(
    ("where", "touched"),
    [
        ({"customer_id": 8}, [2]),
        ({"order_id": 3}, [3]),
        ({"position": 1}, [1]),
        ({"key": 7}, [1, 3]),
        ({"product_id": 5}, [3]),
        ({"customer_id": 7, "product_id": 5}, [3]),
        ({"available": 5}, [4]),
        ({"colour": "red"}, []),
    ],
)
def test_only_messages_with_the_value_in_the_field_are_touched(
    end: FarEnd, where: dict[str, Any], touched: list[int]
) -> None:
    records = [order(1), order(2, customer_id=8), order(3, product_id=5)]
    records.append(Record("inventory", 4, 9, 0.0, InventoryUpdated(9, 5)))
    stop = end.begin("drop", p=1.0, where=where)
    passed = end.send(*records)
    assert [n for n, sent in enumerate(passed, start=1) if not sent] == touched
    assert stop() == len(touched)


def test_the_choices_do_not_depend_on_how_long_the_chosen_are_held() -> None:
    def chosen(by: Distribution) -> list[int]:
        with VirtualRuntime() as runtime:
            end = FarEnd(runtime)
            end.begin("duplicate", p=0.3, by=by)
            end.send(*range(100))
            runtime.sleep(1000.0)
            return sorted(number for number in range(100) if end.messages.count(number) == 2)

    assert chosen(Constant(1.0)) == chosen(Exponential(5.0)) != []


# -- duplicate -----------------------------------------------------------------------------------------


def test_a_duplicated_message_arrives_as_usual_and_again_after_by(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("duplicate", p=1.0, by=after(2))
    assert end.send("a") == [True]
    assert stop() == 1
    end.send("b")
    end.settle()
    assert end.messages == ["a", "b", "a"]
    assert_instants(end, begun_s, 0, 0, 2)


def test_a_copy_follows_its_message_by_that_long_however_long_that_was_under_way(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    end.begin("delay", by=after(1))
    end.begin("duplicate", p=1.0, by=after(2))
    end.send("a")
    end.settle()
    assert end.messages == ["a", "a"]
    assert_instants(end, begun_s, 1, 3)


def test_two_duplicates_make_a_copy_each(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stops = [end.begin("duplicate", p=1.0, by=after(moments)) for moments in (3, 1)]
    end.send("a")
    end.settle()
    assert_instants(end, begun_s, 0, 1, 3)
    assert [stop() for stop in stops] == [1, 1]


def test_nobody_is_told_that_a_copy_was_lost(end: FarEnd) -> None:
    stop = end.begin("duplicate", p=1.0, by=after(2))
    end.send("a")
    stop()
    cut = end.begin("cut")
    end.settle()
    assert cut() == 1
    assert end.messages == ["a"]
    assert end.lost == []
    assert end.send("b") == [True]


# -- reorder -------------------------------------------------------------------------------------------


def test_later_messages_pass_one_that_is_held_aside_even_on_a_link_that_keeps_the_order(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    end.begin("delay", by=after(1))
    stop = end.begin("reorder", p=1.0, by=after(2))
    end.send("held")
    assert stop() == 1
    end.send("b", "c")
    end.settle()
    assert end.messages == ["b", "c", "held"]
    assert_instants(end, begun_s, 1, 1, 3)


def test_a_held_message_that_is_lost_is_reported_and_breaks_nothing(
    end: FarEnd, eventually: Eventually
) -> None:
    stop = end.begin("reorder", p=1.0, by=after(3))
    end.send("held")
    stop()
    assert end.send("b") == [True]
    cut = end.begin("cut")
    eventually(lambda: end.lost == ["held"])
    assert cut() == 1
    assert end.send("c") == [True]
    end.settle()
    assert end.messages == ["b", "c"]


# -- delay ---------------------------------------------------------------------------------------------


def test_two_delays_add_and_keep_the_order(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stops = [end.begin("delay", by=after(moments)) for moments in (1, 2)]
    end.send("a")
    assert [stop() for stop in stops] == [1, 1]
    end.send("b")
    end.settle()
    assert end.messages == ["a", "b"]
    assert_instants(end, begun_s, 3, 3)


# -- hold ----------------------------------------------------------------------------------------------


def test_held_messages_come_in_their_order_at_the_end_and_not_before(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("hold")
    assert end.send("a", "b") == [True, True]
    end.runtime.sleep(2 * MOMENT_S)
    assert end.send("c") == [True]
    end.runtime.sleep(MOMENT_S)
    assert end.seen == []
    assert stop() == 3
    end.send("d")
    end.settle()
    assert end.messages == ["a", "b", "c", "d"]
    assert_instants(end, begun_s, 3, 3, 3, 3)


def test_a_hold_keeps_what_was_under_way_when_it_began(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    end_delay = end.begin("delay", by=after(1))
    end.send("a")
    end_delay()
    stop = end.begin("hold")
    end.runtime.sleep(3 * MOMENT_S)
    assert stop() == 1
    end.settle()
    assert_instants(end, begun_s, 3)


def test_two_holds_release_at_the_end_of_the_last(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    first, second = end.begin("hold"), end.begin("hold")
    end.send("a")
    end.runtime.sleep(MOMENT_S)
    assert first() == 1
    end.runtime.sleep(MOMENT_S)
    assert second() == 1
    end.settle()
    assert_instants(end, begun_s, 2)


def test_what_arrives_just_when_a_hold_ends_comes_after_what_it_has_kept(end: FarEnd) -> None:
    stop = end.begin("hold")
    end.send("a")
    end.begin("delay", by=after(2))
    end.send("b")
    end.runtime.sleep(2 * MOMENT_S)
    stop()
    end.settle()
    assert end.messages == ["a", "b"]


def test_what_is_held_for_an_actor_that_dies_is_lost(end: FarEnd, eventually: Eventually) -> None:
    stop = end.begin("hold")
    end.send("a", "b")
    end.runtime.sleep(MOMENT_S)
    end.runtime.crash("end")
    end.runtime.revive("end")
    assert end.send("c") == [True]
    stop()
    eventually(lambda: end.lost == ["a", "b"])
    eventually(lambda: end.messages == ["c"])


# -- throttle ------------------------------------------------------------------------------------------


def test_a_throttle_spaces_the_messages_and_keeps_their_order(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("throttle", to=1 / MOMENT_S)
    assert end.send("a", "b", "c", "d") == [True] * 4
    end.settle()
    assert stop() == 3, "the first passes untouched"
    assert end.messages == ["a", "b", "c", "d"]
    assert_instants(end, begun_s, 0, 1, 2, 3)
    least_s = 0.7 * MOMENT_S  # a thread may note one arrival late and the next in time
    assert all(later_s - earlier_s > least_s for (earlier_s, _), (later_s, _) in pairwise(end.seen))


def test_what_comes_no_faster_than_the_throttle_is_not_touched(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("throttle", to=1 / MOMENT_S)
    for message in "abc":
        end.send(message)
        end.runtime.sleep(1.5 * MOMENT_S)
    assert stop() == 0
    assert_instants(end, begun_s, 0, 1.5, 3)


def test_messages_exactly_as_far_apart_as_the_throttle_lets_them_pass_are_not_touched() -> None:
    with VirtualRuntime() as runtime:
        end = FarEnd(runtime)
        stop = end.begin("throttle", to=10.0)
        for number in range(100):
            runtime.call_at(number / 10, end.send, number)
        runtime.sleep(20.0)
        assert len(end.seen) == 100
        assert stop() == 0


def test_a_throttle_knows_nothing_of_an_earlier_one(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    for message in "ab":
        stop = end.begin("throttle", to=1 / (4 * MOMENT_S))
        end.send(message)
        end.runtime.sleep(MOMENT_S)
        assert stop() == 0
    assert_instants(end, begun_s, 0, 1)


def test_a_hold_that_begins_touches_what_waits_for_a_throttle(end: FarEnd) -> None:
    throttle = end.begin("throttle", to=1 / (2 * MOMENT_S))
    end.send(*"abc")
    end.runtime.sleep(MOMENT_S)
    hold = end.begin("hold")
    throttle()
    end.settle()
    assert end.messages == ["a"]
    assert hold() == 2
    end.settle()
    assert end.messages == ["a", "b", "c"]


def test_at_the_end_of_a_throttle_all_that_waits_comes_at_once_in_its_order(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("throttle", to=1 / (2 * MOMENT_S))
    end.send(*"abcde")
    end.runtime.sleep(3 * MOMENT_S)
    assert stop() == 4
    end.send("f")
    end.settle()
    assert end.messages == list("abcdef")
    assert_instants(end, begun_s, 0, 2, 3, 3, 3, 3)


def test_of_two_throttles_the_slower_governs(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    end.begin("throttle", to=1 / MOMENT_S)
    end.begin("throttle", to=1 / (2 * MOMENT_S))
    end.send(*"abc")
    end.settle()
    assert_instants(end, begun_s, 0, 2, 4)


def test_a_throttle_to_nothing_holds(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("throttle", to=0.0)
    end.send("a")
    end.runtime.sleep(2 * MOMENT_S)
    assert stop() == 1
    end.settle()
    assert_instants(end, begun_s, 2)


def test_after_a_hold_a_throttle_lets_one_pass_at_a_time(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    end.begin("throttle", to=1 / MOMENT_S)
    stop = end.begin("hold")
    end.send(*"abc")
    end.runtime.sleep(2 * MOMENT_S)
    assert stop() == 3
    end.settle()
    assert end.messages == ["a", "b", "c"]
    assert_instants(end, begun_s, 2, 3, 4)


# -- cut -----------------------------------------------------------------------------------------------


def every_other_fault(end: FarEnd) -> list[End]:
    return [
        end.begin("drop", p=0.5),
        end.begin("duplicate", p=1.0, by=after(1)),
        end.begin("reorder", p=0.5, by=after(1)),
        end.begin("delay", by=after(1)),
        end.begin("throttle", to=1 / MOMENT_S),
        end.begin("hold"),
    ]


def test_a_cut_beats_all(end: FarEnd) -> None:
    others = every_other_fault(end)
    cut = end.begin("cut")
    assert end.send(*range(10)) == [False] * 10
    end.settle()
    assert [stop() for stop in others] == [0] * 6
    assert cut() == 10
    end.settle()
    assert end.seen == []
    assert end.lost == []


@pytest.mark.parametrize(
    ("kind", "fields", "arrived", "caught"),
    [
        ("delay", {"by": after(2)}, [], ["a"]),
        ("reorder", {"p": 1.0, "by": after(2)}, [], ["a"]),
        ("hold", {}, [], ["a"]),
        ("throttle", {"to": 0.0}, [], ["a"]),
        ("duplicate", {"p": 1.0, "by": after(2)}, ["a"], []),
    ],
)
def test_a_cut_catches_whatever_arrives_while_it_lasts(
    end: FarEnd, kind: str, fields: dict[str, Any], arrived: list[str], caught: list[str]
) -> None:
    stop = end.begin(kind, **fields)
    end.send("a")
    end.runtime.sleep(MOMENT_S)
    cut = end.begin("cut")
    stop()
    end.settle()
    assert cut() == 1
    assert end.messages == arrived
    assert end.lost == caught


def test_what_is_behind_a_lost_message_is_lost_with_it_and_nothing_follows_unheard(
    end: FarEnd, eventually: Eventually
) -> None:
    end_delays = [end.begin("delay", by=after(10))]
    end.send("a")
    end_delays.append(end.begin("delay", by=after(10)))
    end.send("b")
    cut = end.begin("cut")
    eventually(lambda: end.lost == ["a"])
    cut()
    assert end.send("too early") == [False]
    for end_delay in end_delays:
        end_delay()
    eventually(lambda: end.lost == ["a", "b"])
    end.on_lost = lambda message: end.lost.append(message)  # the sender has heard of it
    assert end.send("c") == [True]
    end.settle()
    assert end.messages == ["c"]


def test_of_what_is_lost_together_its_sender_hears_in_the_order_of_sending(
    end: FarEnd, eventually: Eventually
) -> None:
    """Whether the first of them has waited at the end, or the last of them comes there."""
    stop = end.begin("throttle", to=1 / (4 * MOMENT_S))
    end.send("passes", "waits", "behind it")
    eventually(lambda: end.messages == ["passes"])
    cut = end.begin("cut")
    eventually(lambda: end.lost == ["waits", "behind it"])
    cut(), stop()
    end.lost.clear()
    end.on_lost = lambda message: end.lost.append(message)  # the sender has heard of it
    hold = end.begin("hold")
    end.send("held", "held too")
    end.settle()
    end.begin("delay", by=after(1))
    end.send("comes")
    cut = end.begin("cut")
    eventually(lambda: end.lost == ["held", "held too", "comes"])
    cut(), hold()


def test_what_a_full_inbox_refuses_on_arrival_takes_those_behind_it_along(runtime: SupervisedRuntime) -> None:
    end = FarEnd(runtime, inbox=2, overflow="reject")
    end.begin("delay", by=after(1))
    runtime.pause("end")
    assert end.send(*range(6)) == [True] * 6
    runtime.sleep(3 * MOMENT_S)
    runtime.resume("end")
    end.settle()
    assert 2 <= len(end.messages) <= 3  # a thread may have one in hand
    assert end.messages + end.lost == list(range(6))


def test_without_anybody_to_tell_only_what_the_cut_catches_is_lost(
    end: FarEnd, eventually: Eventually
) -> None:
    link = end.runtime.link(LINK)
    end.begin("delay", by=after(10))
    link.send("a")
    caught = link.request("q")
    end.begin("delay", by=after(20))
    link.send("b")
    cut = end.begin("cut")
    with pytest.raises(pykka.ActorDeadError):
        caught.get(timeout=100 * MOMENT_S)
    assert cut() == 2
    eventually(lambda: bool(end.messages))
    assert end.messages == ["b"]


# -- requests ------------------------------------------------------------------------------------------


def test_a_request_over_a_link_is_answered(end: FarEnd) -> None:
    assert end.runtime.link(LINK).request("q").get() == ("answer to", "q")


def test_a_request_takes_the_delays_of_its_link_and_its_place_in_the_line(end: FarEnd) -> None:
    begun_s = end.runtime.now()
    stop = end.begin("delay", by=after(2))
    end.send("first")
    reply = end.runtime.link(LINK).request("q")
    stop()
    end.send("last")
    assert reply.get(timeout=100 * MOMENT_S) == ("answer to", "q")
    end.settle()
    assert end.messages == ["first", "q", "last"]
    assert_instants(end, begun_s, 2, 2, 2)


@pytest.mark.parametrize(("kind", "fields"), [("cut", {}), ("drop", {"p": 1.0})])
def test_a_request_that_is_lost_is_answered_at_once(end: FarEnd, kind: str, fields: dict[str, Any]) -> None:
    stop = end.begin(kind, **fields)
    with pytest.raises(pykka.ActorDeadError, match="end cannot be reached over orders->end"):
        end.runtime.link(LINK).request("q").get(timeout=0.0)
    assert stop() == 1


def test_a_request_is_answered_by_an_error_if_its_target_is_dead_or_dies_or_is_cut_off(end: FarEnd) -> None:
    runtime = end.runtime
    link = runtime.link(LINK)
    end_delay = end.begin("delay", by=after(1))
    caught = link.request("caught by a cut")
    cut = end.begin("cut")
    with pytest.raises(pykka.ActorDeadError, match="cannot be reached"):
        caught.get(timeout=100 * MOMENT_S)
    cut()
    under_way = link.request("under way")
    runtime.crash("end")
    with pytest.raises(pykka.ActorDeadError):
        link.request("too late").get(timeout=100 * MOMENT_S)
    runtime.revive("end")
    with pytest.raises(pykka.ActorDeadError, match="cannot be reached"):
        under_way.get(timeout=100 * MOMENT_S)
    end_delay()
    assert link.request("at last").get(timeout=100 * MOMENT_S) == ("answer to", "at last")


def test_the_loss_of_a_request_takes_no_other_message_along(end: FarEnd, eventually: Eventually) -> None:
    end.begin("delay", by=after(10))
    reply = end.runtime.link(LINK).request("q")
    end.begin("delay", by=after(10))
    end.send("event")
    cut = end.begin("cut")
    with pytest.raises(pykka.ActorDeadError):
        reply.get(timeout=100 * MOMENT_S)
    cut()
    eventually(lambda: bool(end.messages))
    assert end.messages == ["event"]
    assert end.lost == []


def test_an_error_comes_back_over_a_link(end: FarEnd) -> None:
    end.begin("delay", by=after(1))
    with pytest.raises(ValueError, match="told to fail"):
        end.runtime.link(LINK).request("fail").get(timeout=100 * MOMENT_S)
    assert end.runtime.is_alive("end")


def test_the_copy_of_a_request_is_asked_as_well_and_answered_to_nobody(end: FarEnd) -> None:
    end.begin("duplicate", p=1.0, by=after(1))
    with pytest.raises(ValueError, match="told to fail"):
        end.runtime.link(LINK).request("fail").get(timeout=100 * MOMENT_S)
    end.settle()
    assert end.messages == ["fail", "fail"]
    assert end.runtime.is_alive("end")


# -- links to copies of a consumer ---------------------------------------------------------------------


def test_a_fault_on_a_link_is_on_the_links_to_all_copies_of_its_consumer_and_counts_once(
    end: FarEnd, runtime: SupervisedRuntime
) -> None:
    seen: list[tuple[float, Any]] = []
    for number in (2, 3):
        runtime.start(Witness, runtime, seen, name=f"end/{number}", node="end")
    runtime.link(LINK + "/2")
    cut = end.begin("cut")
    for over in (LINK, LINK + "/2", LINK + "/3"):
        assert end.send("a", over=over) == [False]
    assert cut() == 3
    hold = end.begin("hold")
    for over in (LINK, LINK + "/2", LINK + "/3"):
        assert end.send("b", over=over) == [True]
    end.settle()
    assert (end.messages, seen) == ([], [])
    assert hold() == 3
    end.settle()
    assert end.messages == ["b"]
    assert [message for _, message in seen] == ["b", "b"]


def test_of_the_first_n_messages_those_to_copies_are_some(end: FarEnd, runtime: SupervisedRuntime) -> None:
    runtime.start(Witness, runtime, [], name="end/2", node="end")
    stop = end.begin("drop", p=1.0, first=2)
    sent = [end.send("a", over=over)[0] for over in (LINK, LINK + "/2", LINK, LINK + "/2")]
    assert sent == [False, False, True, True]
    assert stop() == 2


def test_the_link_to_a_copy_takes_the_delays_of_the_link_to_the_first_with_draws_of_its_own() -> None:
    with VirtualRuntime(streams=Streams(1), delays={LINK: Exponential(1.0)}, fifo=False) as runtime:
        end = FarEnd(runtime)
        copied: list[tuple[float, Any]] = []
        runtime.start(Witness, runtime, copied, name="end/2", node="end")
        for over in (LINK, LINK + "/2"):
            end.send(*range(100), over=over)
        runtime.sleep(100.0)

    def draws(name: str) -> list[float]:
        return sorted(Exponential(1.0).draws(Streams(1).stream(name), 100).tolist())

    assert [at for at, _ in end.seen] == draws(f"link/{LINK}")
    assert [at for at, _ in copied] == draws(f"link/{LINK}/2")


# -- whatever happens ----------------------------------------------------------------------------------

spans = st.sampled_from([Constant(0.0), Constant(0.4), Exponential(0.5)])
faults = st.one_of(
    st.builds(lambda p: ("drop", {"p": p}), st.sampled_from([0.3, 1.0])),
    st.builds(lambda p, by: ("reorder", {"p": p, "by": by}), st.sampled_from([0.5, 1.0]), spans),
    st.builds(lambda by: ("delay", {"by": by}), spans),
    st.builds(lambda to: ("throttle", {"to": to}), st.sampled_from([0.0, 2.0, 10.0])),
    st.just(("hold", {})),
    st.just(("cut", {})),
)
steps = st.one_of(
    st.just("send"),
    st.just("send"),
    st.just("ask"),
    st.just("crash"),
    st.integers(0, 3),  # end a fault
    faults,
)


def play(runtime: VirtualRuntime, script: list[tuple[float, Any]]) -> tuple[FarEnd, list[Any], list[Any]]:
    """Do all that, send 1, 2, 3, … meanwhile, then end everything; the refused, and the replies."""
    end = FarEnd(runtime)
    running: list[End] = []
    refused, replies = [], []
    for number, (pause_s, step) in enumerate(script):
        runtime.sleep(pause_s)
        if step == "send":
            if end.send(number) == [False]:
                refused.append(number)
        elif step == "ask":
            replies.append((number, runtime.link(LINK).request(number)))
        elif step == "crash":
            runtime.crash("end")
            runtime.revive("end")
        elif isinstance(step, int):
            if step < len(running):
                running.pop(step)()
        else:
            kind, fields = step
            running.append(end.begin(kind, draw=number, **fields))
    for stop in running:
        stop()
    runtime.sleep(60.0)
    return end, refused, replies


scripts = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25]), steps), max_size=40)


@settings(max_examples=300, deadline=None)
@given(script=scripts, delay=spans, fifo=st.booleans())
def test_every_message_arrives_or_its_sender_knows_that_it_does_not(
    script: list[tuple[float, Any]], delay: Distribution, fifo: bool
) -> None:
    with VirtualRuntime(delays={LINK: delay}, fifo=fifo) as runtime:
        end, refused, replies = play(runtime, script)
        unanswered = []
        for number, reply in replies:
            try:
                assert reply.get(timeout=0.0) == ("answer to", number)
            except pykka.ActorDeadError:
                unanswered.append(number)
        asked = {number for number, _ in replies}
        sent = [number for number, (_, step) in enumerate(script) if step == "send"]
        told = [number for number in end.messages if number not in asked]
        # What arrives at the very instant of a crash dies in the inbox: it has arrived, and is not seen.
        assert len(told) == len(set(told))
        assert not set(told) & set(refused + end.lost)
        if not any(step == "crash" for _, step in script):
            assert sorted(told + refused + end.lost) == sent
            answered = [number for number in end.messages if number in asked]
            assert sorted(answered + unanswered) == sorted(asked)
        if fifo and not any(step[0] == "reorder" for _, step in script if isinstance(step, tuple)):
            assert end.messages == sorted(end.messages)
        link = runtime.link(LINK)
        assert (link._under_way, len(link._line), link._turnstile.in_use) == (0, 0, False)


@settings(max_examples=200, deadline=None)
@given(script=scripts, delay=spans)
def test_what_is_sent_again_from_the_first_loss_on_arrives_without_a_gap(
    script: list[tuple[float, Any]], delay: Distribution
) -> None:
    """A sender that goes back to what was lost, as the relay does, is never overtaken by what comes after."""
    with VirtualRuntime(delays={LINK: delay}) as runtime:
        end = FarEnd(runtime)
        running: list[End] = []
        position, turn = 0, 0
        total = sum(step == "send" for _, step in script)

        def go_back(to: int, of: int) -> None:
            nonlocal position, turn
            if of == turn:
                position, turn = to, turn + 1
                renew()

        def renew() -> None:
            this = turn
            end.on_lost = lambda message: runtime.after(0.3, go_back, message, this)

        def send_next() -> None:
            nonlocal position
            if position < total and end.send(position) == [True]:
                position += 1

        renew()
        for number, (pause_s, step) in enumerate(script):
            runtime.sleep(pause_s)
            if step == "send":
                send_next()
            elif isinstance(step, int):
                if step < len(running):
                    running.pop(step)()
            elif isinstance(step, tuple) and step[0] != "reorder":
                running.append(end.begin(step[0], draw=number, **step[1]))
        for stop in running:
            stop()
        for _ in range(2 * total + 200):
            send_next()
            runtime.sleep(0.2)
        arrived: list[int] = []
        for message in end.messages:
            assert message <= len(arrived), "one before it has not arrived"
            if message == len(arrived):
                arrived.append(message)
        assert arrived == list(range(total))


def test_a_rule_that_lets_a_message_pass_has_not_touched_it(runtime: SupervisedRuntime) -> None:
    class Undecided:
        stops_arrivals = False

        def on_message(self, _message: Any) -> None:
            return None

    stop = runtime.add_link_rule(LINK, Undecided())
    FarEnd(runtime).send("a")
    assert stop() == 0
