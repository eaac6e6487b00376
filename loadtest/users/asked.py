"""What the options ask for: by whom the load is made, and whether it can be at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtest.users.load import ScenarioLoad
from loadtest.users.shapes import SCENARIO
from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from locust import User
    from locust.env import Environment

AT_LEAST = {"pool": 1, "watch_rate": 0, "deadline": 0, "closed_users": 0}
"""The smallest values of the options that are numbers."""


def people(kinds: Iterable[type[User]], options: Any) -> list[type[User]]:
    """The kinds of people, but for those to whom the chosen tags leave nothing to do."""
    wanted, unwanted = set(options.tags or ()), set(options.exclude_tags or ())

    def is_left(task: Any) -> bool:
        tags: set[str] = getattr(task, "locust_tag_set", set())
        return (not wanted or bool(tags & wanted)) and not tags & unwanted

    return [kind for kind in kinds if kind is not ScenarioLoad and any(is_left(task) for task in kind.tasks)]


def require_possible(environment: Environment) -> None:
    """Make sure that somebody can make the load that is asked for.

    Raises:
        ScenarioError: nobody can; the message says which option is wrong, and the cure.

    """
    options: Any = environment.parsed_options
    for name, smallest in AT_LEAST.items():
        if getattr(options, name) < smallest:
            written = name.replace("_", "-")
            raise ScenarioError(
                f"--{written} {getattr(options, name)} is too small; make it {smallest} or more."
            )
    if options.shape == SCENARIO:
        if ScenarioLoad not in environment.user_classes:
            raise ScenarioError(
                "--shape scenario is the load of the user ScenarioLoad, and others are named; leave the "
                "names of users out, or choose another shape."
            )
        if options.tags or options.exclude_tags:
            raise ScenarioError(
                "--tags and --exclude-tags choose among what people do, and --shape scenario has none; leave "
                "them out, or choose another shape."
            )
        return
    if options.num_users < 1:
        raise ScenarioError(f"-u {options.num_users} is nobody; make it 1 or more.")
    if not people(environment.user_classes, options):
        raise ScenarioError(
            "by these tags and names of users nobody has anything to do; the tags are read, write, inventory "
            "and probe."
        )
