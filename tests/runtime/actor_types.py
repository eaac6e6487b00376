"""Plain Pykka actors, as a user writes them, for the laws of this folder."""

from typing import Any

import pykka

from actors.runtime.port import Runtime


class Echo(pykka.ThreadingActor):
    """Answers with what it is told; fails on `fail`; keeps what it has seen."""

    greeting = "hello"

    def __init__(self, start_count: int = 0) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.start_count = start_count

    def on_receive(self, message: Any) -> Any:
        if message == "fail":
            raise ValueError("told to fail")
        self.seen.append(message)
        return message

    def count(self) -> int:
        return len(self.seen)

    def double(self, number: int) -> int:
        return 2 * number

    def broken(self) -> None:
        raise LookupError("a method of mine failed")


class Diary(pykka.ThreadingActor):
    """Writes its life down in a list that it is handed."""

    def __init__(self, diary: list[str], fails_at: str = "") -> None:
        super().__init__()
        self._diary = diary
        self._fails_at = fails_at

    def _note(self, what: str) -> None:
        self._diary.append(what)
        if what == self._fails_at:
            raise ValueError(what)

    def on_start(self) -> None:
        self._note("start")

    def on_stop(self) -> None:
        self._note("stop")

    def on_failure(self, _kind: object, _value: object, _traceback: object) -> None:
        self._diary.append("failure")

    def on_receive(self, message: Any) -> Any:
        self._note(f"got {message}")
        return message


class Asker(pykka.ThreadingActor):
    """Passes a question on and waits for the answer inside its handler."""

    def __init__(self, runtime: Runtime, other: str, timeout_s: float | None = None) -> None:
        super().__init__()
        self._runtime = runtime
        self._other = other
        self._timeout_s = timeout_s

    def on_receive(self, message: Any) -> Any:
        return self._runtime.ask(self._other, message, timeout=self._timeout_s)


class Slow(pykka.ThreadingActor):
    """Takes so many seconds for each message."""

    def __init__(self, runtime: Runtime, seconds: float, done: list[Any]) -> None:
        super().__init__()
        self._runtime = runtime
        self._seconds = seconds
        self._done = done

    def on_receive(self, message: Any) -> Any:
        self._runtime.sleep(self._seconds)
        self._done.append(message)
        return message
