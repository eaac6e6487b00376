"""The clients' ledger: which commands they have sent, how these were answered, and what reads have seen.

It is what the clients themselves know, row by row in the trace, and so what the system is held to. Answers
may come on any thread.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from actors.messages import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.runtime.port import Reply
    from actors.trace import Recorder

    Then = Callable[[Accepted | None], object]
    """What a client does once it has its answer; None stands for any other than that it was accepted."""


class Sent:
    """A command on its way: who sent it and when; called with the reply, it writes down the answer."""

    __slots__ = ("arrived_s", "customer", "kind", "ledger", "product", "quantity", "then")

    def __init__(
        self,
        ledger: Ledger,
        kind: int,
        customer: int = -1,
        product: int = -1,
        quantity: int = -1,
        then: Then | None = None,
    ) -> None:
        self.ledger = ledger
        self.kind = kind
        self.customer = customer
        self.product = product
        self.quantity = quantity
        self.then = then
        now = ledger.now
        self.arrived_s = now()
        ledger.under_way[self] = None

    def __call__(self, reply: Reply) -> None:
        """Take the answer, and let the client go on."""
        ledger = self.ledger
        order_id = position = -1
        reason = ledger.no_reason
        accepted: Accepted | None = None
        try:
            answer = reply.get()
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the client sees a failure
            outcome, reason = ledger.failed, ledger.intern(type(error).__name__)
        else:
            if isinstance(answer, Accepted):
                accepted, outcome, position = answer, ledger.acknowledged, answer.position
                if position > 0 and self.customer > 0:
                    order_id = answer.id
            else:
                outcome, reason = ledger.rejected, ledger.intern(answer.reason)
        lock, now, row, then = ledger.lock, ledger.now, ledger.command_row, self.then
        lock.acquire()  # by name for less than half of what `with` costs
        try:
            if self not in ledger.under_way:
                return  # the run is over, and the command was written down as unanswered
            del ledger.under_way[self]
            if order_id > 0 and ledger.keeps_tokens:
                ledger.note(self.customer, position)
            row(
                (
                    self.kind,
                    self.customer,
                    order_id,
                    position,
                    self.arrived_s,
                    now(),
                    outcome,
                    reason,
                    self.product,
                    self.quantity,
                )
            )
        finally:
            lock.release()
        if then is not None:
            then(accepted)


class Ledger:
    """All commands and reads of the clients. With `keeps_tokens` it knows each customer's last order.

    A token is the position of an acknowledged order in its log.
    """

    def __init__(self, recorder: Recorder, now: Callable[[], float], *, keeps_tokens: bool) -> None:
        self.now = now
        self.under_way: dict[Sent, None] = {}  # in the order of their sending
        self.intern = intern = recorder.intern
        self.acknowledged, self.rejected, self.failed = map(intern, ("acknowledged", "rejected", "failed"))
        self.no_reason = intern("")
        self._unanswered = intern("unanswered")
        self.keeps_tokens = keeps_tokens
        self.lock = threading.Lock()  # for what an answer changes
        self.command_row = recorder.row("commands")
        self._tokens: dict[int, int] = {}
        self._read_row = recorder.row("reads")

    def note(self, customer: int, position: int) -> None:
        """Keep the position of a customer's acknowledged order, if it is the highest."""
        self._tokens[customer] = max(position, self._tokens.get(customer, 0))

    def read(self, kind: str, session: int, key: int, arrived_s: float, version: int, outcome: str) -> None:
        """Write down a read that has been answered now."""
        intern = self.intern
        self._read_row((intern(kind), session, key, arrived_s, self.now(), version, intern(outcome)))

    def token(self, customer: int) -> int:
        """The position of the customer's last acknowledged order; 0: none that is known."""
        return self._tokens.get(customer, 0)

    def close(self) -> None:
        """Write down the commands that nobody has answered; answers that come later do not count."""
        with self.lock:
            for sent in self.under_way:
                who, product, quantity = sent.customer, sent.product, sent.quantity
                ended = (math.nan, self._unanswered, self.no_reason)
                self.command_row((sent.kind, who, -1, -1, sent.arrived_s, *ended, product, quantity))
            self.under_way.clear()
