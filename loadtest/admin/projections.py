"""The projections of a live system: pausing, resuming and rebuilding them while they serve."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pykka

from actors.projections.rebuild import VIEWS, Rebuild, RebuildFailed
from actors.stores.port import StoreError
from actors.topology import consumers, node_of
from scenarios.faults import BEGIN
from scenarios.randomness import Streams
from scenarios.scenario import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.system.livesystem import LiveSystem

logger = logging.getLogger("cqrs_lab.admin")


class Rebuilding:
    """A rebuild that is under way or over: `changed` rows, or `why` it came to nothing; instants in s."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.ended_s: float | None = None
        self.rebuild: Rebuild | None = None
        self.changed: int | None = None
        self.why: str | None = None


class Projections:
    """What can be done to each consumer that shows something. Any thread may call it that is no actor's.

    A paused projection gets no events. Those that were published into an outbox wait in their log, others on
    their way; what the projection has been told already it still applies.
    """

    def __init__(self, system: LiveSystem) -> None:
        self.follows = {
            name: sources for name, sources in consumers(system.policy).items() if node_of(name) in VIEWS
        }
        self.rebuilds: dict[str, Rebuilding] = {}
        self._system = system
        self._stop = "hold" if system.policy.publish == "direct" else "cut"
        self._paused: dict[str, list[Callable[[], int]]] = {}
        self._lock = threading.Lock()

    def is_paused(self, name: str) -> bool:
        """Whether it gets no events, itself or as a copy of one that gets none."""
        return name in self._paused or node_of(name) in self._paused

    def pause(self, name: str) -> None:
        """Let it get no events; `summary` stands for its copies too."""
        with self._lock:
            if name not in self._paused:
                links = [f"{source}->{name}" for source in self.follows[name]]
                begin, runtime, stream = BEGIN[self._stop], self._system.runtime, Streams(0).stream("pause")
                self._paused[name] = [
                    begin(Fault(kind=self._stop, on=link), link, runtime, stream) for link in links
                ]

    def resume(self, name: str) -> None:
        """Let it have its events again, if it is paused."""
        with self._lock:
            for end in self._paused.pop(name, ()):
                end()

    def resume_all(self) -> None:
        """Let every one have its events again."""
        for name in list(self._paused):
            self.resume(name)

    def rebuild(self, name: str) -> Rebuilding:
        """Begin to make the view anew, unless that is under way."""
        runtime = self._system.runtime
        with self._lock:
            running = self.rebuilds.get(name)
            if running is not None and running.ended_s is None:
                return running
            begun = self.rebuilds[name] = Rebuilding(runtime.now())
        runtime.spawn(self._run, name, begun)
        return begun

    def _run(self, name: str, begun: Rebuilding) -> None:
        system = self._system
        try:
            begun.rebuild = Rebuild(system.runtime, name, system.stores, system.policy)
            begun.changed = begun.rebuild.run()
        except (RebuildFailed, StoreError) as error:
            begun.why = str(error)
        except pykka.ActorDeadError:
            begun.why = f"{name} is down, or went down meanwhile; rebuild it when it is up"
        except Exception:
            logger.exception("a rebuild failed", extra={"projection": name})
            begun.why = "something failed that should not have; the server's log says what"
        finally:
            begun.ended_s = system.runtime.now()
