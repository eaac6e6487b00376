"""What a bounded inbox takes, and what becomes of one message more."""

from collections.abc import Callable
from typing import Any

import pykka
import pytest
from actor_types import Asker, Echo, Slow
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages import Control, Poll
from actors.policy import Overflow
from actors.runtime.live import LiveRuntime
from actors.runtime.port import InboxFull, RuntimeFailure
from actors.runtime.supervision import SupervisedRuntime
from simulation.runtime import VirtualRuntime

Eventually = Callable[[Callable[[], bool]], None]

MOMENT_S = 0.02
FOREVER_S = 1_000.0


class Forwarder(pykka.ThreadingActor):
    """Tells another what it is told; `told` says of each message whether it has arrived."""

    def __init__(self, runtime: SupervisedRuntime, other: str, told: list[tuple[Any, bool]]) -> None:
        super().__init__()
        self._runtime = runtime
        self._other = other
        self._told = told

    def on_receive(self, message: Any) -> None:
        self._told.append((message, self._runtime.tell(self._other, message)))


class Requester(Forwarder):
    """Asks without waiting for the answer."""

    def on_receive(self, message: Any) -> None:
        self._told.append((message, self._runtime.request(self._other, message)))


def seen(runtime: SupervisedRuntime) -> list[Any]:
    """What the echo has seen."""
    found: list[Any] = runtime.ref("echo").proxy().seen.get()
    return found


def full(runtime: SupervisedRuntime, overflow: Overflow, *messages: Any, inbox: int = 1) -> list[bool]:
    """Start an echo that takes nothing until it is resumed; whether each of these messages has arrived."""
    runtime.start(Echo, name="echo", inbox=inbox, overflow=overflow)
    runtime.pause("echo")
    return [runtime.tell("echo", message) for message in messages]


# -- reject and drop -----------------------------------------------------------------------------------


def test_a_full_inbox_refuses_a_message_and_takes_one_again_when_there_is_room(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    assert full(runtime, "reject", 0, 1, 2, inbox=2) == [True, True, False]
    assert runtime.depth("echo") == 2
    with pytest.raises(InboxFull, match=r"echo is full \(2 messages\)"):
        runtime.ask("echo", 3)
    runtime.resume("echo")
    eventually(lambda: runtime.depth("echo") == 0)
    assert runtime.tell("echo", 4)
    assert seen(runtime) == [0, 1, 4]
    assert runtime.overflows == {"echo": 2}


def test_what_an_inbox_drops_is_gone_and_nobody_is_told(runtime: SupervisedRuntime) -> None:
    assert full(runtime, "drop", 0, 1) == [True, True]
    dropped = runtime.request("echo", 2)
    runtime.resume("echo")
    with pytest.raises(pykka.Timeout):
        dropped.get(timeout=2 * MOMENT_S)
    assert seen(runtime) == [0]
    assert runtime.overflows == {"echo": 2}


def test_the_message_in_hand_does_not_wait(runtime: SupervisedRuntime, eventually: Eventually) -> None:
    runtime.start(Slow, runtime, FOREVER_S, [], name="slow", inbox=1)
    runtime.tell("slow", "in hand")
    eventually(lambda: runtime.depth("slow") == 0)
    assert [runtime.tell("slow", message) for message in ("waits", "refused")] == [True, False]


@pytest.mark.parametrize("overflow", ["reject", "drop", "block"])
def test_control_messages_are_neither_counted_nor_held_up(
    runtime: SupervisedRuntime, overflow: Overflow
) -> None:
    poll = Poll()
    assert full(runtime, overflow, poll, poll, "a", poll) == [True] * 4
    assert runtime.depth("echo") == 1
    runtime.resume("echo")
    assert seen(runtime) == [poll, poll, "a", poll]
    assert runtime.overflows == {}


def test_an_unbounded_inbox_takes_everything(runtime: SupervisedRuntime) -> None:
    assert all(full(runtime, "reject", *range(100), inbox=0))
    assert runtime.resume("echo") == 100


# -- block ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [Forwarder, Requester])
def test_an_actor_waits_until_there_is_room(
    runtime: SupervisedRuntime, eventually: Eventually, sender: type[Forwarder]
) -> None:
    told: list[tuple[Any, Any]] = []
    full(runtime, "block")
    runtime.start(sender, runtime, "echo", told, name="sender")
    for number in range(3):
        runtime.tell("sender", number)
    eventually(lambda: bool(runtime.overflows))
    assert [message for message, _ in told] == [0]
    assert (runtime.depth("echo"), runtime.depth("sender")) == (1, 1)
    runtime.resume("echo")
    eventually(lambda: len(told) == 3)
    assert seen(runtime) == [0, 1, 2]


def test_who_is_no_actor_does_not_wait_and_its_messages_keep_their_order(runtime: SupervisedRuntime) -> None:
    poll = Poll()
    assert full(runtime, "block", 0, 1, 2, poll, 3) == [True] * 5
    assert runtime.depth("echo") == 1
    reply = runtime.request("echo", 4)
    runtime.resume("echo")
    assert reply.get() == 4
    assert seen(runtime) == [0, 1, 2, poll, 3, 4]


def test_a_timers_message_does_not_wait(runtime: SupervisedRuntime, eventually: Eventually) -> None:
    full(runtime, "block", 0)
    rung: list[bool] = []
    runtime.after(MOMENT_S, lambda: rung.append(runtime.tell("echo", 1)))
    eventually(lambda: rung == [True])
    runtime.resume("echo")
    assert seen(runtime) == [0, 1]


def test_what_follows_an_answer_does_not_make_the_answering_actor_wait(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Slow, runtime, MOMENT_S, [], name="slow", inbox=1, overflow="block")
    answers: list[Any] = []

    def again(reply: Any) -> None:
        answers.append(reply.get())
        for number in range(2):
            runtime.tell("slow", number)

    runtime.request("slow", "first").on_done(again)
    eventually(lambda: runtime.overflows == {"slow": 1} or runtime.now() > 1.0)
    assert answers == ["first"]
    assert runtime.ask("slow", "still there", timeout=10.0) == "still there"


def test_a_question_waits_for_room_no_longer_than_for_its_answer(runtime: SupervisedRuntime) -> None:
    full(runtime, "block", 0)
    runtime.start(Asker, runtime, "echo", MOMENT_S, name="asker")
    with pytest.raises(pykka.Timeout):
        runtime.ask("asker", 1)
    runtime.resume("echo")


def test_a_crash_of_the_receiver_sends_who_waits_for_room_away(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    told: list[tuple[Any, bool]] = []
    full(runtime, "block", 0)
    runtime.start(Forwarder, runtime, "echo", told, name="sender")
    runtime.tell("sender", 1)
    eventually(lambda: bool(runtime.overflows))
    outside = runtime.request("echo", 2)
    assert runtime.crash("echo") == 2  # not 1, of which the sender knows
    eventually(lambda: told == [(1, False)])
    with pytest.raises(pykka.ActorDeadError):
        outside.get()


def test_a_failure_of_the_receiver_sends_who_waits_for_room_away(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    told: list[tuple[Any, bool]] = []
    full(runtime, "block", "fail", "lost")
    runtime.start(Forwarder, runtime, "echo", told, name="sender")
    runtime.tell("sender", 1)
    eventually(lambda: runtime.overflows == {"echo": 2})
    outside = runtime.request("echo", 2)
    runtime.resume("echo")
    with pytest.raises(pykka.ActorDeadError):
        outside.get()
    eventually(lambda: told == [(1, False)])
    assert not runtime.is_alive("echo")


def test_a_crash_of_the_sender_takes_its_message_back(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    full(runtime, "block", 0)
    runtime.start(Forwarder, runtime, "echo", [], name="sender")
    runtime.tell("sender", 1)
    eventually(lambda: bool(runtime.overflows))
    runtime.crash("sender")
    runtime.tell("echo", Poll())
    runtime.resume("echo")
    assert seen(runtime) == [0, Poll()]


def test_who_waits_for_room_does_not_keep_the_runtime_from_closing(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    full(runtime, "block", 0)
    runtime.start(Forwarder, runtime, "echo", [], name="sender")
    runtime.tell("sender", 1)
    eventually(lambda: bool(runtime.overflows))
    runtime.close()
    assert not runtime.is_alive("sender")


# -- every order of messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("new_runtime", [VirtualRuntime, LiveRuntime], ids=["virtual", "live"])
@given(
    messages=st.lists(st.one_of(st.integers(0, 9), st.just(Poll())), max_size=12),
    inbox=st.integers(1, 4),
    overflow=st.sampled_from(["reject", "drop", "block"]),
    through_an_actor=st.booleans(),
    paused=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_what_arrives_comes_in_the_order_of_sending_and_never_overfills_the_inbox(
    new_runtime: type[SupervisedRuntime],
    messages: list[Any],
    inbox: int,
    overflow: Overflow,
    through_an_actor: bool,
    paused: bool,
) -> None:
    numbered = [m if isinstance(m, Control) else (index, m) for index, m in enumerate(messages)]
    told: list[tuple[Any, bool]] = []
    with new_runtime() as runtime:
        runtime.start(Echo, name="echo", inbox=inbox, overflow=overflow)
        runtime.start(Forwarder, runtime, "echo", told, name="sender")
        if paused:
            runtime.pause("echo")
        for message in numbered:
            if through_an_actor:
                runtime.tell("sender", message)
            else:
                told.append((message, runtime.tell("echo", message)))
            assert runtime.depth("echo") <= inbox
        while paused and through_an_actor and len(told) < len(numbered) and not runtime.overflows:
            runtime.sleep(0.001)
        if paused:
            runtime.resume("echo")
        while len(told) < len(numbered):
            runtime.sleep(0.001)
        arrived = seen(runtime)
        overflowed = runtime.overflows.get("echo", 0)
    accepted = [message for message, arrives in told if arrives]
    if overflow == "drop":
        lost = len(accepted) - len(arrived)
        remaining = iter(accepted)
        assert all(message in remaining for message in arrived)
        assert lost == overflowed
    else:
        assert arrived == accepted
        assert len(numbered) - len(accepted) == (overflowed if overflow == "reject" else 0)
    assert [m for m in arrived if isinstance(m, Control)] == [m for m in numbered if isinstance(m, Control)]


# -- a bound from outside ------------------------------------------------------------------------------


def test_a_bound_holds_while_it_is_on_and_counts_what_met_a_full_inbox(runtime: SupervisedRuntime) -> None:
    assert full(runtime, "reject", 0, 1, 2, inbox=0) == [True] * 3
    end = runtime.bound("echo", 2)
    assert [runtime.tell("echo", number) for number in (3, 4)] == [False, False]
    assert runtime.depth("echo") == 3  # what waits already stays
    assert end() == 2
    assert runtime.tell("echo", 5)
    runtime.resume("echo")
    assert seen(runtime) == [0, 1, 2, 5]


def test_the_narrowest_bound_holds(runtime: SupervisedRuntime) -> None:
    full(runtime, "reject", inbox=3)
    end_wide, end_narrow = runtime.bound("echo", 5), runtime.bound("echo", 1)
    assert [runtime.tell("echo", number) for number in range(2)] == [True, False]
    assert end_narrow() == 1
    assert [runtime.tell("echo", number) for number in range(3)] == [True, True, False]
    assert end_wide() == 0
    assert runtime.depth("echo") == 3


def test_a_bound_uses_the_actors_own_overflow_and_its_end_lets_in_who_waits(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    told: list[tuple[Any, bool]] = []
    full(runtime, "block", inbox=0)
    end = runtime.bound("echo", 1)
    runtime.start(Forwarder, runtime, "echo", told, name="sender")
    for number in range(3):
        runtime.tell("sender", number)
    eventually(lambda: bool(runtime.overflows))
    assert end() == 1
    eventually(lambda: len(told) == 3)
    assert runtime.depth("echo") == 3


def test_a_bound_outlives_a_restart(runtime: SupervisedRuntime) -> None:
    full(runtime, "reject", inbox=0)
    end = runtime.bound("echo", 1)
    runtime.crash("echo")
    runtime.revive("echo")
    assert [runtime.tell("echo", number) for number in range(2)] == [True, False]
    assert end() == 1


def test_an_inbox_cannot_be_bounded_to_nothing(runtime: SupervisedRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="to 0 messages"):
        runtime.bound("echo", 0)
