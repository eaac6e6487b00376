"""The options of the load, beside Locust's own; most are also in the form of its web UI.

What the load talks to, and who may talk to it, are on this machine unless the user says otherwise.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from loadtest.users.generator import POOL
from loadtest.users.shapes import LENGTH_DEFAULT_S, SCENARIO, SHAPES
from loadtest.users.watching import WATCH_RATE

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser

LOOPBACK: Final = "127.0.0.1"
HOST: Final = f"http://{LOOPBACK}:8000"
USERS: Final = 20
SPAWN_RATE: Final = 20.0

SCENARIO_VARIABLE: Final = "CQRS_LAB_SCENARIO"
USERS_VARIABLE: Final = "CQRS_LAB_USERS"


def add_options(parser: LocustArgumentParser) -> None:
    """Add them to Locust's command line, and set the defaults of Locust's own."""
    parser.set_defaults(
        host=HOST, web_host=LOOPBACK, master_bind_host=LOOPBACK, num_users=USERS, spawn_rate=SPAWN_RATE
    )
    parser.add_argument(
        "--shape",
        choices=[*SHAPES, SCENARIO],
        default=SCENARIO if os.environ.get(SCENARIO_VARIABLE) else next(iter(SHAPES)),
        help=f"How many users there are over the run time ({LENGTH_DEFAULT_S:g} s unless it is said, an hour "
        "for soak), or the load of a scenario, which needs no users",
    )
    parser.add_argument(
        "--scenario",
        metavar="NAME|FILE",
        default="",
        env_var=SCENARIO_VARIABLE,
        help="Whose load it is, and for the other shapes whose customers and products there are",
    )
    parser.add_argument(
        "--watch-rate",
        type=float,
        metavar="PER_S",
        default=WATCH_RATE,
        help="How many orders of the scenario's load a second are watched until they are visible",
    )
    parser.add_argument(
        "--pool",
        type=int,
        default=POOL,
        help="How many requests of open loads are under way at most in each process; others are dropped",
    )
    parser.add_argument(
        "--deadline",
        type=float,
        metavar="SECONDS",
        default=0.0,
        help="For how long a watched order is looked for; 0: 10 s, or as long as the scenario's settle phase",
    )
    parser.add_argument(
        "--closed-users",
        type=int,
        default=0,
        env_var=USERS_VARIABLE,
        help="How many users each closed load of the scenario has; 0: as many as the scenario says",
    )
