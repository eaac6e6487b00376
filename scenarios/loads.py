"""What a fault may decide about a load: which requests are left out, which are added, what they name.

As with links and stores, a rule only decides. Who makes the requests asks the rules of each load, does as
they say, and counts.
"""

from collections.abc import Callable, Container
from typing import NamedTuple, Protocol

from scenarios.arrivals import Arrivals
from scenarios.randomness import Streams


class Added(NamedTuple):
    """Requests besides those of a load: how they arrive, and from which streams all about them is drawn."""

    arrivals: Arrivals
    streams: Streams


class LoadRule:
    """Decides about the requests of one load while a fault is active; this one leaves them as they are."""

    def added(self, load: Arrivals) -> Added | None:  # noqa: ARG002
        """The requests that come besides those of the load, from now until the end of the fault."""
        return None

    def keeps(self, load: Arrivals, user: int | None) -> bool:  # noqa: ARG002
        """Whether a request is made; `user` numbers, from 0, who makes it in a closed load."""
        return True

    def product(self) -> int | None:
        """The product that a line names in place of the one that it would name; None: it is left alone."""
        return None


class Loads(Protocol):
    """All loads of a scenario, as faults see them."""

    def add_load_rule(self, load: str, rule: LoadRule) -> Callable[[], int]:
        """Let a rule decide about the load of this name; what is returned ends that and counts its hits.

        Touched are the requests that are left out or added, and the lines that name another product.
        """
        ...


class ActiveLoadRule:
    """A rule that a fault has put on a load, and how often it has decided something."""

    __slots__ = ("ended", "hits", "rule")

    def __init__(self, rule: LoadRule) -> None:
        self.rule = rule
        self.hits = 0
        self.ended = False


class LoadRules:
    """The rules of one load in the order in which they came; `active` while there are any.

    While they are not `counting`, nothing that they decide is a hit: another process makes the request.
    """

    __slots__ = ("_load", "_rules", "active", "counting")

    def __init__(self, load: Arrivals) -> None:
        self._load = load
        self._rules: list[ActiveLoadRule] = []
        self.active = False
        self.counting = True

    def add(self, rule: ActiveLoadRule) -> None:
        """Let the rule decide from now on."""
        self._rules = [*self._rules, rule]
        self.active = True

    def remove(self, rule: ActiveLoadRule) -> None:
        """Let it decide no more."""
        rule.ended = True
        self._rules = [other for other in self._rules if other is not rule]
        self.active = bool(self._rules)

    def keep(self, user: int | None) -> bool:
        """Whether a request is made: only if no rule leaves it out."""
        for active in self._rules:
            if not active.rule.keeps(self._load, user):
                active.hits += self.counting
                return False
        return True

    def product(self, number: int, named: Container[int]) -> int:
        """The product of a line that would name `number`; `named` are those of the lines before it.

        A line keeps its own product if the rules' is named already.
        """
        for active in self._rules:
            other = active.rule.product()
            if other is not None and other not in named:
                active.hits += self.counting
                number = other
        return number
