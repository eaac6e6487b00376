"""Futures in virtual time: `get` parks the asking actor until the answer is there."""

from __future__ import annotations

import queue
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pykka

from actors.runtime.port import Reply
from simulation.clock import Call
from simulation.process import A_REPLY

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from simulation.process import Process

    ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Clock(Protocol):
    """What a reply asks of the runtime that made it."""

    lending: bool
    """Whether an actor carries out a call of somebody else, for which it must not wait."""

    def running(self) -> Process | None:
        """The process that runs now; None outside of any."""
        ...

    def schedule(self, call: Call, delay: float) -> None:
        """Put a call on the clock."""
        ...

    def run_until_done(self, reply: VirtualReply, timeout: float | None) -> None:
        """Let time pass until the reply is there, or for at most `timeout` seconds."""
        ...


class VirtualReply(Reply):
    """A reply that is waited for in virtual time; outside any actor, waiting runs the clock.

    Each runtime has a subclass of its own, so that `map`, `filter`, `join` and `reduce` stay on its clock.
    """

    runtime: ClassVar[Clock]

    # What a fresh reply has stands in the class: most replies never have anything else in these.
    owner: str = ""  # the actor that owes the answer
    _done: bool = False
    _value: Any = None
    _error: ExcInfo | None = None
    _waiting: Process | list[Process] | None = None
    _callbacks: list[Callable[[Reply], None]] | None = None
    _get_hook: Callable[[float | None], Any] | None = None

    def __init__(self) -> None:  # Pykka's own sets only what a get hook needs
        pass

    def get(self, *, timeout: float | None = None) -> Any:
        """The answer, waiting for it at most `timeout` seconds of virtual time."""
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if not self._done:
            process = self.runtime.running()
            if process is not None:
                self._wait_in(process, timeout)
            else:
                self.runtime.run_until_done(self, timeout)
            if not self._done:
                raise pykka.Timeout(f"{timeout} seconds")
        if self._error is not None:
            kind, value, traceback = self._error
            if value is None:
                assert kind is not None
                value = kind()
            raise value.with_traceback(traceback)
        return self._value

    def set(self, value: Any | None = None) -> None:
        """Give the answer."""
        if self._done or self._get_hook is not None:
            raise queue.Full
        self._value = value
        self._finish()

    def set_exception(self, exc_info: ExcInfo | None = None) -> None:
        """Give an error as the answer; without `exc_info` the one being handled."""
        if self._done or self._get_hook is not None:
            raise queue.Full
        self._error = exc_info or sys.exc_info()
        self._finish()

    def set_get_hook(self, func: Callable[[float | None], Any]) -> None:
        """Let `func(timeout)` make the answer when it is asked for."""
        if self._done:
            raise queue.Full
        super().__init__()
        super().set_get_hook(func)

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._done

    def on_done(self, callback: Callable[[Reply], None]) -> None:
        """Call `callback(self)` once the answer is there."""
        if self._done:
            callback(self)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def _finish(self) -> None:
        self._done = True
        waiting = self._waiting
        if waiting is not None:
            for process in waiting if isinstance(waiting, list) else (waiting,):
                process.waits_for = None
                process.wake_after(0.0)
            self._waiting = None
        callbacks = self._callbacks
        if callbacks is not None:
            self._callbacks = None
            runtime = self.runtime
            before, runtime.lending = runtime.lending, True
            try:
                for callback in callbacks:
                    callback(self)
            finally:
                runtime.lending = before

    def _wait_in(self, process: Process, timeout: float | None) -> None:
        waiting = self._waiting
        if waiting is None:
            self._waiting = process
        elif isinstance(waiting, list):
            waiting.append(process)
        else:
            self._waiting = [waiting, process]
        if timeout is None:
            process.wait_for(A_REPLY, self.owner)
            return
        alarm = Call(partial(self._give_up, process))
        self.runtime.schedule(alarm, timeout)
        process.park()
        alarm.act = None

    def _give_up(self, process: Process) -> None:
        """The timeout has come; if the answer has too, the process is on its way to it already."""
        if not self._done:
            self._forget(process)
            process.wake_after(0.0)

    def _forget(self, process: Process) -> None:
        if self._waiting is process:
            self._waiting = None
        elif isinstance(self._waiting, list):
            self._waiting.remove(process)
