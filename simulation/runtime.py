"""The virtual-time runtime: Pykka actors on SimPy's clock.

It fills the three hooks that Pykka leaves to makers of actor types (inbox, future, loop), so any Pykka actor
class runs on it unchanged by being started through it:

>>> import pykka
>>> class Greeter(pykka.ThreadingActor):
...     def on_receive(self, message):
...         return f"hello {message}"
>>> with VirtualRuntime() as runtime:
...     greeter = runtime.start(Greeter, name="greeter")
...     greeter.ask("world")
'hello world'
"""

from __future__ import annotations

import contextlib
import gc
import math
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import simpy

from actors.runtime.gate import RuleGate
from actors.runtime.link import Link, original
from actors.runtime.port import Deadlock, RuntimeFailure
from actors.runtime.supervision import SupervisedRuntime
from scenarios.randomness import Streams
from simulation.clock import Call, Clock
from simulation.future import VirtualReply
from simulation.mutex import VirtualMutex
from simulation.process import ROOM, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pykka

    from actors.trace import Recorder
    from scenarios.distributions import Distribution


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Meanwhile nobody looks for garbage in cycles: messages hold none, and it costs a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class VirtualTimer:
    """A scheduled call that can be taken back."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def cancel(self) -> None:
        """See `actors.runtime.port.Timer`."""
        self._call.act = None


class VirtualRuntime(SupervisedRuntime):
    """Actors in virtual time, in one thread; equal seeds give equal runs.

    `times` are the service times of nodes, of store calls (`store:products`) and of `checkpoint`; `delays`
    those of links, by name. The clock, SimPy's, is `env` and begins at `start_s`. Use it as a
    context manager, or `close` it: actors that are left parked keep their memory.
    """

    def __init__(
        self,
        *,
        streams: Streams | None = None,
        times: Mapping[str, Distribution] | None = None,
        delays: Mapping[str, Distribution] | None = None,
        fifo: bool = True,
        start_s: float = 0.0,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(recorder)
        self.env = Clock(start_s)
        self._streams = streams or Streams(0)
        self._times = dict(times or {})
        self._delays = dict(delays or {})
        self._fifo = fifo
        self._samplers: dict[str, Callable[[], float] | None] = {}
        self._tasks: dict[Process, None] = {}  # in the order of their beginning
        self._spawned = 0
        self.lending = False  # an actor carries out a call of somebody else
        self._reply_class = cast(
            "type[VirtualReply]", type("VirtualReply", (VirtualReply,), {"runtime": self})
        )

    # -- the clock -------------------------------------------------------------------------------------

    def now(self) -> float:
        """See `Runtime`."""
        return self.env.now_s

    def run(self, until: float) -> None:
        """Let everything happen that is due before `until`.

        Raises:
            Deadlock: actors wait for each other and nothing is scheduled any more, or never will be for them.

        """
        self._only_from_outside("run")
        if until <= self.env.now_s:
            return
        with uncollected():
            self.env.run_before(until)
        stuck = self._waiting_in_circles()
        if not stuck and self.env.peek() == simpy.core.Infinity and not self._is_held_up():
            stuck = self._waiting()
        if stuck:
            raise Deadlock(self._who_waits(stuck))

    def run_until_done(self, reply: VirtualReply, timeout: float | None) -> None:
        """Run the clock until the reply is there, or for at most `timeout` seconds."""
        self._only_from_outside("wait")
        end = simpy.core.Infinity if timeout is None else self.env.now_s + timeout
        while not reply.done:
            if self.env.peek() > end:
                self.env.run_before(end)
                return
            try:
                self.env.step()
            except simpy.core.EmptySchedule:
                if timeout is None:
                    raise Deadlock(
                        f"nothing is scheduled any more, and {reply.owner or 'nobody'} has not answered; "
                        + self._who_waits(self._waiting())
                    ) from None
                return

    def schedule(self, call: Call, delay: float) -> None:
        """Put a call on the clock, `delay` seconds from now."""
        if delay < 0.0:
            raise RuntimeFailure(f"cannot make a call {-delay:.9g} s in the past; time only goes on")
        self.env.call_in(delay, call)

    def running(self) -> Process | None:
        """The process that runs now; None outside of any."""
        process: Process | None = self.env.running
        return process

    def call_at(self, instant: float, call: Callable[..., object], *args: Any) -> Call:
        """See `Runtime`."""
        return self._call_in(instant - self.env.now_s, call, *args)

    def sleep(self, seconds: float) -> None:
        """See `Runtime`; called from outside any actor it runs the clock."""
        process = self.env.running
        if process is not None:
            process.sleep(seconds)
        else:
            self.run(self.env.now_s + seconds)

    def work(self) -> None:
        """See `Runtime`."""
        process = self.env.running
        if process is not None and process.service is not None:
            process.work(process.service())

    def spend(self, purpose: str) -> None:
        """See `Runtime`."""
        process = self.env.running
        sampler = self._sampler(purpose)
        if sampler is not None and process is not None:
            process.work(sampler())

    def after(self, delay: float, call: Callable[..., object], *args: Any) -> VirtualTimer:
        """See `Runtime`."""
        process = self.env.running
        if process is None or not process.is_actor:
            return VirtualTimer(self._call_in(delay, call, *args))

        def ring() -> None:
            if not process.ended:
                call(*args)

        return VirtualTimer(self._call_in(delay, ring))

    def random(self, name: str) -> Callable[[], float]:
        """See `Runtime`."""
        return self._streams.stream(name).uniform

    # -- threads of control ------------------------------------------------------------------------

    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        """See `Runtime`. An error in it ends the run."""
        self._spawned += 1
        process = Process(self.env, f"client {self._spawned}", is_actor=False)

        def life() -> None:
            try:
                function(*args)
            finally:
                del self._tasks[process]

        self._tasks[process] = None
        process.live(life)

    def mutex(self) -> VirtualMutex:
        """See `Runtime`."""
        return VirtualMutex(self.env)

    def taken(self) -> float:
        """See `Runtime`."""
        process = self.env.running
        return process.begun_s if process is not None else self.env.now_s

    def handled(self) -> tuple[float, float]:
        """See `Runtime`."""
        clock = self.env
        now_s, process = clock.now_s, clock.running
        return process.begun_s if process is not None else now_s, now_s

    def close(self) -> None:
        """See `Runtime`."""
        super().close()
        for task in list(self._tasks):
            task.kill()

    def _call_in(self, delay: float, call: Callable[..., object], *args: Any) -> Call:
        scheduled = Call(partial(call, *args))
        self.schedule(scheduled, delay)
        return scheduled

    # -- inside ----------------------------------------------------------------------------------------

    def _sampler(self, name: str, of: str | None = None) -> Callable[[], float] | None:
        """Draws the times of this name from a stream of its own; None if it takes no time.

        `of` is whose distribution it is, such as the node of an actor; the name itself if left out.
        """
        if name not in self._samplers:
            time = self._times.get(of or name)
            stream = self._streams.stream(f"time/{name}")
            self._samplers[name] = None if time is None or time.zero else time.sampler(stream)
        return self._samplers[name]

    def _service(self, name: str, node: str) -> Callable[[], float] | None:
        """Draws the service times of one actor of a node, stretched while something slows the node."""
        plain = self._sampler(name, node)
        slowings = self._slowings.get(node)
        if plain is None or not slowings:
            return plain
        factor = math.prod(slowing.amount for slowing in slowings)

        def stretched() -> float:
            for slowing in slowings:
                slowing.hits += 1
            return plain() * factor

        return stretched

    def _change_pace(self, node: str) -> None:
        for actor in self._of(node):
            if actor.ref is not None:
                actor.inbox.service = self._service(actor.name, node)

    def _make_link(self, name: str) -> Link:
        delay = self._delays.get(original(name))
        stream = self._streams.stream(f"link/{name}")
        sampler = None if delay is None or delay.zero else delay.sampler(stream)
        return Link(self, name, sampler, fifo=self._fifo)

    def _make_gate(self, store: str) -> RuleGate:
        return RuleGate(self, store, self._sampler(f"store:{store}"))

    def promise(self, owner: str = "") -> VirtualReply:
        """See `Runtime`."""
        reply_class = self._reply_class
        reply = reply_class()
        reply.owner = owner
        return reply

    def _on_own_thread(self) -> bool:
        return self.env.running is not None

    def _sender(self) -> Process | None:
        process = self.env.running
        return process if process is not None and process.is_actor and not self.lending else None

    def _hooks(self, name: str, node: str, works: tuple[type, ...] | None) -> dict[str, Any]:
        def create_inbox() -> Process:
            process = Process(self.env, name)
            process.service = self._service(name, node)
            process.works = None if works is None else frozenset(works)
            return process

        def start_loop(actor: pykka.Actor) -> None:
            cast("Process", actor.actor_inbox).live_as(actor, self.handling(node))

        return {
            "_create_actor_inbox": staticmethod(create_inbox),
            "_create_future": staticmethod(lambda: self.promise(name)),
            "_start_actor_loop": start_loop,
        }

    # -- who waits for whom ----------------------------------------------------------------------------

    def _waiting(self) -> list[Process]:
        processes = [actor.inbox for actor in self._actors.values() if actor.ref is not None]
        return [p for p in (*processes, *self._tasks) if p.waits_for is not None]

    def _waiting_in_circles(self) -> list[Process]:
        # What waits for room that a fault has taken away goes on when the fault ends.
        waits = {
            p.name: p
            for p in self._waiting()
            if p.waits_what != ROOM or not self._is_narrowed(p.waits_for or "")
        }
        for process in waits.values():
            seen: list[Process] = []
            link: Process | None = process
            while link is not None and link not in seen:
                seen.append(link)
                link = waits.get(link.waits_for or "")
            if link is process:
                return seen
        return []

    def _who_waits(self, processes: Sequence[Process]) -> str:
        if not processes:
            return "no actor waits for another"
        waits = [
            f"{p.name} waits for {p.waits_what} {p.waits_for or 'nobody'}"
            for p in processes
            if p.waits_for is not None
        ]
        return (
            "; ".join(waits) + f" (at {self.env.now_s:.9g} s); answer before you ask, or ask with a timeout"
        )
