"""The bodies of the admin surface."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from loadtest.api.bodies import Body, FollowerState, Instant
from scenarios.faults import BEGIN

INJECTED = tuple(BEGIN)
"""The kinds of faults that can be injected: those that act on a system, not on its load."""

_Word = Annotated[str, Meta(max_length=40)]
_Text = Annotated[str, Meta(max_length=200)]
_Value = _Text | int | float | bool
_Fields = dict[_Word, _Value]

ProjectionName = Annotated[
    str,
    Meta(
        pattern="^[a-z]+(-[0-9]+)?$",
        description="A projection; its second copy is called `summary-2` here.",
        examples=["summary"],
    ),
]
ConsumerName = Annotated[
    str, Meta(pattern="^[a-z]+(-[0-9]+)?$", description="A consumer; all of them unless it is said.")
]
FaultNumber = Annotated[int, Meta(ge=1, le=2**31 - 1, description="A fault's number.", examples=[1])]


# -- faults --------------------------------------------------------------------------------------------


class NewFault(Body, frozen=True):
    """A fault to begin now, with the keys of `[[fault]]` in a scenario file.

    Without `for` it lasts until it is healed. `at`, `every` and `enabled` are for scenarios.
    """

    kind: (
        Annotated[_Word, Meta(examples=["unavailable"], extra_json_schema={"enum": list(INJECTED)})]
        | UnsetType
    ) = UNSET
    on: (
        Annotated[
            str,
            Meta(
                max_length=60,
                pattern=r"^[^*]*(\*[^*]*){0,2}$",
                description="What it acts on, such as `summary`, `store:products` or `orders->*`.",
                examples=["store:products"],
            ),
        ]
        | UnsetType
    ) = UNSET
    for_: Annotated[_Text, Meta(examples=["10s"])] | UnsetType = field(name="for", default=UNSET)
    p: float | UnsetType = UNSET
    first: int | UnsetType = UNSET
    nth: int | UnsetType = UNSET
    where: _Fields | UnsetType = UNSET
    by: _Text | float | UnsetType = UNSET
    to: _Text | int | UnsetType = UNSET
    form: _Word | UnsetType = UNSET
    set: _Fields | UnsetType = UNSET
    at: _Text | UnsetType = UNSET
    every: _Text | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class FaultState(Body, frozen=True):
    """A fault that was injected; at its end it is known how many messages or calls it has touched."""

    id: FaultNumber
    kind: str
    on: str
    targets: list[str]
    state: Literal["running", "over"]
    began_at: Instant
    ended_at: Instant | UnsetType = UNSET
    touched: int | UnsetType = UNSET


# -- projections ---------------------------------------------------------------------------------------


class RebuildState(Body, frozen=True):
    """The newest rebuild: how many events it has read, how many rows were not as they are now, or why it
    failed.
    """

    state: Literal["running", "done", "failed"]
    began_at: Instant
    events_read: int
    ended_at: Instant | UnsetType = UNSET
    rows_changed: int | UnsetType = UNSET
    why: str | UnsetType = UNSET


class Projection(Body, frozen=True):
    """A projection: whether it is kept from its events, how far it is, and its newest rebuild."""

    name: ProjectionName
    paused: bool
    follows: list[FollowerState]
    rebuild: RebuildState | UnsetType = UNSET


# -- dead letters --------------------------------------------------------------------------------------


class DeadLetter(Body, frozen=True):
    """An event that a consumer has put aside, why, and after how many attempts."""

    consumer: str
    source: str
    position: int
    key: int
    type: str
    event: dict[str, Any]
    error: str
    attempts: int


class DeadLetters(Body, frozen=True):
    """How many dead letters there are, and some of them."""

    total: int
    letters: list[DeadLetter]


class Replayed(Body, frozen=True):
    """How many of a consumer's dead letters have taken effect now."""

    consumer: str
    replayed: int
