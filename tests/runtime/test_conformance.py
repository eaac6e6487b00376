"""What an actor may rely on, whichever clock it lives on."""

from collections.abc import Callable
from typing import Any

import pykka
import pytest
from actor_types import Asker, Diary, Echo, Slow

from actors.runtime.port import RuntimeFailure
from actors.runtime.supervision import SupervisedRuntime

Eventually = Callable[[Callable[[], bool]], None]

FOREVER_S = 1_000.0
MOMENT_S = 0.02


# -- asking and telling --------------------------------------------------------------------------------


def test_an_answer_comes_back(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    assert ref.ask("hi") == "hi"
    assert runtime.ask("echo", "again") == "again"


def test_messages_are_handled_in_the_order_of_sending(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    for number in range(100):
        ref.tell(number)
    assert ref.proxy().seen.get() == list(range(100))


def test_proxies_call_methods_and_read_and_set_attributes(runtime: SupervisedRuntime) -> None:
    proxy = runtime.start(Echo, name="echo").proxy()
    assert proxy.double(21).get() == 42
    assert proxy.greeting.get() == "hello"
    proxy.greeting = "good morning"
    assert proxy.greeting.get() == "good morning"
    proxy.double.defer(1)
    assert proxy.count().get() == 0


def test_futures_map_filter_join_and_reduce(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    future = ref.ask([1, 2, 3], block=False)
    assert future.map(len).get() == 3
    assert list(future.filter(lambda n: n > 1).get()) == [2, 3]
    assert future.reduce(lambda a, b: a + b).get() == 6
    assert future.join(ref.ask("x", block=False)).get() == [[1, 2, 3], "x"]
    assert pykka.get_all([future, future]) == [[1, 2, 3], [1, 2, 3]]


def test_a_future_is_answered_once(runtime: SupervisedRuntime) -> None:
    future = runtime.start(Echo, name="echo").ask("hi", block=False)
    assert future.get() == "hi"
    with pytest.raises(Exception) as caught:
        future.set("bye")
    assert type(caught.value).__name__ == "Full"


def test_a_reply_calls_back_once_it_is_there_and_at_once_if_it_is(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Echo, name="echo")
    answers: list[Any] = []
    reply = runtime.request("echo", 1)
    reply.on_done(lambda done: answers.append(done.get()))
    eventually(lambda: answers == [1])
    reply.on_done(lambda done: answers.append(done.get() + 1))
    assert answers == [1, 2]


def test_a_handler_may_ask_another_actor_and_wait(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    runtime.start(Asker, runtime, "echo", name="middle")
    runtime.start(Asker, runtime, "middle", name="outer")
    assert runtime.ask("outer", "through two") == "through two"


def test_an_error_comes_back_to_who_asked_and_the_actor_lives_on(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    with pytest.raises(ValueError, match="told to fail"):
        ref.ask("fail")
    with pytest.raises(LookupError, match="a method of mine"):
        ref.proxy().broken().get()
    assert ref.ask("still here") == "still here"


def test_waiting_ends_with_the_timeout_and_the_answer_may_be_had_later(runtime: SupervisedRuntime) -> None:
    runtime.start(Slow, runtime, 5 * MOMENT_S, [], name="slow")
    reply = runtime.request("slow", "late")
    with pytest.raises(pykka.Timeout):
        reply.get(timeout=MOMENT_S)
    assert reply.get() == "late"


def test_a_timeout_inside_a_handler_is_the_askers_own_error(runtime: SupervisedRuntime) -> None:
    runtime.start(Slow, runtime, 10 * MOMENT_S, [], name="slow")
    runtime.start(Asker, runtime, "slow", MOMENT_S, name="asker")
    with pytest.raises(pykka.Timeout):
        runtime.ask("asker", "hurry")


def test_sleeping_lets_time_pass_for_the_actor_alone(runtime: SupervisedRuntime) -> None:
    runtime.start(Slow, runtime, 10 * MOMENT_S, [], name="slow")
    runtime.start(Echo, name="echo")
    before = runtime.now()
    reply = runtime.request("slow", 1)
    assert runtime.ask("echo", 2) == 2
    assert runtime.now() - before < 10 * MOMENT_S
    reply.get()
    assert runtime.now() - before >= 10 * MOMENT_S


# -- stopping ------------------------------------------------------------------------------------------


def test_what_was_sent_before_the_stop_is_handled_and_what_came_after_is_refused(
    runtime: SupervisedRuntime,
) -> None:
    done: list[Any] = []
    ref = runtime.start(Slow, runtime, MOMENT_S, done, name="slow")
    before = ref.ask("before", block=False)
    stopped = ref.stop(block=False)
    after = ref.ask("after", block=False)
    assert stopped.get() is True
    assert before.get() == "before"
    with pytest.raises(pykka.ActorDeadError):
        after.get()
    assert done == ["before"]


def test_a_stopped_actor_is_dead_to_everyone(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    assert ref.stop() is True
    assert ref.stop() is False
    assert not ref.is_alive()
    assert not runtime.is_alive("echo")
    assert runtime.tell("echo", 1) is False
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(1)
    with pytest.raises(pykka.ActorDeadError):
        runtime.ask("echo", 1)


def test_an_actor_that_stops_itself_is_dead_at_once_but_handles_what_came_before(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    after: list[bool] = []
    seen: list[Any] = []

    class Quitter(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> None:
            seen.append(message)
            if message == "quit":
                self.stop()
                after.extend([runtime.tell("quitter", "too late"), runtime.is_alive("quitter")])

    ref = runtime.start(Quitter, name="quitter", restart=MOMENT_S)
    runtime.pause("quitter")
    for message in ("quit", "waits"):
        runtime.tell("quitter", message)
    runtime.resume("quitter")
    eventually(lambda: not ref.is_alive())
    assert (seen, after) == (["quit", "waits"], [False, False])
    runtime.sleep(2 * MOMENT_S)
    assert not runtime.is_alive("quitter")
    assert runtime.incarnation("quitter") == 1


def test_an_unknown_name_is_a_dead_actor(runtime: SupervisedRuntime) -> None:
    assert runtime.tell("nobody", 1) is False
    assert runtime.incarnation("nobody") == 0
    with pytest.raises(pykka.ActorDeadError, match="nobody"):
        runtime.ask("nobody", 1)


def test_start_and_stop_hooks_run_in_their_order(runtime: SupervisedRuntime) -> None:
    diary: list[str] = []
    ref = runtime.start(Diary, diary, name="diary")
    ref.ask(1)
    ref.stop()
    assert diary == ["start", "got 1", "stop"]


def test_two_living_actors_cannot_have_one_name(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    with pytest.raises(RuntimeFailure, match="echo"):
        runtime.start(Echo, name="echo")


# -- failing and starting again ------------------------------------------------------------------------


def test_a_failure_on_a_told_message_ends_the_actor_and_its_mail(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    ref = runtime.start(Echo, name="echo")
    runtime.pause("echo")
    ref.tell("fail")
    left_over = ref.ask("left over", block=False)
    ref.tell("told and lost")
    runtime.resume("echo")
    with pytest.raises(pykka.ActorDeadError):
        left_over.get()
    eventually(lambda: not runtime.is_alive("echo"))
    assert [(name, str(error)) for _, name, error in runtime.failures] == [("echo", "told to fail")]


def test_the_failure_hook_runs_and_the_stop_hook_does_not(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    diary: list[str] = []
    ref = runtime.start(Diary, diary, "got bad", name="diary")
    ref.tell("bad")
    eventually(lambda: "failure" in diary)
    assert diary == ["start", "got bad", "failure"]


def test_without_a_restart_a_failed_actor_stays_dead(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Echo, name="echo").tell("fail")
    eventually(lambda: not runtime.is_alive("echo"))
    runtime.sleep(2 * MOMENT_S)
    assert runtime.incarnation("echo") == 1


def test_a_failed_actor_starts_again_under_its_name_with_its_arguments_and_no_memory(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Echo, 7, name="echo", restart=MOMENT_S)
    runtime.tell("echo", "remember")
    before = runtime.now()
    runtime.tell("echo", "fail")
    eventually(lambda: runtime.incarnation("echo") == 2 and runtime.is_alive("echo"))
    assert runtime.now() - before >= MOMENT_S
    proxy = runtime.ref("echo").proxy()
    assert proxy.start_count.get() == 7
    assert proxy.count().get() == 0


def test_a_failure_while_starting_counts_as_a_failure(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    diary: list[str] = []
    runtime.start(Diary, diary, "start", name="diary", restart=MOMENT_S)
    eventually(lambda: diary.count("start") >= 3)
    assert runtime.incarnation("diary") >= 3


def test_an_actor_started_by_hand_is_not_started_again_for_the_failure_of_the_one_before(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Echo, name="echo", restart=2 * MOMENT_S).tell("fail")
    eventually(lambda: not runtime.is_alive("echo"))
    ref = runtime.start(Echo, name="echo")
    runtime.sleep(4 * MOMENT_S)
    assert runtime.ref("echo") == ref
    assert runtime.incarnation("echo") == 2


# -- pausing -------------------------------------------------------------------------------------------


def test_a_paused_node_takes_nothing_and_loses_nothing(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    ref = runtime.start(Echo, name="echo")
    runtime.pause("echo")
    for number in range(5):
        ref.tell(number)
    runtime.sleep(2 * MOMENT_S)
    assert runtime.depth("echo") == 5
    assert runtime.resume("echo") == 5
    assert ref.proxy().seen.get() == [0, 1, 2, 3, 4]


def test_pauses_of_one_node_add(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    runtime.pause("echo")
    runtime.pause("echo")
    reply = runtime.request("echo", 1)
    assert runtime.resume("echo") == 0
    with pytest.raises(pykka.Timeout):
        reply.get(timeout=MOMENT_S)
    runtime.resume("echo")
    assert reply.get() == 1


def test_a_pause_holds_a_handler_that_waits(runtime: SupervisedRuntime, eventually: Eventually) -> None:
    done: list[Any] = []
    runtime.start(Slow, runtime, MOMENT_S, done, name="slow")
    runtime.tell("slow", 1)
    runtime.sleep(MOMENT_S / 2)
    runtime.pause("slow")
    runtime.sleep(4 * MOMENT_S)
    assert done == []
    runtime.resume("slow")
    eventually(lambda: done == [1])


# -- crashing ------------------------------------------------------------------------------------------


def test_a_crash_ends_a_handler_where_it_waits(runtime: SupervisedRuntime) -> None:
    done: list[Any] = []
    runtime.start(Slow, runtime, 2 * MOMENT_S, done, name="slow")
    in_hand = runtime.request("slow", "in hand")
    waiting = runtime.request("slow", "waiting")
    runtime.sleep(MOMENT_S)
    assert runtime.crash("slow") == 2
    for reply in (in_hand, waiting):
        with pytest.raises(pykka.ActorDeadError):
            reply.get(timeout=FOREVER_S)
    runtime.sleep(4 * MOMENT_S)
    assert done == []
    assert runtime.tell("slow", "nobody there") is False


def test_a_crashed_node_starts_again_at_the_end_of_the_crash_and_not_before(
    runtime: SupervisedRuntime,
) -> None:
    runtime.start(Echo, name="echo", restart=MOMENT_S)
    runtime.crash("echo")
    runtime.sleep(3 * MOMENT_S)
    assert not runtime.is_alive("echo")
    runtime.revive("echo")
    assert runtime.ask("echo", "new") == "new"
    assert runtime.incarnation("echo") == 2


def test_a_crash_stops_every_actor_of_its_node_and_no_other(runtime: SupervisedRuntime) -> None:
    for name, node in (("lane/1", "node"), ("lane/2", "node"), ("other", "other")):
        runtime.start(Echo, name=name, node=node)
    runtime.crash("node")
    assert [runtime.is_alive(name) for name in ("lane/1", "lane/2", "other")] == [False, False, True]
    runtime.revive("node")
    assert runtime.ask("lane/2", 1) == 1


def test_timers_ring_in_their_order_and_can_be_cancelled(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    rung: list[str] = []
    runtime.after(2 * MOMENT_S, rung.append, "second")
    runtime.after(MOMENT_S, rung.append, "first")
    runtime.after(MOMENT_S, rung.append, "cancelled").cancel()
    eventually(lambda: len(rung) == 2)
    assert rung == ["first", "second"]


def test_an_actors_timers_die_with_it(runtime: SupervisedRuntime) -> None:
    rung: list[str] = []

    class Sleeper(pykka.ThreadingActor):
        def on_receive(self, _message: Any) -> None:
            runtime.after(2 * MOMENT_S, rung.append, "rang")

    runtime.start(Sleeper, name="sleeper")
    runtime.ask("sleeper", "set it")
    runtime.crash("sleeper")
    runtime.revive("sleeper")
    runtime.sleep(4 * MOMENT_S)
    assert rung == []


# -- links ---------------------------------------------------------------------------------------------


class Later:
    """A rule that adds a delay."""

    stops_arrivals = False

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_message(self, _message: Any) -> Any:
        from actors.runtime.rules import Passage

        return Passage(after=self.seconds)


class Closed:
    """A rule that loses everything."""

    stops_arrivals = True

    def on_message(self, _message: Any) -> Any:
        from actors.runtime.rules import Passage

        return Passage(lost=True)


def test_a_link_without_faults_delivers(runtime: SupervisedRuntime) -> None:
    ref = runtime.start(Echo, name="echo")
    assert runtime.link("a->echo").send(1)
    assert ref.proxy().seen.get() == [1]


def test_a_delay_moves_the_arrival_and_keeps_the_order(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    ref = runtime.start(Echo, name="echo")
    end = runtime.add_link_rule("a->echo", Later(2 * MOMENT_S))
    before = runtime.now()
    runtime.link("a->echo").send(1)
    assert end() == 1
    runtime.link("a->echo").send(2)
    eventually(lambda: ref.proxy().seen.get() == [1, 2])
    assert runtime.now() - before >= 2 * MOMENT_S


def test_a_cut_link_refuses_what_is_sent_and_loses_what_is_under_way(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    ref = runtime.start(Echo, name="echo")
    lost: list[Any] = []
    end_delay = runtime.add_link_rule("a->echo", Later(2 * MOMENT_S))
    assert runtime.link("a->echo").send("under way", lost=lost.append)
    end_delay()
    end_cut = runtime.add_link_rule("a->echo", Closed())
    assert not runtime.link("a->echo").send("refused", lost=lost.append)
    eventually(lambda: lost == ["under way"])
    assert end_cut() == 2
    runtime.link("a->echo").send("through")
    assert ref.proxy().seen.get() == ["through"]


def test_a_message_for_one_incarnation_does_not_reach_the_next(runtime: SupervisedRuntime) -> None:
    runtime.start(Echo, name="echo")
    first = runtime.incarnation("echo")
    runtime.crash("echo")
    runtime.revive("echo")
    assert not runtime.link("a->echo").send("for the first", incarnation=first)
    assert runtime.link("a->echo").send("for the second", incarnation=first + 1)
    assert runtime.ref("echo").proxy().seen.get() == ["for the second"]


def test_an_actor_cannot_pause_or_crash_a_node(runtime: SupervisedRuntime) -> None:
    class Rogue(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> None:
            getattr(runtime, message)("rogue")

    runtime.start(Rogue, name="rogue")
    for deed in ("pause", "crash"):
        with pytest.raises(RuntimeFailure, match=deed):
            runtime.ask("rogue", deed)


def test_a_closed_runtime_starts_nothing(runtime: SupervisedRuntime) -> None:
    runtime.close()
    with pytest.raises(RuntimeFailure, match="closed"):
        runtime.start(Echo, name="echo")
