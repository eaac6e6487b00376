"""The locustfile: people who use the shop, or the load of a scenario, against `cqrs-lab serve`.

Run it with `locust -f loadtest/locustfile.py`, and see docs/locust.md. Only this file and what it alone uses
import Locust, which replaces threads and sockets by its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from locust import events

from loadtest.users.load import ScenarioLoad
from loadtest.users.options import add_options
from loadtest.users.people import DirectBuyer, HistoryReader, Probe, Shopper, StockClerk
from loadtest.users.shaping import Shape
from loadtest.users.tab import add_tab
from loadtest.users.together import attach, scenario_of
from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment

__all__ = ["DirectBuyer", "HistoryReader", "Probe", "ScenarioLoad", "Shape", "Shopper", "StockClerk"]

BAD_USAGE = 2


def _options(parser: LocustArgumentParser, **_: Any) -> None:
    add_options(parser)


def _begin(environment: Environment, **_: Any) -> None:
    try:
        scenario_of(environment)
    except ScenarioError as error:
        print(f"cqrs-lab: {error}", file=sys.stderr)
        sys.exit(BAD_USAGE)
    attach(environment)
    if environment.web_ui is not None:
        add_tab(environment)


events.init_command_line_parser.add_listener(_options)
events.init.add_listener(_begin)
