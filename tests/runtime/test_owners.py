"""An actor that is a part of another lives no longer than its owner."""

from collections.abc import Callable
from typing import Any

import pykka
import pytest
from actor_types import Echo

from actors.runtime.supervision import SupervisedRuntime

Eventually = Callable[[Callable[[], bool]], None]

MOMENT_S = 0.02


class Team(pykka.ThreadingActor):
    """Starts its members as its parts; `after` names what it does instead of answering."""

    def __init__(self, runtime: SupervisedRuntime, *members: str, first: bool = True) -> None:
        super().__init__()
        self._runtime = runtime
        self._members = members
        self._starts_at_once = first

    def on_start(self) -> None:
        if self._starts_at_once:
            self.hire()

    def hire(self) -> None:
        for member in self._members:
            self._runtime.start(Echo, name=member, node="team", restart=MOMENT_S, owner="team")

    def on_receive(self, message: Any) -> Any:
        if message == "fail":
            raise ValueError("told to fail")
        if message == "hire":
            self.hire()
        if message == "stop":
            self.stop()
        return message


def alive(runtime: SupervisedRuntime, *names: str) -> list[bool]:
    return [runtime.is_alive(name) for name in names]


def gone(runtime: SupervisedRuntime) -> Callable[[], bool]:
    return lambda: alive(runtime, "team", "ann", "bob") == [False] * 3


def test_the_parts_are_actors_like_any_other(runtime: SupervisedRuntime) -> None:
    runtime.start(Team, runtime, "ann", "bob", name="team")
    runtime.ask("team", 1)
    assert [runtime.ask(name, 2) for name in ("ann", "bob")] == [2, 2]


@pytest.mark.parametrize("message", ["fail", "stop"])
def test_the_parts_end_when_the_owner_fails_or_stops(
    runtime: SupervisedRuntime, eventually: Eventually, message: str
) -> None:
    runtime.start(Team, runtime, "ann", "bob", name="team")
    runtime.ask("team", 1)
    runtime.tell("team", message)
    eventually(gone(runtime))


def test_the_parts_end_with_a_crash_of_the_owner_alone_and_their_messages_are_lost(
    runtime: SupervisedRuntime,
) -> None:
    runtime.start(Team, runtime, "ann", "bob", name="team", node="head")
    runtime.ask("team", 1)
    runtime.pause("team")
    for number in range(3):
        runtime.tell("ann", number)
    assert runtime.crash("head") == 3
    assert gone(runtime)()


def test_neither_a_revival_nor_a_restart_starts_a_part_but_its_owner_does(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Team, runtime, "ann", "bob", name="team", first=False)
    runtime.ask("team", "hire")
    runtime.crash("team")
    runtime.revive("team")
    assert alive(runtime, "team", "ann", "bob") == [True, False, False]
    runtime.ask("team", "hire")
    assert [runtime.incarnation(name) for name in ("team", "ann", "bob")] == [2, 2, 2]
    runtime.tell("ann", "fail")
    eventually(lambda: not runtime.is_alive("ann"))
    runtime.sleep(3 * MOMENT_S)
    assert alive(runtime, "team", "ann", "bob") == [True, False, True]


def test_an_owner_that_starts_again_starts_its_parts_again(
    runtime: SupervisedRuntime, eventually: Eventually
) -> None:
    runtime.start(Team, runtime, "ann", "bob", name="team", restart=MOMENT_S)
    runtime.ask("team", 1)
    runtime.tell("team", "fail")
    eventually(lambda: runtime.incarnation("bob") == 2)
    assert runtime.ask("ann", 2) == 2
    assert runtime.incarnation("ann") == 2


def test_a_part_that_still_lives_is_ended_before_it_is_started_anew(runtime: SupervisedRuntime) -> None:
    runtime.start(Team, runtime, "ann", name="team")
    runtime.ask("team", 1)
    first = runtime.ref("ann")
    runtime.pause("team")
    waiting = runtime.request("ann", 2)
    runtime.resume("team")
    runtime.ask("team", "hire")
    assert not first.is_alive()
    assert runtime.ask("ann", 3) == 3
    assert runtime.incarnation("ann") == 2
    assert answer(waiting) in (2, pykka.ActorDeadError)


def answer(reply: Any) -> Any:
    try:
        return reply.get()
    except pykka.ActorDeadError as error:
        return type(error)


def test_a_killed_part_lets_its_owner_go_on(runtime: SupervisedRuntime) -> None:
    class Waiting(pykka.ThreadingActor):
        def on_receive(self, _message: Any) -> None:
            runtime.sleep(1000.0)

    class Owner(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            runtime.start(Waiting, name="part", owner="owner")
            runtime.tell("part", message)
            runtime.sleep(MOMENT_S)
            runtime.start(Waiting, name="part", owner="owner")
            return runtime.incarnation("part")

    runtime.start(Owner, name="owner")
    assert runtime.ask("owner", 1, timeout=10.0) == 2
