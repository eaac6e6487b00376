"""Recording: the experiment that a server was, as the reports are to see it."""

from __future__ import annotations

from dataclasses import replace

from scenarios.expectations import Expectation
from scenarios.needs import lacking
from scenarios.scenario import Phases, Scenario


def as_served(scenario: Scenario, run_s: float, settle_s: float) -> Scenario:
    """The scenario as a server has run it.

    Instants count from the server's start; `run` ends, and `settle` begins, when it stops to listen. It
    carries out no fault, and expects nothing that cannot be measured without.

    >>> from scenarios.expectations import parse
    >>> from scenarios.scenario import Expect
    >>> expect = Expect(that=(parse("recovery{summary} < 5s"), parse("no lost")))
    >>> served = as_served(Scenario(name="shop", expect=(expect,)), run_s=60.0, settle_s=0.5)
    >>> served.phases, [claim.text for claim in served.expect[0].that]
    (Phases(warm=0.0, run=60.0, settle=0.5), ['no lost'])
    """
    served = replace(scenario, phases=Phases(warm=0.0, run=run_s, settle=settle_s), faults=())
    expects = [
        replace(
            expect,
            that=tuple(
                claim
                for claim in expect.that
                if not isinstance(claim, Expectation) or lacking(claim, served, expect.when) is None
            ),
        )
        for expect in scenario.expect
    ]
    return replace(served, expect=tuple(expect for expect in expects if expect.that))
