"""What every endpoint works with: the commands' way to the actors, the views, and the books of both.

A command ends with `Accepted`, or as a problem: refused by an actor, or not answered by it.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pykka
from msgspec import UNSET

from actors.messages import Accepted
from actors.runtime.port import InboxFull
from actors.stores.port import StoreError, StoreFull
from loadtest.admin.state import Admin
from loadtest.api.idempotency import InFlight
from loadtest.api.problems import Problem, internal_error
from loadtest.api.views import Views
from loadtest.system.bridge import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.messages import Command, Control, Rejected
    from loadtest.api.views import Reflected
    from loadtest.system.livesystem import LiveSystem

ANSWER_TIMEOUT_S: Final = 10.0
"""An actor that does not answer a command for so long counts as unavailable."""

logger = logging.getLogger("cqrs_lab.facade")


class Refusal(NamedTuple):
    """The problem that a refused command ends as, and its cure."""

    kind: str
    cure: str


REFUSALS: Final = {
    "insufficient stock": Refusal(
        "insufficient-stock", "ask for less; GET /inventory/products/{id} says how many there are"
    ),
    "cart is empty": Refusal("cart-empty", "put something into the cart first"),
    "cart is full": Refusal("cart-full", "check out, or take a product out first"),
    "inventory unavailable": Refusal("service-unavailable", "place the order again in a moment"),
    "repeated product": Refusal("refused", "write one item for each product, with the whole quantity"),
}
_OTHERWISE: Final = Refusal("refused", "correct what is named and send the command again")

UNKNOWN_PRODUCT: Final = {
    "orders": Refusal(
        "product-not-sold",
        "order one of GET /products; the order service hears of a new product a moment after it was added",
    ),
    "checkouts": Refusal(
        "product-not-sold", "take it out of the cart, or check out again in a moment if it is new"
    ),
    "catalogue": Refusal("unknown-product", "name one of GET /products"),
}
"""What it means to name a product that is unknown, by the kind of command."""


class Service:
    """The live system as endpoints see it."""

    def __init__(self, system: LiveSystem, *, ready_lag_s: float) -> None:
        self.system = system
        self.views = Views(system)
        self.admin = Admin(system)
        self.ready_lag_s = ready_lag_s
        self.keys = InFlight(system.runtime.now)
        self.commands: Counter[tuple[str, str, str]] = Counter()  # per kind, outcome and reason
        self.requests: Counter[tuple[str, str, int]] = Counter()  # per route, method and status
        self._keeps = system.observer.keeps
        self._recorder = system.runtime.recorder
        self._command_row = self._recorder.row("commands")
        self._read_row = self._recorder.row("reads")

    async def command(
        self,
        kind: str,
        to: str,
        command: Command,
        *,
        customer: int = -1,
        product: int = -1,
        quantity: int = -1,
        ended: Callable[[], object] | None = None,
    ) -> Accepted:
        """Have an actor carry out a command; written down with its answer.

        Raises:
            Problem: it was refused, or not answered.

        """
        arrived_s = self.system.runtime.now() if self._keeps else 0.0
        outcome, reason, order_id, position = "failed", "", -1, -1
        try:
            answer = await self.system.runtime.answer(to, command, ANSWER_TIMEOUT_S, ended)
            if not isinstance(answer, Accepted):
                outcome, reason = "rejected", answer.reason
                raise _refused(kind, answer)
            outcome, position = "acknowledged", answer.position
            if position > 0 and customer > 0:
                order_id = answer.id
        except Problem:
            raise
        except Exception as error:
            reason = type(error).__name__
            raise _unanswered(to, error) from error
        finally:
            self.commands[kind, outcome, reason] += 1
            if self._keeps:
                intern, now_s = self._recorder.intern, self.system.runtime.now()
                ids = (intern(kind), customer, order_id, position, arrived_s, now_s)
                self._command_row((*ids, intern(outcome), intern(reason), product, quantity))
        return answer

    def read(self, kind: str, session: int, key: int, arrived_s: float, found: Reflected | None) -> None:
        """Write down a read that is about to be answered; None: it has failed."""
        if not self._keeps:
            return
        outcome = "failed" if found is None else "stale" if found.stale else "ok"
        version, read_s = (-1, self.system.runtime.now()) if found is None else (found.version, found.asked_s)
        intern = self._recorder.intern
        self._read_row((intern(kind), session, key, arrived_s, read_s, version, intern(outcome)))

    async def ask(self, name: str, message: Control) -> Any:
        """What an actor answers to a control message.

        Raises:
            Problem: it does not answer.

        """
        try:
            return await self.system.runtime.answer(name, message, ANSWER_TIMEOUT_S)
        except Exception as error:
            raise _unanswered(name, error) from error

    def close(self) -> None:
        """Take no further query, and undo what an admin has done and not undone."""
        self.views.close()
        self.admin.close()


def _refused(kind: str, answer: Rejected) -> Problem:
    refusal = REFUSALS.get(answer.reason, _OTHERWISE)
    if answer.reason == "unknown product":
        refusal = UNKNOWN_PRODUCT.get(kind, refusal)
    detail = f"{answer.reason}: {answer.detail}" if answer.detail else answer.reason
    return Problem(refusal.kind, detail, refusal.cure, answer.product_id or UNSET)


def _unanswered(to: str, error: Exception) -> Problem:
    """The problem with which a command ends whose actor has not answered."""
    again = "send it again in a moment; an order with the same Idempotency-Key is placed only once"
    match error:
        case InboxFull():
            return Problem("too-busy", f"{to} has more to do than it takes; nothing was done", again)
        case StoreError():
            return store_problem(error)
        case pykka.ActorDeadError():
            return Problem(
                "service-unavailable", f"{to} went down before it answered; it may have been done", again
            )
        case NoAnswer() | pykka.Timeout():
            return Problem(
                "service-unavailable", f"{to} has not answered in time; it may still be done", again
            )
    logger.error("a command failed", exc_info=error, extra={"to": to})
    return internal_error()


def store_problem(error: StoreError) -> Problem:
    """The problem with which a request ends whose store has failed; the log has the rest."""
    logger.warning("a store failed", extra={"error": f"{type(error).__name__}: {error}"})
    if isinstance(error, StoreFull):
        what = "a store takes no writes, as it is full; nothing was changed"
    else:
        what = "a store does not answer"
    return Problem("store-unavailable", what, "send it again in a moment; GET /readyz says how things are")
